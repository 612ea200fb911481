"""Exports to a disk, which are not done before the disk has them."""

from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import contenders as by
import floors
from contenders import Contender
from measure import Measure, run
from rows import Stage

#: The most in terms of the slower of the floor and `dd`.
MOST = 1.15

DD = Contender("dd", "dd if=$BUNDLE of=$OUT/copy bs=1M conv=fsync status=none")


@dataclass
class Durable:
    """An export on disk beside the two things that it cannot beat."""

    corpus: str
    ours: list[Measure]
    floor: list[Measure]
    dd: list[Measure]
    version: str

    @classmethod
    def from_json(cls, document: dict) -> "Durable":
        runs = {name: [Measure(**run) for run in document[name]] for name in ("ours", "floor", "dd")}
        return cls(document["corpus"], **runs, version=document["version"])

    def seconds(self) -> tuple[float, float, float]:
        ours, floor, dd = (median(r.seconds for r in runs) for runs in (self.ours, self.floor, self.dd))
        return ours, floor, dd

    def ratio(self) -> float:
        ours, floor, dd = self.seconds()
        return ours / max(floor, dd)

    def verdict(self) -> str:
        return "ok" if self.ratio() <= MOST else "MISSED"

    def to_json(self) -> dict:
        runs = {"ours": self.ours, "floor": self.floor, "dd": self.dd}
        return {
            "corpus": self.corpus,
            "version": self.version,
            "verdict": self.verdict(),
            **{name: [asdict(one) for one in list_] for name, list_ in runs.items()},
        }


def measure(stage: Stage, disk: Path, runs: int, version: str, say) -> Durable:
    """Exports to `disk` and to nowhere, and copies as many bytes there, in turn; one run before counts for nothing."""
    site = stage.site
    result = Durable(site.corpus.name, [], [], [], version)
    fetch = floors.fetch(site.corpus, site.source.host, site.folder)
    stage.make_bundle()
    for number in range(runs + 1):
        for contender, list_ in ((by.EXPORT[0], result.ours), (fetch, result.floor), (DD, result.dd)):
            with stage.place.empty_folder(disk) as out:
                script = contender.script
                measured = run(script, site.environment(stage.binary, out, None), site.folder / "log")
            # What the last one left to write is not the next one's burden.
            run("sync", {}, site.folder / "log")
            if number:
                list_.append(measured)
        if number:
            say(f"durable {site.corpus.name}: run {number} of {runs}: "
                + ", ".join(f"{list_[-1].seconds:.2f}" for list_ in (result.ours, result.floor, result.dd)))
    return result

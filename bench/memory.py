"""Peak memory of each of our commands on *big* and on ten times as much, on a disk."""

from dataclasses import dataclass

import contenders as by
from measure import run
from rows import Stage

#: The most that a command may hold.
MOST = 100_000_000

COMMANDS = {
    "export": by.EXPORT[0],
    "verify": by.VERIFY[0],
    "import": by.IMPORT[0],
    "import again": by.IMPORT[0],
    "side-load": by.SIDELOAD[0],
}


@dataclass
class Peaks:
    """Peak bytes by command, for one corpus."""

    corpus: str
    size: int
    peaks: dict[str, int]
    version: str

    @classmethod
    def from_json(cls, document: dict) -> "Peaks":
        return cls(document["corpus"], document["bytes"], document["peaks"], document["version"])

    def to_json(self) -> dict:
        return {"corpus": self.corpus, "bytes": self.size, "peaks": self.peaks, "version": self.version}


def measure(stage: Stage, version: str, say) -> Peaks:
    """Runs each command once, one after another, each on what the ones before it made."""
    site = stage.site
    peaks: dict[str, int] = {}
    peaks["export"] = stage.make_bundle().peak
    target = stage.place.empty_registry()
    try:
        for name, contender in list(COMMANDS.items())[1:]:
            with stage.place.empty_folder() as out:
                environment = site.environment(stage.binary, out, target.host)
                peaks[name] = run(contender.script, environment, site.folder / "log").peak
            say(f"memory {site.corpus.name}: {name} {peaks[name] / 1e6:.0f} MB")
            if name == "import again":
                target.remove()
    finally:
        target.remove()
    return Peaks(site.corpus.name, site.corpus.size(), peaks, version)

"""The rows of the table: which contenders, where they begin, and what we promise."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import contenders as by
import floors
from contenders import Contender, FLOOR, OURS
from measure import Failed, Measure, run
from place import Place, Site
from registry import Away, Registry


@dataclass(frozen=True)
class Target:
    """A promise about a row: `peer` is the factor over the fastest peer, `floor` the most in terms of the floor."""

    peer: float | None = None
    floor: float | None = None
    #: `peer` is times cores, for tools that use one.
    per_core: bool = False
    #: The most in terms of the same without looking for referrers.
    off: float | None = None


@dataclass(frozen=True)
class Row:
    """One job on one corpus."""

    job: str
    corpus: str
    target: Target = field(default_factory=Target)
    #: The registry is 20 ms away.
    away: bool = False

    @property
    def called(self) -> str:
        """What `--rows` names it."""
        return self.job + (" away" if self.away else "")

    @property
    def name(self) -> str:
        return f"{self.job} {self.corpus}" + (", 20 ms away" if self.away else "")


#: `cp` at 0.8 of its speed is 1.25 of its time. *huge* is one blob, which one core hashes.
ROWS = [
    Row("export", "big", Target(peer=1.7, off=1.05)),
    Row("export", "small", Target(peer=2.0, floor=1.25, off=1.05)),
    Row("export", "multi", Target(peer=1.6, off=1.05)),
    Row("export", "huge", Target(peer=1.3, off=1.05)),
    Row("export", "small", Target(peer=5.0), away=True),
    Row("import", "big", Target(peer=1.3)),
    Row("import", "small", Target(peer=2.0)),
    Row("import", "multi", Target(peer=1.2)),
    Row("import", "huge"),
    Row("import", "small", Target(peer=5.0), away=True),
    Row("import again", "small", Target(peer=3.0)),
    Row("import again", "multi"),
    Row("mirror", "big", Target(peer=1.3)),
    Row("mirror", "small", Target(peer=1.3)),
    Row("mirror", "multi", Target(peer=1.3)),
    Row("side-load", "big", Target(floor=1.25)),
    Row("side-load", "small", Target(floor=1.25)),
    Row("verify", "big", Target(peer=0.9, per_core=True)),
    Row("verify", "huge", Target(peer=0.9)),
    Row("verify --cached", "big", Target(peer=0.9, per_core=True)),
    Row("verify --cached", "huge", Target(peer=0.9)),
]


class Stage:
    """Sets each run of a row up, checks what came of it, and clears it away."""

    def __init__(self, place: Place, site: Site, binary: Path):
        self.place = place
        self.site = site
        self.binary = binary
        #: Tools that are left out of rows that are far away, where they would take minutes.
        self.slow: list[str] = []
        self._filled: dict[Contender, Registry] = {}
        self._far: Away | None = None

    def contenders(self, row: Row) -> list[Contender]:
        """Every way to do the row's job; the floor of a registry row depends on its registry and is made per run."""
        jobs = {
            "export": [*by.EXPORT, Contender(FLOOR, "fetch")],
            "import": [*by.IMPORT, Contender(FLOOR, "push")],
            "import again": [*by.IMPORT, Contender(FLOOR, "ask")],
            "mirror": by.MIRROR,
            "side-load": by.SIDELOAD,
            "verify": by.VERIFY,
            "verify --cached": by.VERIFY_CACHED,
        }
        return [one for one in jobs[row.job] if not (row.away and one.tool in (by.OFF, *self.slow))]

    def prepare(self, row: Row) -> None:
        """Makes what a row reads: our bundle, and for side-loading the tars that `cp` copies."""
        if row.job not in ("export", "mirror") and not self.site.bundle.exists():
            self.make_bundle()
        if row.job == "side-load" and not self.site.tars.exists():
            self.site.tars.mkdir()
            self._run(by.SIDELOAD[0], self.site.tars)

    def make_bundle(self) -> Measure:
        """Makes the bundle that other rows read."""
        with self.place.empty_folder() as out:
            measure = self._run(by.EXPORT[0], out)
            (out / "bundle.tar").rename(self.site.bundle)
        return measure

    def one(self, row: Row, contender: Contender, check: bool = False) -> Measure:
        """Runs a contender once, from the same beginning each time."""
        with self.place.empty_folder() as out:
            match row.job:
                case "import" | "mirror":
                    target = self.place.empty_registry()
                    way = Away(target) if row.away else None
                    try:
                        measure = self._push(contender, out, (way or target).host)
                        if check:
                            self._check_target(target)
                        return measure
                    finally:
                        if way:
                            way.remove()
                        target.remove()
                case "import again":
                    return self._again(contender, out)
                case "export":
                    site = self._far_site() if row.away else self.site
                    actual = contender
                    if contender.tool == FLOOR:
                        actual = floors.fetch(site.corpus, site.host, site.folder)
                    measure = self._run(actual, out, site=site)
                    if check and contender.tool != FLOOR:
                        self._check_folder(out)
                    return replace(measure, made=bytes_in(out))
                case _:
                    measure = self._run(contender, out)
                    return replace(measure, made=bytes_in(out))

    def finish(self) -> None:
        """Stops the registries that were kept between runs."""
        for registry in self._filled.values():
            registry.remove()
        self._filled.clear()
        if self._far:
            self._far.remove()
            self._far = None

    def _far_site(self) -> Site:
        """The same corpus, 20 ms away."""
        self._far = self._far or Away(self.site.source)
        return self.site.seen_from(self._far.host)

    def _again(self, contender: Contender, out: Path) -> Measure:
        """Pushes to a registry that this very contender has filled before."""
        target = self._filled.get(contender)
        if target is None:
            target = self._filled[contender] = self.place.empty_registry()
            self._push(contender, out, target.host)
        if contender.tool == FLOOR:
            contender = floors.ask(self.site.corpus, target.host, self.site.folder)
        return self._run(contender, out, target.host)

    def _push(self, contender: Contender, out: Path, host: str) -> Measure:
        if contender.tool == FLOOR:
            contender = floors.push(self.site.corpus, host, self.site.folder)
        return self._run(contender, out, host)

    def _run(self, contender: Contender, out: Path, target: str | None = None, site: Site | None = None) -> Measure:
        return run(contender.script, (site or self.site).environment(self.binary, out, target), self._log())

    def _log(self) -> Path:
        return self.site.folder / "log"

    def _check_folder(self, out: Path) -> None:
        """A carried result holds at least every unique byte."""
        got = bytes_in(out)
        if got < self.site.corpus.size():
            raise Failed(f"{got} bytes were exported, and there are {self.site.corpus.size()}")

    def _check_target(self, target: Registry) -> None:
        """Every manifest is there under its digest, every root under its tag."""
        for image in self.site.corpus.images:
            for manifest in image.manifests:
                for name in (manifest.digest, image.tag) if manifest == image.root else (manifest.digest,):
                    path = f"/v2/{image.repository}/manifests/{name}"
                    status = target.status("HEAD", path, {"Accept": manifest.media_type})
                    if status != 200:
                        raise Failed(f"HEAD {path}: {status}")


def bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@contextmanager
def staged(place: Place, corpus: str, binary: Path) -> Iterator[Stage]:
    with place.site(corpus) as site:
        stage = Stage(place, site, binary)
        try:
            yield stage
        finally:
            stage.finish()

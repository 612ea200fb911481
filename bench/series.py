"""Runs of a row, in turn, and what they come to."""

from dataclasses import asdict, dataclass
from statistics import median

from contenders import FLOOR, OFF, OURS, PEERS, Contender
from measure import Measure
from rows import ROWS, Row, Stage


@dataclass
class Series:
    """All runs of one contender on one row."""

    contender: Contender
    runs: list[Measure]

    @property
    def seconds(self) -> float:
        return median(run.seconds for run in self.runs)

    @property
    def peak(self) -> int:
        return max(run.peak for run in self.runs)

    @property
    def written_share(self) -> float | None:
        """Bytes written in terms of the bytes of the files that came of it."""
        return max((run.written / run.made for run in self.runs if run.made), default=None)


@dataclass
class Result:
    """A row with its numbers."""

    row: Row
    size: int
    files: int
    cores: int
    series: dict[str, Series]
    #: What each way of each tool took in the one run that chose between them.
    tried: list[tuple[Contender, float]]
    #: Which binary of ours it was.
    version: str

    @classmethod
    def from_json(cls, document: dict) -> "Result":
        """Reads what `to_json` made, of a row that there still is."""
        series = [Series(Contender(one["tool"], one["script"]), [Measure(**run) for run in one["runs"]])
                  for one in document["series"]]
        return cls(
            row=next(row for row in ROWS if row.name == document["row"]),
            size=document["bytes"],
            files=document["files"],
            cores=document["cores"],
            series={one.contender.tool: one for one in series},
            tried=[(Contender(one["tool"], one["script"]), one["seconds"]) for one in document["tried"]],
            version=document["version"],
        )

    def fastest_peer(self) -> Series | None:
        peers = [series for tool, series in self.series.items() if tool in PEERS or tool == "openssl"]
        return min(peers, key=lambda series: series.seconds, default=None)

    def over_peer(self) -> float | None:
        """How many times as fast as the fastest peer; for a tool of one core, as all cores would be."""
        peer = self.fastest_peer()
        if peer is None:
            return None
        cores = min(self.cores, self.files) if self.row.target.per_core else 1
        return peer.seconds / cores / self.series[OURS].seconds

    def over_floor(self) -> float | None:
        floor = self.series.get(FLOOR)
        return self.series[OURS].seconds / floor.seconds if floor else None

    def over_off(self) -> float | None:
        """In terms of the same without looking for what refers to images."""
        off = self.series.get(OFF)
        return self.series[OURS].seconds / off.seconds if off else None

    def verdict(self) -> str:
        target = self.row.target
        kept = []
        if target.peer is not None:
            kept.append((self.over_peer() or 0) >= target.peer)
        if target.floor is not None:
            kept.append((self.over_floor() or float("inf")) <= target.floor)
        if target.off is not None and OFF in self.series:
            kept.append((self.over_off() or 0) <= target.off)
        return "" if not kept else "ok" if all(kept) else "MISSED"

    def to_json(self) -> dict:
        return {
            "row": self.row.name,
            "version": self.version,
            "bytes": self.size,
            "files": self.files,
            "cores": self.cores,
            "target": asdict(self.row.target),
            "verdict": self.verdict(),
            "tried": [{"tool": c.tool, "script": c.script, "seconds": s} for c, s in self.tried],
            "series": [
                {"tool": s.contender.tool, "script": s.contender.script, "runs": [asdict(run) for run in s.runs]}
                for s in self.series.values()
            ],
        }


def measure(stage: Stage, row: Row, runs: int, cores: int, version: str, say) -> Result:
    """Chooses the fastest way of each tool by one run each, then lets the chosen run in turn.

    The choosing runs are checked for what they made, and count for nothing else.
    """
    stage.prepare(row)
    tried: list[tuple[Contender, float]] = []
    best: dict[str, tuple[Contender, float]] = {}
    for contender in stage.contenders(row):
        seconds = stage.one(row, contender, check=True).seconds
        say(f"{row.name}: tried {contender.tool} in {seconds:.2f} s")
        tried.append((contender, seconds))
        if contender.tool not in best or seconds < best[contender.tool][1]:
            best[contender.tool] = (contender, seconds)
    series = {tool: Series(contender, []) for tool, (contender, _) in best.items()}
    for number in range(runs):
        for tool, one in series.items():
            one.runs.append(stage.one(row, one.contender))
        times = ", ".join(f"{tool} {one.runs[-1].seconds:.2f}" for tool, one in series.items())
        say(f"{row.name}: run {number + 1} of {runs}: {times}")
    stage.finish()
    files = len(stage.site.corpus.unique_blobs())
    return Result(row, stage.site.corpus.size(), files, cores, series, tried, version)

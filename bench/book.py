"""All that was measured on a day, kept as it comes: a run that is cut short loses the row that it was at."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from durable import Durable
from memory import Peaks
from rows import ROWS
from series import Result


@dataclass
class Book:
    """Rows by their names. What is measured again takes the place of what was."""

    facts: dict
    rows: dict[str, Result] = field(default_factory=dict)
    durable: dict[str, Durable] = field(default_factory=dict)
    peaks: dict[str, Peaks] = field(default_factory=dict)
    path: Path | None = None

    @classmethod
    def open(cls, folder: Path, facts: dict) -> "Book":
        """Opens the newest book of this machine, or begins one."""
        folder.mkdir(exist_ok=True)
        book = cls(facts, path=folder / f"{facts['date']}.json")
        known = {row.name for row in ROWS}
        for path in sorted(folder.glob("*.json"), reverse=True)[:1]:
            document = json.loads(path.read_text())
            if document["machine"]["processor"] != facts["processor"]:
                break
            book.rows = {one["row"]: Result.from_json(one) for one in document["rows"] if one["row"] in known}
            book.durable = {one["corpus"]: Durable.from_json(one) for one in document["durable"]}
            book.peaks = {one["corpus"]: Peaks.from_json(one) for one in document["memory"]}
        return book

    def add_row(self, result: Result) -> None:
        self.rows[result.row.name] = result
        self._keep()

    def add_durable(self, result: Durable) -> None:
        self.durable[result.corpus] = result
        self._keep()

    def add_peaks(self, result: Peaks) -> None:
        self.peaks[result.corpus] = result
        self._keep()

    def results(self) -> list[Result]:
        """Returns the rows in the order in which they are shown."""
        return sorted(self.rows.values(), key=lambda result: ROWS.index(result.row))

    def versions(self) -> list[str]:
        """Returns which binaries were measured, each once."""
        every = [*self.rows.values(), *self.durable.values(), *self.peaks.values()]
        return sorted({one.version for one in every})

    def _keep(self) -> None:
        if self.path is None:
            return
        document = {
            "machine": self.facts,
            "rows": [one.to_json() for one in self.results()],
            "durable": [one.to_json() for one in self.durable.values()],
            "memory": [one.to_json() for one in self.peaks.values()],
        }
        self.path.write_text(json.dumps(document, indent=1) + "\n")

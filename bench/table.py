"""The report: tables for people."""

from book import Book
from contenders import FLOOR, OFF, OURS, PEERS, REGSYNC
from durable import MOST as DURABLE_MOST, Durable
from memory import MOST as MEMORY_MOST, Peaks
from series import Result

#: More than a bundle's own bytes are not written to make it.
WRITTEN_MOST = 1.01


def render(book: Book, runs: int) -> str:
    parts = [machine(book, runs)]
    results = book.results()
    if results:
        parts += [speed(results), resources(results)]
    if book.durable:
        parts.append(disk(list(book.durable.values())))
    if book.peaks:
        parts.append(memory(list(book.peaks.values())))
    if results:
        parts.append(commands(results))
    return "\n".join(parts)


def machine(book: Book, runs: int) -> str:
    facts = book.facts
    about = [facts[name] for name in ("date", "processor", "cores", "memory", "kernel")]
    text = "Measured on {}: {}, {} cores, {}, Linux {}.".format(*about)
    apart = ("date", "processor", "cores", "memory", "kernel", "airgap-bundle", "crane", "regctl", "regsync")
    tools = "; ".join([*book.versions(), *(value for name, value in facts.items() if name not in apart)])
    tools += "".join(f"; {name} {facts[name]}" for name in ("crane", "regctl", "regsync"))
    # Rows of several calls stand side by side, and not all of them ran as often.
    least = min([runs, *(len(one.runs) for result in book.results() for one in result.series.values())])
    return f"{text}\n{tools}.\nMedians of at least {least} interleaved run{'s' if least > 1 else ''}, in seconds.\n"


def table(title: str, columns: dict[str, str], rows: list[list[str]]) -> str:
    """A Markdown table under a title; `columns` are headings, and whether each is a number (`--:`) or text (`---`)."""
    lines = [columns.keys(), columns.values(), *rows]
    # The rule below the headings stands without spaces.
    written = [f"|{'|'.join(cells)}|" if place == 1 else f"| {' | '.join(cells)} |" for place, cells in enumerate(lines)]
    return "\n".join([f"### {title}\n", *written]) + "\n"


def numbers(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "--:")


def speed(results: list[Result]) -> str:
    tools = (OURS, OFF, *PEERS, REGSYNC, "openssl", FLOOR)
    rows = []
    for result in results:
        target = result.row.target
        per_core = f" × {min(result.cores, result.files)} cores" if target.per_core else ""
        peer = ratio(result.over_peer(), target.peer, "≥", per_core)
        floor = ratio(result.over_floor(), target.floor, "≤", "")
        off = ratio(result.over_off(), target.off, "≤", "")
        rows.append([result.row.name, megabytes(result.size), *(seconds(result, tool) for tool in tools),
                     peer, floor, off, result.verdict()])
    columns = {"row": "---"} | numbers("bytes", *tools, "against the fastest peer", "against the floor", "referrers on : off") | {"": "---"}
    return table("Speed, everything in memory", columns, rows)


def resources(results: list[Result]) -> str:
    """Bytes written and peak memory of our own command."""
    rows = []
    for result in results:
        ours = result.series[OURS]
        written = ours.written_share
        bad = ours.peak > MEMORY_MOST or (written or 0) > WRITTEN_MOST
        share = f"{written:.4f} (≤ {WRITTEN_MOST})" if written else ""
        cpu = min(run.cpu for run in ours.runs)
        rows.append([result.row.name, share, f"{megabytes(ours.peak)} (≤ {megabytes(MEMORY_MOST)})", f"{cpu:.2f}",
                     "MISSED" if bad else "ok"])
    columns = {"row": "---"} | numbers("written ÷ bytes of the result", "peak memory", "CPU seconds") | {"": "---"}
    return table("What it takes", columns, rows)


def disk(durable: list[Durable]) -> str:
    rows = [[f"export {one.corpus}", *(f"{value:.2f}" for value in one.seconds()),
             f"{one.ratio():.2f} (≤ {DURABLE_MOST})", one.verdict()] for one in durable]
    columns = {"row": "---"} | numbers(OURS, FLOOR, "dd conv=fsync", "against the slower") | {"": "---"}
    return table("On disk, durable", columns, rows)


def memory(peaks: list[Peaks]) -> str:
    names = list(peaks[0].peaks)
    rows = [[one.corpus, megabytes(one.size), *(megabytes(one.peaks[name]) for name in names),
             "ok" if all(peak <= MEMORY_MOST for peak in one.peaks.values()) else "MISSED"] for one in peaks]
    columns = {"corpus": "---"} | numbers("bytes", *names) | {"": "---"}
    return table("Peak memory, and with ten times as much", columns, rows)


def commands(results: list[Result]) -> str:
    """The way of each tool that was the fastest on each row."""
    lines = ["### The commands that were run\n"]
    for result in results:
        lines.append(f"**{result.row.name}**\n")
        for tool, one in result.series.items():
            ways = sum(1 for contender, _ in result.tried if contender.tool == tool)
            chosen = f" (the fastest of {ways})" if ways > 1 else ""
            script = one.contender.script
            if tool == FLOOR and " " not in script:
                script = f"floors.{script}, in `bench/floors.py`"
                lines.append(f"- {tool}: {script}")
            else:
                lines.append(f"- {tool}{chosen}: `{script}`")
        lines.append("")
    return "\n".join(lines)


def seconds(result: Result, tool: str) -> str:
    one = result.series.get(tool)
    return f"{one.seconds:.2f}" if one else ""


def ratio(value: float | None, target: float | None, sign: str, unit: str) -> str:
    if value is None:
        return ""
    return f"{value:.2f} ×" + (f" ({sign} {target}{unit})" if target else "")


def megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"

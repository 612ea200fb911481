"""The report: tables for people."""

from contenders import FLOOR, OURS, PEERS, REGSYNC
from durable import MOST as DURABLE_MOST, Durable
from memory import MOST as MEMORY_MOST, Peaks
from series import Result

#: More than a bundle's own bytes are not written to make it.
WRITTEN_MOST = 1.01


def render(results: list[Result], durable: list[Durable], peaks: list[Peaks], facts: dict, runs: int) -> str:
    parts = [machine(facts, runs)]
    if results:
        parts += [speed(results), resources(results)]
    if durable:
        parts.append(disk(durable))
    if peaks:
        parts.append(memory(peaks))
    if results:
        parts.append(commands(results))
    return "\n".join(parts)


def machine(facts: dict, runs: int) -> str:
    about = [facts[name] for name in ("date", "processor", "cores", "memory", "kernel")]
    text = "Measured on {}: {}, {} cores, {}, Linux {}.".format(*about)
    tools = "; ".join(value for name, value in facts.items()
                      if name not in ("date", "processor", "cores", "memory", "kernel", "crane", "regctl", "regsync"))
    tools += "".join(f"; {name} {facts[name]}" for name in ("crane", "regctl", "regsync"))
    return f"{text}\n{tools}.\nMedians of {runs} interleaved run{'s' if runs > 1 else ''}, in seconds.\n"


def speed(results: list[Result]) -> str:
    lines = [
        "### Speed, everything in memory\n",
        "| row | bytes | airgap-bundle | skopeo | crane | regctl | regsync | openssl | floor "
        "| against the fastest peer | against the floor | |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    for result in results:
        target = result.row.target
        tools = [seconds(result, tool) for tool in (OURS, *PEERS, REGSYNC, "openssl", FLOOR)]
        per_core = f" × {min(result.cores, result.files)} cores" if target.per_core else ""
        peer = ratio(result.over_peer(), target.peer, "≥", per_core)
        floor = ratio(result.over_floor(), target.floor, "≤", "")
        lines.append(f"| {result.row.name} | {megabytes(result.size)} | {' | '.join(tools)} "
                     f"| {peer} | {floor} | {result.verdict()} |")
    return "\n".join(lines) + "\n"


def resources(results: list[Result]) -> str:
    """Bytes written and peak memory of our own command."""
    lines = [
        "### What it takes\n",
        "| row | written ÷ bytes of the result | peak memory | CPU seconds | |",
        "|---|--:|--:|--:|---|",
    ]
    for result in results:
        ours = result.series[OURS]
        written = ours.written_share
        bad = ours.peak > MEMORY_MOST or (written or 0) > WRITTEN_MOST
        share = f"{written:.4f} (≤ {WRITTEN_MOST})" if written else ""
        cpu = min(run.cpu for run in ours.runs)
        lines.append(f"| {result.row.name} | {share} | {megabytes(ours.peak)} (≤ {megabytes(MEMORY_MOST)}) "
                     f"| {cpu:.2f} | {'MISSED' if bad else 'ok'} |")
    return "\n".join(lines) + "\n"


def disk(durable: list[Durable]) -> str:
    lines = [
        "### On disk, durable\n",
        "| row | airgap-bundle | floor | dd conv=fsync | against the slower | |",
        "|---|--:|--:|--:|--:|---|",
    ]
    for one in durable:
        times = " | ".join(f"{value:.2f}" for value in one.seconds())
        lines.append(f"| export {one.corpus} | {times} | {one.ratio():.2f} (≤ {DURABLE_MOST}) | {one.verdict()} |")
    return "\n".join(lines) + "\n"


def memory(peaks: list[Peaks]) -> str:
    names = list(peaks[0].peaks)
    lines = [
        "### Peak memory, and with ten times as much\n",
        f"| corpus | bytes | {' | '.join(names)} | |",
        f"|---|--:|{'--:|' * len(names)}---|",
    ]
    for one in peaks:
        verdict = "ok" if all(peak <= MEMORY_MOST for peak in one.peaks.values()) else "MISSED"
        cells = " | ".join(megabytes(one.peaks[name]) for name in names)
        lines.append(f"| {one.corpus} | {megabytes(one.size)} | {cells} | {verdict} |")
    return "\n".join(lines) + "\n"


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

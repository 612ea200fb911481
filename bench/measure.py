"""One command, timed, with what the kernel counted."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Measure:
    """What one run took."""

    seconds: float
    #: User and system seconds, of the command and what it started.
    cpu: float
    #: Bytes given to write calls (`wchar`), of the command and what it started.
    written: int
    #: Peak resident bytes of the largest single process.
    peak: int
    #: Bytes of the files that it made, where it made files.
    made: int = 0


class Failed(Exception):
    """A command ended otherwise than it should."""


def run(script: str, environment: dict[str, str], log: Path) -> Measure:
    """Runs a bash script and measures it.

    The process is looked at between its end and its burial: `/proc` still has its counters then.
    """
    with open(log, "wb") as output:
        started = time.monotonic()
        process = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", script],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=os.environ | environment,
            process_group=0,
        )
        try:
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        seconds = time.monotonic() - started
    counters = Path(f"/proc/{process.pid}/io").read_text().split()
    written = int(counters[counters.index("wchar:") + 1])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        tail = log.read_text(errors="replace")[-2000:]
        raise Failed(f"exit status {process.returncode} of: {script}\n{tail}")
    return Measure(seconds, usage.ru_utime + usage.ru_stime, written, usage.ru_maxrss * 1024)

"""What the numbers were measured on, and with which versions."""

import os
import platform
import re
import subprocess
from datetime import date
from pathlib import Path

VERSIONS = {
    "skopeo": "skopeo --version",
    "crane": "crane version",
    "regctl": "regctl version --format '{{.VCSTag}}'",
    "regsync": "regsync version --format '{{.VCSTag}}'",
    "docker-registry": "docker-registry --version",
    "curl": "curl --version",
    "openssl": "openssl version",
    "cp": "cp --version",
}


def missing_tools() -> list[str]:
    return [tool for tool in VERSIONS if subprocess.run(["sh", "-c", f"command -v {tool}"],
                                                        stdout=subprocess.DEVNULL, check=False).returncode]


def describe(binary: Path) -> dict[str, str]:
    """Processor, cores, kernel, memory, versions and the day."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+) kB", Path("/proc/meminfo").read_text())
    facts = {
        "date": date.today().isoformat(),
        "processor": cpu.group(1) if cpu else platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": f"{int(memory.group(1)) / 1e6:.0f} GB" if memory else "",
        "kernel": platform.release(),
        "airgap-bundle": first_line([str(binary), "--version"]) + commit(),
    }
    return facts | {tool: first_line(["sh", "-c", command]) for tool, command in VERSIONS.items()}


def first_line(command: list[str]) -> str:
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return (output.splitlines() or [""])[0].strip()


def commit() -> str:
    head = first_line(["git", "-C", str(Path(__file__).parent), "rev-parse", "--short=12", "HEAD"])
    return f" ({head})" if head else ""

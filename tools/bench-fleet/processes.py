"""Processes of the measurement: their memory and processor time, from /proc."""

import os
import subprocess
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
# The measured processes go before other work of the machine, if this is permitted.
PRIORITY = -5


def start(command: list[str], **options) -> subprocess.Popen:
    process = subprocess.Popen(command, **options)
    prefer(process.pid)
    return process


def prefer(pid: int) -> None:
    try:
        os.setpriority(os.PRIO_PROCESS, pid, PRIORITY)
    except (PermissionError, ProcessLookupError):
        pass


def memory(pid: int) -> dict[str, float]:
    """In MiB: resident, its peak, and the part of it that is pages of files."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    mib = {name: int(lines[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM", "RssFile")}
    return {"resident": mib["VmRSS"], "peak": mib["VmHWM"], "file": mib["RssFile"]}


def seconds(pid: int) -> float:
    """Processor time of all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def found(**words: str) -> dict[str, int]:
    """The newest process of this session whose command has the word, by its name here."""
    pids = {}
    for folder in sorted(Path("/proc").glob("[0-9]*"), key=lambda folder: int(folder.name)):
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        for name, word in words.items():
            if command[0].endswith(b"sh"):
                continue
            if any(word.encode() in part for part in command):
                pids[name] = int(folder.name)
    return pids

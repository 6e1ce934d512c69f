"""What a machine with Linux says of this installation: its processes and its disks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Process:
    """A process: what it does, since how many seconds, and what it takes; ``cpu`` is cores on average."""

    pid: int
    name: str
    age_s: float
    cpu: float
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system, by what is kept there."""

    name: str
    total_bytes: int
    free_bytes: int


def processes(proc: Path = _PROC) -> list[Process]:
    """Return this process, and under a supervisor those beside it, the largest first."""
    mine = os.getpid()
    parent = os.getppid() if "LIANFANG_PROCESS" in os.environ else None
    found = [one for pid in _pids(proc) if (one := _process(proc, pid, {mine}, parent)) is not None]
    return sorted(found, key=lambda one: -one.memory_bytes)


def _pids(proc: Path) -> Iterator[int]:
    try:
        yield from (int(folder.name) for folder in proc.iterdir() if folder.name.isdecimal())
    except OSError:
        return


def _process(proc: Path, pid: int, wanted: set[int], parent: int | None) -> Process | None:
    folder = proc / str(pid)
    try:
        # The name in brackets may hold spaces; what follows it does not.
        fields = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        if pid not in wanted and (parent is None or int(fields[1]) != parent):
            return None
        uptime_s = float((proc / "uptime").read_text(encoding="ascii").split()[0])
        words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except (OSError, IndexError, ValueError):
        return None  # it has ended meanwhile
    age_s = max(uptime_s - int(fields[19]) / _TICKS, 0.01)
    cpu_s = (int(fields[11]) + int(fields[12])) / _TICKS
    return Process(pid, _named(words), age_s, cpu_s / age_s, int(fields[21]) * _PAGE)


def _named(words: list[str]) -> str:
    """Return what a command line is called: the service, without paths and options."""
    plain = [word for word in words if word and not word.startswith("-") and "/" not in word]
    return next((word for word in plain if word in _SERVICES), plain[0] if plain else "python")


_SERVICES = ("ingest", "detect", "alerts", "run")


def disks(folders: Mapping[str, Path]) -> list[Disk]:
    """Return the file systems of ``folders`` by name; two of one file system once."""
    found: dict[int, Disk] = {}
    for name, folder in folders.items():
        try:
            device, usage = folder.stat().st_dev, shutil.disk_usage(folder)
        except OSError:
            continue  # not made yet
        found.setdefault(device, Disk(name, usage.total, usage.free))
    return list(found.values())

"""What processes cost, as the kernel counts it, and whether the machine had anything else to do."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
BUSY = 0.5
"""Load a core above which figures are of a shared machine."""


@dataclass(frozen=True)
class Cost:
    """Of some processes together: processor seconds since their start, MiB of memory, threads.

    Memory that several share is counted once (the kernel's PSS). ``own_mib`` is what of it is no page of a
    file: those of the frame rings fill up until all of a ring was written once, which is no leak.
    """

    cpu_s: float
    memory_mib: float
    own_mib: float
    threads: int

    @classmethod
    def of(cls, processes: Iterable[int]) -> Self:
        """Return what the processes with these ids have cost until now."""
        cpu_s, memory_kib, own_kib, threads = 0.0, 0, 0, 0
        for pid in processes:
            folder = Path(f"/proc/{pid}")
            fields = (
                (folder / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
            )
            cpu_s += (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
            threads += int(fields[17])
            for line in (folder / "smaps_rollup").read_text(encoding="ascii").splitlines():
                if line.startswith("Pss:"):
                    memory_kib += int(line.split()[1])
                elif line.startswith("Pss_Anon:"):
                    own_kib += int(line.split()[1])
        return cls(cpu_s, memory_kib / 1024, own_kib / 1024, threads)


def family(root: int) -> list[int]:
    """Return a process and all that descend from it."""
    found, left = list[int](), [root]
    while left:
        pid = left.pop()
        with suppress(OSError):  # it has ended
            tasks = list(Path(f"/proc/{pid}/task").iterdir())
            left += [int(child) for task in tasks for child in (task / "children").read_text().split()]
            found.append(pid)
    return found


def warn_if_busy() -> None:
    """Say so where the machine does something else: figures taken now are not those of a quiet one."""
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load > BUSY * cores:
        sys.stderr.write(f"  the machine is busy (load {load:.1f} on {cores} cores): figures will be worse\n")

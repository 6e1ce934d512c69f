"""What a child process may take of the machine, so that one that leaks harms nobody but itself."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """The most resident memory in MiB, open descriptors and threads that a process may have."""

    memory_mb: int
    descriptors: int = 512
    threads: int = 256

    def exceeded(self, pid: int) -> str:
        """Return which limit process ``pid`` is beyond, "" where none, or where there is no such process."""
        process = Path("/proc") / str(pid)
        try:
            resident = int((process / "statm").read_text(encoding="ascii").split()[1]) * _PAGE // _MIB
            taken = {
                "memory_mb": resident,
                "descriptors": sum(1 for _ in (process / "fd").iterdir()),
                "threads": sum(1 for _ in (process / "task").iterdir()),
            }
        except (OSError, IndexError, ValueError):
            return ""
        return ", ".join(
            f"{name} {found}, at most {most}"
            for name, found in taken.items()
            if found > (most := getattr(self, name))
        )

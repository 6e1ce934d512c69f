"""Room for clips: where the disk is nearly full, the oldest of them go first, and pictures stay."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import structlog

from alerts.clip.telling import write_down
from alerts.store import Store, clips
from lianfang.clock import Clock

_log = structlog.get_logger()

RESERVE_BYTES = 512 * 1024 * 1024
"""What clips leave free: the store, the log and the pictures may lie on the same disk."""


def free_bytes(folder: Path) -> int:
    """Return what is free on the disk of ``folder``."""
    return shutil.disk_usage(folder).free


class Room:
    """Says whether there is room below ``folder``, and makes it."""

    def __init__(
        self, store: Store, folder: Path, clock: Clock, free: Callable[[Path], int] = free_bytes
    ) -> None:
        self._store, self._folder, self._clock, self._free = store, folder, clock, free
        self._scarce = False

    def made(self) -> bool:
        """Delete the oldest clips while there is no room; return whether there is some now."""
        while self._free(self._folder) < RESERVE_BYTES:
            if not self._scarce:
                _log.error("disk_nearly_full", folder=str(self._folder), kept_free_bytes=RESERVE_BYTES)
                self._scarce = True
            if not self._drop():
                return False
        if self._scarce:
            _log.info("disk_has_room_again", folder=str(self._folder))
            self._scarce = False
        return True

    def _drop(self) -> bool:
        """Delete the oldest clip; return whether there was one."""
        with self._store.write() as session:
            row = clips.oldest(session)
            if row is None:
                return False
            (self._folder / row.file).unlink(missing_ok=True)
            row.state, row.reason, row.file = "missing", "dropped", ""
            write_down(session, row, self._clock.now())
        return True

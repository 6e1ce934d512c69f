"""Whose frame is next: the newest of each camera, cameras in turn, one frame of a camera at a time. Pure."""

from __future__ import annotations

from collections import OrderedDict

from lianfang.bus import Record


class Turns:
    """Frames that wait. A newer frame of a camera takes the place of the waiting one, and not its turn."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, Record] = OrderedDict()
        self._busy: set[str] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    def offer(self, record: Record) -> bool:
        """Let ``record`` wait; return whether it took the place of an older one, which nobody will see."""
        replaced = record.key in self._waiting
        self._waiting[record.key] = record
        return replaced

    def withdraw(self, key: str) -> bool:
        """Let no frame of ``key`` wait any more; return whether one did."""
        return self._waiting.pop(key, None) is not None

    def take(self) -> Record | None:
        """Return the frame whose turn it is, None where every waiting camera is busy or none waits."""
        for key in self._waiting:
            if key not in self._busy:
                self._busy.add(key)
                return self._waiting.pop(key)
        return None

    def done(self, key: str) -> None:
        """Say that the frame taken for ``key`` is finished."""
        self._busy.discard(key)

"""One clip while its frames come in: those from before the decision at once, the others as they are taken."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from pathlib import Path

from alerts.clip.spool import Spool, gaps
from alerts.store.clips import ClipRow
from lianfang import codec
from lianfang.bus import Bus, Record
from lianfang.errors import DecodeError

_EARLIER = timedelta(seconds=1)  # a frame is published after it was captured, as far as the clock is steady
_OVERDUE = timedelta(seconds=5)  # what has not come so long after its time does not come


class Recording:
    """The frames of ``row``, from the bus into the spool at ``path``. One thread owns it."""

    def __init__(self, row: ClipRow, bus: Bus, path: Path) -> None:
        self.row, self.path = row, path
        self.why_short = ""
        self._spool = Spool(path)
        self._footage = bus.footage(row.camera, row.since - _EARLIER)
        self._complete = False

    @property
    def newest(self) -> datetime | None:
        """When the newest frame so far was captured."""
        return self._spool.captured[-1] if self._spool.captured else None

    @property
    def gaps(self) -> list[tuple[datetime, datetime]]:
        """From when to when there is no picture, of what is wanted."""
        return gaps(self._spool.captured, self.row.since, self.row.until)

    def take(self) -> None:
        """Take all that has come. TransientError: the bus is away, try again; OSError: no room."""
        while not self._complete:
            records = self._footage.read()
            if not records:
                return
            for record in records:
                with contextlib.suppress(DecodeError):
                    self._add(record)

    def has_ended(self, lost_at: datetime | None, now: datetime) -> bool:
        """Say whether nothing more is to come. ``lost_at``: since when its camera is lost, if it is."""
        if lost_at is not None and lost_at > (self.newest or self.row.since):
            self.why_short = "" if self._complete else "camera_lost"
            return True
        return self._complete or now >= self.row.until + _OVERDUE

    def close(self) -> None:
        """Release the bus and the file."""
        self._footage.close()
        self._spool.close()

    def _add(self, record: Record) -> None:
        captured_at = codec.decode_frame(record.value, record.headers).captured_at
        if captured_at > self.row.until or self._spool.is_full:
            self._complete = True
        elif captured_at >= self.row.since and (self.newest is None or captured_at > self.newest):
            self._spool.add(record, captured_at)

"""The frames of one camera in their order, straight from its ring."""

from __future__ import annotations

from datetime import datetime

from lianfang.bus import Record
from lianfang.bus.embedded.requests import microseconds
from lianfang.bus.embedded.rings import RingShelf, record_of


class RingFootage:
    """See ``lianfang.bus.Footage``. A ring that takes the place of another goes on with its offsets."""

    def __init__(self, shelf: RingShelf, camera_id: str, since: datetime) -> None:
        self._shelf, self._camera, self._since_us = shelf, camera_id, microseconds(since)
        self._next = 0

    def read(self, max_records: int = 50) -> list[Record]:
        """Return the next frames; one that is overwritten while it is read is passed over."""
        reader = self._shelf.reader(self._camera)
        if reader is None:
            return []
        records: list[Record] = []
        head = reader.head
        if self._next < head:  # else it need not be looked for
            self._next = max(self._next, reader.beginning())
        while self._next < head and len(records) < max_records:
            frame = reader.read(self._next)
            self._next += 1
            if frame is not None and frame.published_us >= self._since_us:
                records.append(record_of(reader.description, frame))
        return records

    def close(self) -> None:
        """Nothing to release: the shelf keeps the readers."""

"""How frames are read: the newest unseen one of each camera, straight from the rings."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from lianfang.bus import Record, TopicPartition
from lianfang.bus.embedded.ring import HEAD
from lianfang.bus.embedded.ring_io import RingReader
from lianfang.bus.embedded.rings import record_of, scan
from lianfang.bus.embedded.topics import in_range
from lianfang.events import FRAMES

_SCAN_EVERY_S = 0.25


class FramesSource:
    """The newest unseen frame of each ring, rings that have waited longest first, from the end on.

    Rings that appear later are found within a quarter of a second and read from their first frame.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._views: dict[str, _View] = {}  # by file name
        self._waiting: dict[str, None] = {}  # file names with news, in the order in which they had them
        self._skipped: Counter[str] = Counter()
        self._scanned_at = -_SCAN_EVERY_S
        self._scan()
        for view in self._views.values():
            view.skip_to_end()

    def partitions(self) -> frozenset[TopicPartition]:
        """Return a partition for every ring that is there."""
        return frozenset(view.partition for view in self._views.values())

    def take(self, limit: int, paused: frozenset[TopicPartition]) -> list[Record]:
        """Return at most one frame of each ring."""
        self._scan()
        for name, view in self._views.items():
            if view.reader.words[HEAD] > view.seen:  # this line is most of what an idle reader costs
                self._waiting.setdefault(name)
        records: list[Record] = []
        for name in list(self._waiting) if self._waiting else ():
            if len(records) >= limit:
                break
            view = self._views[name]
            if view.partition in paused:
                continue
            del self._waiting[name]
            records += self._newest(view)
        return records

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Go on from ``offset``: the next frame is again the newest, if its offset is that or higher."""
        self._view(partition).seen = in_range(offset, self.bounds(partition))

    def bounds(self, partition: TopicPartition) -> tuple[int, int]:
        """Return (earliest offset kept, offset of the next frame)."""
        reader = self._view(partition).reader
        return reader.beginning(), reader.end

    def skipped(self) -> Mapping[str, int]:
        """Return how many frames of each camera a newer one made unseen."""
        return +self._skipped

    def close(self) -> None:
        """Unmap the rings."""
        for view in self._views.values():
            view.reader.close()
        self._views.clear()

    def _newest(self, view: _View) -> list[Record]:
        view.seen, frame = view.reader.newest()
        if frame is None:
            return []
        self._skipped[view.reader.description.key] += max(0, frame.sequence - view.sequence)
        view.sequence = max(view.sequence, frame.sequence + 1)
        return [record_of(view.reader.description, frame)]

    def _scan(self) -> None:
        now = time.monotonic()
        if now - self._scanned_at < _SCAN_EVERY_S:
            return
        self._scanned_at = now
        found, names = scan(self._folder, {name: view.reader.inode for name, view in self._views.items()})
        for name in self._views.keys() - names | self._views.keys() & found.keys():
            self._views.pop(name).reader.close()
            self._waiting.pop(name, None)
        self._views.update({name: _View(reader) for name, reader in found.items()})

    def _view(self, partition: TopicPartition) -> _View:
        for view in self._views.values():
            if view.partition == partition:
                return view
        raise KeyError(f"{partition} is not assigned")


class _View:
    """A ring and how far it has been seen: ``seen`` is an offset, ``sequence`` counts frames."""

    def __init__(self, reader: RingReader) -> None:
        self.reader = reader
        self.partition = TopicPartition(FRAMES, reader.description.partition)
        self.seen = 0
        self.sequence = 0

    def skip_to_end(self) -> None:
        self.seen, newest = self.reader.newest()
        self.sequence = 0 if newest is None else newest.sequence + 1

"""The watch over the time in one camera's picture: where it is, and by how much it is off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from detectors.clock.line import Line
from detectors.clock.parse import Order, parse
from detectors.clock.places import narrowed, windows
from lianfang.events import XYXYN

SEARCH_S = 1.0
"""Between two windows that are searched: it takes its time and not a camera's."""
SEARCH_AGAIN_S = 3600.0
"""A picture without a time is searched again after so long."""
AGAIN_S = 4.0
"""A reading is believed when another one, so much later, says the same."""
AGREE_S = 1.5
"""Two readings whose offsets differ by no more agree: each is a whole second, cut off."""
LEAST_CONFIDENCE = 0.3
"""Of the least sure character. Clutter that reads as a time is less sure; what does not agree is dropped."""
FAILURES = 15
"""So many readings in a row without a time that agrees: it is somewhere else now, or gone."""


class Reader(Protocol):
    """What reads a line of text."""

    def read(self, line_bgr: NDArray[np.uint8]) -> Line:
        """Return what a line, (height, width, 3), says."""
        ...


class _Found(NamedTuple):
    offset_s: float
    window: XYXYN


class TimeInPicture:
    """Reads the time in the pictures of one camera, which come in order; on camera time."""

    def __init__(
        self, reader: Reader, zone: tzinfo, every_s: float, order: Order, region: XYXYN | None
    ) -> None:
        self._reader, self._zone, self._every_s, self._order = reader, zone, every_s, order
        self._given = self._region = region
        self._windows: Iterator[XYXYN] | None = None
        self._found: list[_Found] = []
        self._due: datetime | None = None
        self._candidate: float | None = None
        self._failures = 0

    def look(self, image_bgr: NDArray[np.uint8], at: datetime) -> float | None:
        """Return by how many seconds the time in ``image_bgr`` (H, W, 3), taken ``at``, is ahead of it.

        None while it is not due, not found, or not confirmed by a second reading.
        """
        if self._due is not None and self._due - timedelta(seconds=SEARCH_AGAIN_S) <= at < self._due:
            return None
        if self._region is None:
            self._search(image_bgr, at)
            return None
        offset_s = self._offset(self._read(image_bgr, self._region), at)
        confirmed = self._confirmed(offset_s)
        self._wait(at, AGAIN_S if confirmed is None else self._every_s)
        return confirmed

    def _confirmed(self, offset_s: float | None) -> float | None:
        """Return the mean of this offset and the one before, if they agree."""
        before, self._candidate = self._candidate, offset_s
        if offset_s is not None and before is not None and abs(offset_s - before) <= AGREE_S:
            self._candidate, self._failures = None, 0
            return (offset_s + before) / 2
        self._failures += 1
        if self._failures >= FAILURES:
            self._region, self._failures = self._given, 0
        return None

    def _search(self, image_bgr: NDArray[np.uint8], at: datetime) -> None:
        """Read the next window; after the last one settle on where the same time was read in several."""
        aspect = image_bgr.shape[1] / image_bgr.shape[0]
        if self._windows is None:
            self._windows, self._found = windows(aspect), []
        window = next(self._windows, None)
        if window is None:
            self._windows, self._region = None, _common(self._found)
            self._wait(at, SEARCH_AGAIN_S if self._region is None else 0)
            return
        line = self._read(image_bgr, window)
        offset_s = self._offset(line, at)
        if offset_s is not None:
            self._found.append(_Found(offset_s, narrowed(window, line.span, aspect)))
        self._wait(at, SEARCH_S)

    def _read(self, image_bgr: NDArray[np.uint8], region: XYXYN) -> Line:
        height, width = image_bgr.shape[:2]
        x_min, y_min, x_max, y_max = region
        left, top = int(x_min * width), int(y_min * height)
        right, bottom = max(left + 1, round(x_max * width)), max(top + 1, round(y_max * height))
        return self._reader.read(image_bgr[top:bottom, left:right])

    def _offset(self, line: Line, at: datetime) -> float | None:
        sure = line.confidence >= LEAST_CONFIDENCE
        read = parse(line.text, at.astimezone(self._zone), self._order) if sure else None
        if read is None:
            return None
        # A camera shows whole seconds: on average half a one has passed.
        return (read.astimezone(UTC) - at).total_seconds() + 0.5

    def _wait(self, at: datetime, seconds: float) -> None:
        self._due = at + timedelta(seconds=seconds)


def _common(found: Sequence[_Found]) -> XYXYN | None:
    """Return the middle of the most windows that agree on the time, None where no two do.

    A window that cuts into the line may read well once; those around it tell where the line is.
    """
    agreeing = max(
        ([other.window for other in found if abs(other.offset_s - one.offset_s) <= AGREE_S] for one in found),
        key=len,
        default=[],
    )
    if len(agreeing) < 2:
        return None
    x_min, y_min, x_max, y_max = (float(edge) for edge in np.median(np.array(agreeing), axis=0))
    return (x_min, y_min, x_max, y_max)

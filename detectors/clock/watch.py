"""The watch over the time in one camera's picture: looked for once, read each minute, believed twice read."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from detectors.clock.sight import AGREE_S, Search, Sight
from lianfang.events import XYXYN

SEARCH_S = 1.0
"""Between two windows that are searched."""
SEARCH_AGAIN_S = 3600.0
"""A picture without a time is searched again after so long."""
AGAIN_S = 4.0
"""A reading is believed when another one, so much later, says the same."""
FAILURES = 15
"""So many readings in a row without a time that agrees: it is somewhere else now, or gone."""


class TimeInPicture:
    """Reads the time in the pictures of one camera, which come in order; on camera time."""

    def __init__(self, sight: Sight, every_s: float, region: XYXYN | None) -> None:
        """``region`` is where the time stands, 0-1; it is searched for where None is given."""
        self._sight, self._every_s = sight, every_s
        self._given = self._region = region
        self._search: Search | None = None
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
            self._look_for_it(image_bgr, at)
            return None
        seen = self._sight.see(image_bgr, self._region, at)
        confirmed = self._confirmed(None if seen is None else seen.offset_s)
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

    def _look_for_it(self, image_bgr: NDArray[np.uint8], at: datetime) -> None:
        self._search = self._search or Search(self._sight, image_bgr.shape[1] / image_bgr.shape[0])
        if self._search.goes_on(image_bgr, at):
            self._wait(at, SEARCH_S)
            return
        self._region, self._search = self._search.place(), None
        self._wait(at, SEARCH_AGAIN_S if self._region is None else 0)

    def _wait(self, at: datetime, seconds: float) -> None:
        self._due = at + timedelta(seconds=seconds)

"""Where in a picture a time stands, and how far it is from the host's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from detectors.clock.line import Line
from detectors.clock.parse import Order, parse
from detectors.clock.places import narrowed, windows
from lianfang.events import XYXYN

LEAST_CONFIDENCE = 0.3
"""Of the least sure character. Clutter that reads as a time is less sure; what does not agree is dropped."""
AGREE_S = 1.5
"""Two readings whose offsets differ by no more agree: each is a whole second, cut off."""


class Reader(Protocol):
    """What reads a line of text."""

    def read(self, line_bgr: NDArray[np.uint8]) -> Line:
        """Return what a line, (height, width, 3), says."""
        ...


class Seen(NamedTuple):
    """A time in a part of a picture: how many seconds it is ahead, and where in that part, 0-1, it stands."""

    offset_s: float
    span: tuple[float, float]


@dataclass(frozen=True)
class Sight:
    """Reads times of ``zone`` whose dates are written in ``order``."""

    reader: Reader
    zone: tzinfo
    order: Order

    def see(self, image_bgr: NDArray[np.uint8], region: XYXYN, at: datetime) -> Seen | None:
        """Return the time in ``region``, 0-1, of a picture (H, W, 3) taken ``at``, if one is read."""
        height, width = image_bgr.shape[:2]
        x_min, y_min, x_max, y_max = region
        left, top = int(x_min * width), int(y_min * height)
        right, bottom = max(left + 1, round(x_max * width)), max(top + 1, round(y_max * height))
        line = self.reader.read(image_bgr[top:bottom, left:right])
        sure = line.confidence >= LEAST_CONFIDENCE
        time = parse(line.text, at.astimezone(self.zone), self.order) if sure else None
        if time is None:
            return None
        # A camera shows whole seconds: on average half a one has passed.
        return Seen((time.astimezone(UTC) - at).total_seconds() + 0.5, line.span)


class Search:
    """Looks for the place of a time, a window a picture: it takes its time and not a camera's."""

    def __init__(self, sight: Sight, aspect: float) -> None:
        """``aspect`` is the width of the pictures by their height."""
        self._sight, self._aspect = sight, aspect
        self._windows = windows(aspect)
        self._found: list[tuple[float, XYXYN]] = []

    def goes_on(self, image_bgr: NDArray[np.uint8], at: datetime) -> bool:
        """Read the next window in a picture taken ``at``; False where there was none left."""
        window = next(self._windows, None)
        if window is None:
            return False
        seen = self._sight.see(image_bgr, window, at)
        if seen is not None:
            self._found.append((seen.offset_s, narrowed(window, seen.span, self._aspect)))
        return True

    def place(self) -> XYXYN | None:
        """Return the middle of the most windows that agree on the time, None where no two do.

        A window that cuts into the line may read well once; those around it tell where the line is.
        """
        groups = (
            [region for other_s, region in self._found if abs(other_s - offset_s) <= AGREE_S]
            for offset_s, _ in self._found
        )
        agreeing: Sequence[XYXYN] = max(groups, key=len, default=())
        if len(agreeing) < 2:
            return None
        x_min, y_min, x_max, y_max = (float(edge) for edge in np.median(np.array(agreeing), axis=0))
        return (x_min, y_min, x_max, y_max)

"""Where in a picture a time may be burnt in: flat windows along its upper and its lower edge."""

from __future__ import annotations

from collections.abc import Iterator

from lianfang.events import XYXYN

_HEIGHTS = (0.03, 0.042, 0.06, 0.084)  # of a window, of the picture's: text in it is up to twice as small
_EDGES = ((0.0, 0.15), (0.85, 1.0))  # cameras write at the top and at the bottom
_LONG = 14  # times as wide as high: 年月日 with a day of the week and a time
_STEPS = 2.5  # windows that a line lies in, one above the other


def windows(aspect: float) -> Iterator[XYXYN]:
    """Yield (x_min, y_min, x_max, y_max), 0-1, in a picture ``aspect`` times as wide as high."""
    for height in _HEIGHTS:
        width = min(1.0, _LONG * height / aspect)
        for top, bottom in _EDGES:
            count = int((bottom - top - height) / height * _STEPS + 1e-6) + 1
            for i in range(count + 1):
                y = min(top + i * height / _STEPS, bottom - height)
                for x in (0.0, 1 - width):
                    yield (x, y, x + width, y + height)


def narrowed(window: XYXYN, span: tuple[float, float], aspect: float) -> XYXYN:
    """Return the part of ``window`` in which text was found at ``span`` of its width, and a little around."""
    x_min, y_min, x_max, y_max = window
    around = (y_max - y_min) / aspect / 2
    left = x_min + span[0] * (x_max - x_min) - around
    right = x_min + span[1] * (x_max - x_min) + around
    return (max(0.0, left), y_min, min(1.0, right), y_max)

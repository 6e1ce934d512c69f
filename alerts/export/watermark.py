"""Who took a picture out, when and why, drawn over all of it: what is cut off still says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

_FACE = "uni"  # comes with OpenCV: Chinese wherever it runs
_WEIGHT = 500
_ALPHA = 0.30
_QUALITY = 90
_PER_LINE = 26  # of the picture's width: the size of a character
_BAR_BGR = (24, 24, 24)

Image = NDArray[np.uint8]


def marked(jpeg: bytes, lines: Sequence[str]) -> bytes:
    """Return a JPEG with the first of ``lines`` across it again and again, and the others in a bar below."""
    image = simplejpeg.decode_jpeg(jpeg, colorspace="BGR")
    whole = Watermark(image.shape[1], image.shape[0], lines).over(image)
    out: bytes = simplejpeg.encode_jpeg(whole, quality=_QUALITY, colorspace="BGR")
    return out


class Watermark:
    """The first of ``lines`` across pictures of one size again and again, the others in a bar below."""

    def __init__(self, width: int, height: int, lines: Sequence[str]) -> None:
        size = max(width // _PER_LINE, 12)
        self._lighter, self._darker = _across(width, height, lines[0], size)
        bar = _bar(width, lines[1:], max(size * 2 // 3, 12))
        # Both sides stay even, as video wants them.
        self._bar = np.vstack([bar, bar[-1:]]) if (height + len(bar)) % 2 else bar

    @property
    def bar(self) -> int:
        """How many lines of pixels it adds below."""
        return len(self._bar)

    def over(self, image: Image) -> Image:
        """Return ``image`` (H × W × 3, BGR) with the watermark, higher by ``bar``."""
        drawn = cv2.subtract(cv2.add(image, self._lighter), self._darker)
        return np.ascontiguousarray(np.vstack([drawn, self._bar]))


def _across(width: int, height: int, text: str, size: int) -> tuple[Image, Image]:
    """Return what is added to a picture and what is taken off it, for slanting rows of ``text``."""
    side = int(np.hypot(height, width)) + 2 * size
    layer = np.full((side, side, 3), 128, np.uint8)
    step = _width(text, size) + 2 * size
    for row, y in enumerate(range(size, side, size * 5)):
        for x in range(-(row % 2) * step // 2, side, step):
            for shift, ink in ((0, 0), (max(size // 12, 1), 255)):
                _write(layer, text, (x + shift, y + shift), ink, size)
    turned = cv2.warpAffine(
        layer,
        cv2.getRotationMatrix2D((side / 2, side / 2), 20, 1),
        (side, side),
        borderValue=(128, 128, 128),
    )
    top, left = (side - height) // 2, (side - width) // 2
    by = (turned[top : top + height, left : left + width].astype(np.int16) - 128) * (2 * _ALPHA)
    return np.clip(by, 0, 255).astype(np.uint8), np.clip(-by, 0, 255).astype(np.uint8)


def _bar(width: int, lines: Sequence[str], size: int) -> Image:
    """Return a bar as wide as the picture with all of ``lines``, broken where they are too long."""
    broken = [part for line in lines for part in _broken(line, width - size, size)]
    bar = np.full((int(size * (1.5 * len(broken) + 1)), width, 3), _BAR_BGR, np.uint8)
    for n, part in enumerate(broken):
        _write(bar, part, (size // 2, int(size * 1.5 * (n + 1))), 255, size)
    return bar


def _broken(line: str, width: int, size: int) -> Iterator[str]:
    """Yield ``line`` in parts of at most ``width`` pixels."""
    part = ""
    for character in line:
        if part and _width(part + character, size) > width:
            yield part
            part = ""
        part += character
    yield part


def _width(text: str, size: int) -> int:
    x, _, width, _ = cv2.getTextSize((0, 0), text, (0, 0), cv2.FontFace(_FACE), size, _WEIGHT)
    return int(x + width)


def _write(image: Image, text: str, at: tuple[int, int], ink: int, size: int) -> None:
    cv2.putText(image, text, at, (ink,) * 3, cv2.FontFace(_FACE), size, _WEIGHT)

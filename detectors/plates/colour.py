"""Which colours a plate's ground may have, from its pixels."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lianfang.plates import Colour

# Hues of OpenCV (0-179) and the least chroma (0-1) that is a colour and no noise of the JPEG.
_HUES: dict[Colour, tuple[int, int]] = {"yellow": (10, 33), "green": (34, 92), "blue": (93, 140)}
_CYAN = (79, 99)
_CHROMA = 0.06
_CLEAR = 0.5  # share of the pixels that have one hue
_TRACE = 0.05
_SKEW = 0.15  # characters fill less than half: they are the longer tail of the lightness


def colours(plate_bgr: NDArray[np.uint8]) -> tuple[Colour, ...]:
    """Return the colours that the ground of a flat plate may have, the likeliest first.

    At night a blue plate looks black, warm lamps turn its white characters yellow and leave no blue, and a
    green plate pales to white. What stays is whether the characters are lighter than the ground (blue, black)
    or darker (yellow, green, white); where even that is doubtful, both groups are possible.
    """
    height, width = plate_bgr.shape[:2]
    inner = plate_bgr[round(height * 0.15) : round(height * 0.85), round(width * 0.04) : round(width * 0.96)]
    hue, saturation, value = cv2.split(cv2.cvtColor(cv2.GaussianBlur(inner, (3, 3), 0), cv2.COLOR_BGR2HSV))
    strong = saturation.astype(np.float32) * value > _CHROMA * 255 * 255
    share = {name: float((strong & (hue >= a) & (hue <= b)).mean()) for name, (a, b) in _HUES.items()}
    if share["blue"] > _CLEAR:
        return ("blue",)
    if float((strong & (hue >= _CYAN[0]) & (hue <= _CYAN[1])).mean()) > _CLEAR:
        return ("blue", "green")  # a blue plate in glaring light, most often
    skew = _skew(inner)
    light: tuple[Colour, ...] = ("blue", "black") if share["blue"] > _TRACE else ("black", "blue")
    dark: tuple[Colour, ...] = (
        ("yellow", "green") if share["yellow"] > share["green"] else ("green", "yellow")
    )
    if share[dark[0]] < _CLEAR:
        dark = ("white", *dark)
    elif share[dark[1]] < _TRACE:
        dark = dark[:1]
    if skew > _SKEW:
        return light
    return dark if skew < -_SKEW else (*dark, *light)


def _skew(plate_bgr: NDArray[np.uint8]) -> float:
    """Return the skewness of the lightness around its local mean: positive for light characters."""
    grey = cv2.cvtColor(plate_bgr, cv2.COLOR_BGR2GRAY).astype(np.float32)
    side = max(3, round(len(grey) * 0.9) | 1)
    rest = grey - cv2.blur(grey, (side, side), borderType=cv2.BORDER_REFLECT)
    return float((rest**3).mean() / ((rest**2).mean() ** 1.5 + 1e-6))

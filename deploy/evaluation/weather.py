"""Pictures made worse on purpose: by night, rain, fog, blur, and hard JPEG compression.

They stand for what cameras outdoors give, no more. Each takes a picture (H, W, 3) uint8 BGR and a seeded
generator, and gives one of the same size. Lengths are shares of the picture's height, so that small and large
pictures suffer alike.

- **night**: NIGHT_LIGHT of the light, in which white frees NIGHT_ELECTRONS electrons a pixel. Shot noise (the
  root of their number) and NIGHT_READ electrons of read noise are added before the camera's gain, which gives
  back half of the brightness that was lost (on the display's scale, gamma 2.2); half of the colour goes.
- **rain**: RAIN_STREAKS streaks a megapixel, 3 to 8 % of the height long, up to 15 degrees from the vertical
  (one slant a picture), a pixel or a few hundredths of their length wide, of which 35 % is light; the scene
  behind loses 20 % of its contrast to a grey veil.
- **fog**: Koschmieder's law, seen = scene x t + FOG_LIGHT x (1 - t), with t from FOG_FAR at the upper edge,
  which is mostly far away, to FOG_NEAR at the lower one; then a blur of 0.1 % of the height.
- **blur**: Gaussian, sigma BLUR of the height (2.9 px of 576): out of focus, or a drop on the glass.
- **jpeg30**: JPEG of quality 30 with halved colour resolution, as over a link that is too thin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Change = Callable[[Picture, np.random.Generator], Picture]

NIGHT_LIGHT, NIGHT_ELECTRONS, NIGHT_READ = 0.05, 1000.0, 3.0
RAIN_STREAKS, RAIN_LIGHT, RAIN_VEIL = 800.0, 0.35, 0.2
FOG_FAR, FOG_NEAR, FOG_LIGHT = 0.25, 0.6, 200.0
BLUR = 0.005
JPEG_QUALITY = 30
_GAMMA = 2.2


def night(picture: Picture, random: np.random.Generator) -> Picture:
    """Return the picture as a colour camera without a lamp gives it at night."""
    white = NIGHT_LIGHT * NIGHT_ELECTRONS
    electrons = _of_levels(lambda levels: levels**_GAMMA * white)[picture]
    noise = random.standard_normal(picture.shape, dtype=np.float32)
    # In place of Poisson's distribution a normal one: they differ in the darkest pixels, where read noise is
    # more than either.
    deviation = _of_levels(lambda levels: np.sqrt(levels**_GAMMA * white + NIGHT_READ**2))[picture]
    measured = np.maximum(electrons + noise * deviation, 0) / white
    brightness = (1 + NIGHT_LIGHT ** (1 / _GAMMA)) / 2
    coloured = cv2.pow(measured, 1 / _GAMMA) * (255 * brightness)
    return _bytes((coloured + coloured.mean(axis=2, keepdims=True)) / 2)


def rain(picture: Picture, random: np.random.Generator) -> Picture:
    """Return the picture behind streaks of rain."""
    height, width = picture.shape[:2]
    light = np.zeros((height, width), np.float32)
    slant = np.tan(np.radians(random.uniform(-15, 15)))
    for _ in range(round(RAIN_STREAKS * height * width / 1e6)):
        x, y = random.uniform(0, width), random.uniform(-0.08 * height, height)
        length = random.uniform(0.03, 0.08) * height
        end = (int(x + slant * length), int(y + length))
        cv2.line(light, (int(x), int(y)), end, 1.0, max(1, round(length / 25)), cv2.LINE_AA)
    soft = cv2.GaussianBlur(light, (0, 0), 0.0012 * height)[..., None]
    veiled = picture * (1 - RAIN_VEIL) + 128 * RAIN_VEIL
    return _bytes(veiled + (255 - veiled) * RAIN_LIGHT * soft)


def fog(picture: Picture, random: np.random.Generator) -> Picture:
    """Return the picture in fog; nothing of it is random."""
    del random
    height = picture.shape[0]
    clear = np.linspace(FOG_FAR, FOG_NEAR, height, dtype=np.float32)[:, None, None]
    return _bytes(cv2.GaussianBlur(picture * clear + FOG_LIGHT * (1 - clear), (0, 0), 0.001 * height))


def blur(picture: Picture, random: np.random.Generator) -> Picture:
    """Return the picture out of focus; nothing of it is random."""
    del random
    return _bytes(cv2.GaussianBlur(picture, (0, 0), BLUR * picture.shape[0]))


def jpeg30(picture: Picture, random: np.random.Generator) -> Picture:
    """Return the picture after hard compression; nothing of it is random."""
    del random
    data = simplejpeg.encode_jpeg(np.ascontiguousarray(picture), JPEG_QUALITY, "BGR", "420")
    return _bytes(simplejpeg.decode_jpeg(data, "BGR"))


CHANGES: Mapping[str, Change] = {"night": night, "rain": rain, "fog": fog, "blur": blur, "jpeg30": jpeg30}
"""The set, by name."""


def _of_levels(function: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> NDArray[np.float32]:
    """Return ``function`` of every level of a picture, (256,), given as 0-1."""
    return function(np.linspace(0, 1, 256)).astype(np.float32)


def _bytes(levels: NDArray[Any]) -> Picture:
    clipped: NDArray[Any] = np.clip(levels, 0, 255)
    return clipped.astype(np.uint8)

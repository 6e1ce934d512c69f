"""Plates of every kind, drawn: the layout of GA 36-2018 in its millimetres, then seen by a bad camera.

The glyphs are those of OpenCV's own font (from 5.0 on), stretched into the plate's cells: no font need be
on the machine, and none of the real plates' type face, which is not free, is copied.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from lianfang.plates import DIGITS, LETTERS, PROVINCES, Colour, Kind

Image = NDArray[np.uint8]
BGR = tuple[int, int, int]

_GROUND: dict[Colour, BGR] = {
    "blue": (165, 75, 20),
    "yellow": (30, 175, 235),
    "green": (95, 185, 60),
    "white": (235, 235, 235),
    "black": (30, 30, 30),
}
_WHITE, _BLACK, _RED = (240, 240, 240), (20, 20, 20), (40, 30, 200)
_INK: dict[Colour, BGR] = {
    "blue": _WHITE,
    "yellow": _BLACK,
    "green": _BLACK,
    "white": _BLACK,
    "black": _WHITE,
}
HAS_FONT = hasattr(cv2, "FontFace")
"""Whether OpenCV brings a font with Chinese characters; before 5.0 it has none."""
_RED_WORDS = "警使领"
_HALF_FACE_PX = 200  # glyphs are drawn this large before they are fitted into a cell


class Cell(NamedTuple):
    """Where one character stands, in millimetres."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Plate:
    """A plate as it leaves the press: a pixel a millimetre, H × W × 3, BGR."""

    image: Image
    text: str
    kind: Kind
    colour: Colour
    rows: int


@dataclass(frozen=True)
class Degradation:
    """What a camera does to a picture; the least of each leaves it as it is."""

    blur_px: float = 0.0
    """Sigma of a Gaussian."""
    motion_px: int = 1
    """Length of a horizontal smear."""
    gain: float = 1.0
    """Factor of the light."""
    noise: float = 0.0
    """Sigma in grey levels."""
    jpeg: int = 100
    """Quality, 1-100; 100 is no compression at all."""


def random_text(kind: Kind, rng: np.random.Generator) -> str:
    """Return a text of that kind; every character that may stand at a place is as likely as another."""
    text = ""
    for characters, times in _places(kind.pattern):
        text += "".join(rng.choice(list(characters), size=int(rng.choice(times))))
    return text


def draw(text: str, kind: Kind, colour: Colour | None = None, rows: int | None = None) -> Plate:
    """Draw a plate; by default on the kind's first ground and in its first number of rows."""
    colour, rows = colour or kind.colours[0], rows or kind.rows[0]
    assert kind.matches(text), f"{text} is no {kind.en}"
    assert colour in kind.colours
    assert rows in kind.rows
    width, height, cells, dot = _layout(text, kind, rows)
    image = _ground(kind, colour, width, height)
    for i, (character, cell) in enumerate(zip(text, cells, strict=True)):
        red = character in _RED_WORDS or (kind.name in {"military", "armed_police"} and i < 2)
        _stamp(image, character, cell, _RED if red else _INK[colour])
    cv2.circle(image, dot, 5, _INK[colour], -1, cv2.LINE_AA)
    return Plate(image, text, kind, colour, rows)


def place(scene: Image, plate: Plate, corners: NDArray[np.float32]) -> Image:
    """Return ``scene`` with the plate at ``corners``, (4, 2) pixels, clockwise from its own top left."""
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    width, height = max(2, round(max(sides[0], sides[2]))), max(2, round(max(sides[1], sides[3])))
    # Reduced first, over areas: a warp alone would skip most of the drawing's pixels.
    small = cv2.resize(plate.image, (width, height), interpolation=cv2.INTER_AREA)
    source = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    matrix = cv2.getPerspectiveTransform(source, corners.astype(np.float32))
    size = (scene.shape[1], scene.shape[0])
    warped = cv2.warpPerspective(small, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    share = np.zeros(scene.shape[:2], np.uint8)
    cv2.fillConvexPoly(share, np.rint(corners * 16).astype(np.int32), 255, cv2.LINE_AA, shift=4)
    weight = share[..., None] / 255
    return np.asarray(np.rint(scene * (1 - weight) + warped * weight), np.uint8)


def corners_at(
    centre: tuple[float, float], width_px: float, plate: Plate, turn_deg: float = 0.0, keystone: float = 0.0
) -> NDArray[np.float32]:
    """Return corners of a plate that wide, turned clockwise; its right side ``keystone`` (0-1) lower."""
    height_px = width_px * plate.image.shape[0] / plate.image.shape[1]
    x, y = width_px / 2, height_px / 2
    near = 1 - keystone
    flat = np.array([(-x, -y), (x, -y * near), (x, y * near), (-x, y)])
    turn = np.deg2rad(turn_deg)
    rotation = np.array([(np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))])
    return np.asarray(flat @ rotation + np.array(centre), np.float32)


def degrade(image: Image, how: Degradation, rng: np.random.Generator) -> Image:
    """Return the picture as a camera would give it: smeared, dark, noisy and compressed, in that order."""
    seen: NDArray[np.floating] = image.astype(np.float32)
    if how.motion_px > 1:
        seen = cv2.blur(seen, (how.motion_px, 1)).astype(np.float32)
    if how.blur_px > 0:
        seen = cv2.GaussianBlur(seen, (0, 0), how.blur_px).astype(np.float32)
    seen = seen * how.gain
    if how.noise > 0:
        seen = seen + rng.normal(0, how.noise, image.shape)
    dirty = np.clip(np.rint(seen), 0, 255).astype(np.uint8)
    if how.jpeg == 100:
        return dirty
    _, packed = cv2.imencode(".jpg", dirty, (cv2.IMWRITE_JPEG_QUALITY, how.jpeg))
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)


def seen_somehow(rng: np.random.Generator) -> Degradation:
    """Return how an ordinary camera sees, by day or at dusk."""
    return Degradation(
        blur_px=float(rng.uniform(0, 1.2)),
        motion_px=int(rng.integers(1, 4)),
        gain=float(rng.uniform(0.45, 1.15)),
        noise=float(rng.uniform(0, 8)),
        jpeg=int(rng.integers(50, 96)),
    )


def _places(pattern: str) -> list[tuple[str, Sequence[int]]]:
    """Return for each part of a pattern what may stand there, and how often."""
    sets = {"<P>": PROVINCES, "<L>": LETTERS, "<N>": LETTERS + DIGITS, r"\d": DIGITS}
    places: list[tuple[str, Sequence[int]]] = []
    for part, count, perhaps in re.findall(r"(<.>|\\d|\[[^]]+\]|.)(?:\{(\d)\}|(\?))?", pattern):
        characters = sets.get(part) or "".join(c for c in PROVINCES + LETTERS + DIGITS if re.match(part, c))
        places.append((characters or part, (0, 1) if perhaps else (int(count or 1),)))
    return places


def _layout(text: str, kind: Kind, rows: int) -> tuple[int, int, list[Cell], tuple[int, int]]:
    """Return width and height, a cell a character, and the dot's centre."""
    if rows == 2:  # rear plates of large vehicles: two characters over the others
        head = [Cell(x, 15, 80, 60) for x in (110, 250)]
        count = len(text) - 2
        cell_width = (385 - 15 * (count - 1)) / count
        tail = [Cell(27.5 + i * (cell_width + 15), 90, cell_width, 110) for i in range(count)]
        return 440, 220, head + tail, (220, 45)
    if len(text) == 8:
        width = 480 if "green" in kind.colours else 440
        scale = width / 480
        lefts = [15.5, 69.5, *(161.5 + 52 * i for i in range(6))]
        cells = [Cell(x * scale, 25, (45 if i == 0 else 43) * scale, 90) for i, x in enumerate(lefts)]
        return width, 140, cells, (round(137 * scale), 70)
    dot_after = {"police": 0, "embassy": 2}.get(kind.name, 1)
    lefts = [15.5 + 57 * i + (22 if i > dot_after else 0) for i in range(7)]
    dot_x = (lefts[dot_after] + 45 + lefts[dot_after + 1]) / 2
    return 440, 140, [Cell(x, 25, 45, 90) for x in lefts], (round(dot_x), 70)


def _ground(kind: Kind, colour: Colour, width: int, height: int) -> Image:
    image = np.empty((height, width, 3), np.float32)
    image[:] = _GROUND[colour]
    if kind.name.startswith("new_energy_small"):  # from near white at the top to green
        fade = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
        image = (1 - fade) * np.array((235, 245, 235), np.float32) + fade * image
    elif kind.name.startswith("new_energy_large"):
        image[:, :137] = _GROUND["yellow"]
    plate = np.ascontiguousarray(np.rint(image), np.uint8)
    cv2.rectangle(plate, (5, 5), (width - 6, height - 6), _INK[colour], 2, cv2.LINE_AA)
    return plate


def _stamp(image: Image, character: str, cell: Cell, ink: BGR) -> None:
    """Print a character into its cell; narrow ones (1) keep their width and stand in its middle."""
    glyph = _glyph(character)
    height = round(cell.height)
    natural = glyph.shape[1] * height / glyph.shape[0]
    width = round(min(cell.width, max(natural, 12)) if character == "1" else cell.width)
    fitted = cv2.resize(glyph, (width, height), interpolation=cv2.INTER_AREA)
    x, y = round(cell.x + (cell.width - width) / 2), round(cell.y)
    spot = image[y : y + height, x : x + width]
    share = fitted[..., None] / 255
    spot[:] = np.rint(spot * (1 - share) + np.array(ink) * share)


@cache
def _glyph(character: str) -> Image:
    """Return the ink of a character, 0-255, cropped to it."""
    canvas = np.zeros((2 * _HALF_FACE_PX, 2 * _HALF_FACE_PX), np.uint8)
    cv2.putText(canvas, character, (60, 300), (255,), cv2.FontFace("uni"), _HALF_FACE_PX, 800)
    strong = 13 if character.isascii() else 6  # ideographs have no room for strokes that thick
    ink = cv2.dilate(canvas, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (strong, strong)))
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    assert rows.size, f"no glyph for {character}"
    return np.asarray(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], np.uint8)

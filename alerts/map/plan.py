"""Where the picture of a plan lies on the earth, by what people say of some of its spots. Pure.

Computed in Web Mercator, in which maps draw: over a community it is true to scale in all directions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lianfang.errors import LianfangError

_FEWEST, _MOST = 2, 3
_APART = 0.05  # of the picture's diagonal: nearer spots are pointed at too coarsely
_WIDEST_M = 50_000.0
_EARTH_M = 2 * math.pi * 6_378_137.0

Corner = tuple[float, float]
"""Degrees east, degrees north."""
Corners = tuple[Corner, Corner, Corner, Corner]
"""Of a picture: top left, top right, bottom right, bottom left."""


class BadPlan(LianfangError):  # noqa: N818 - reads as the fact it states
    """What was said of a plan does not place it."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A spot of the picture, 0-1 from its left and its top, and where that is, in degrees."""

    x: float
    y: float
    longitude: float
    latitude: float


def corners(width: int, height: int, references: Sequence[Reference]) -> Corners:
    """Return where the corners of a picture of ``width`` × ``height`` pixels lie.

    Two references turn and scale it, three may stretch it as well. BadPlan where they place it nowhere.
    """
    if not _FEWEST <= len(references) <= _MOST:
        raise BadPlan(f"found {len(references)} reference points; allowed: {_FEWEST} or {_MOST}")
    spots = [complex(r.x * width, -r.y * height) for r in references]
    places = [_mercator(r.longitude, r.latitude) for r in references]
    diagonal = abs(complex(width, height))
    pairs = [(i, j) for i in range(len(spots)) for j in range(i)]
    if any(abs(spots[i] - spots[j]) < _APART * diagonal or places[i] == places[j] for i, j in pairs):
        raise BadPlan("found reference points at one spot; allowed: spots that lie apart")
    drawn = [complex(0, 0), complex(width, 0), complex(width, -height), complex(0, -height)]
    placed = _turned(spots, places, drawn) if len(spots) == _FEWEST else _stretched(spots, places, drawn)
    sides = [abs(placed[0] - placed[1]), abs(placed[1] - placed[2])]
    if not 0 < max(sides) * _EARTH_M < _WIDEST_M:
        raise BadPlan(
            f"found a plan {max(sides) * _EARTH_M / 1000:.0f} km wide; allowed: {_WIDEST_M / 1000:.0f}"
        )
    first, second, third, fourth = (_degrees(place) for place in placed)
    return first, second, third, fourth


def of_bounds(west: float, south: float, east: float, north: float) -> tuple[Reference, ...]:
    """Return the references of a picture whose edges lie on meridians and parallels."""
    return Reference(0, 0, west, north), Reference(1, 0, east, north), Reference(0, 1, west, south)


def _turned(spots: list[complex], places: list[complex], drawn: list[complex]) -> list[complex]:
    factor = (places[1] - places[0]) / (spots[1] - spots[0])
    return [places[0] + factor * (corner - spots[0]) for corner in drawn]


def _stretched(spots: list[complex], places: list[complex], drawn: list[complex]) -> list[complex]:
    a, b = spots[1] - spots[0], spots[2] - spots[0]
    area = a.real * b.imag - a.imag * b.real
    if abs(area) < _APART * abs(a) * abs(b):
        raise BadPlan("found three reference points on one line; allowed: a triangle")
    known = np.array([[1, spot.real, spot.imag] for spot in spots])
    solved = np.linalg.solve(known, np.array([[place.real, place.imag] for place in places]))
    found = np.array([[1, corner.real, corner.imag] for corner in drawn]) @ solved
    return [complex(east, north) for east, north in found]


def _mercator(longitude: float, latitude: float) -> complex:
    """Return a place as a share of the earth's girth: east as the real part, north as the imaginary."""
    north = math.asinh(math.tan(math.radians(latitude))) / (2 * math.pi)
    return complex(longitude / 360, north)


def _degrees(place: complex) -> Corner:
    latitude = math.degrees(math.atan(math.sinh(place.imag * 2 * math.pi)))
    return round(place.real * 360, 8), round(latitude, 8)

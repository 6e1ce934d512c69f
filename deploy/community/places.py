"""Where everything stands in the invented community: points in the cells of a grid, about one centre."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from deploy.community.names import KINDS, RIVERS, Kind, named

CENTRE = (22.6480, 113.2460)
"""Latitude and longitude in WGS 84, in the delta where such communities are."""
COLUMNS, ROWS, SIDE_M = 4, 3, 800.0
_M_PER_DEGREE = 111_320.0  # of latitude; of longitude times the cosine of the latitude


@dataclass(frozen=True)
class Place:
    """A monitoring point: metres east and south of the north-west corner."""

    id: str
    name: str
    kind: Kind
    x_m: float
    y_m: float
    cameras: int

    @property
    def cell(self) -> int:
        """The cell of the grid in which it lies, row by row."""
        return int(self.y_m // SIDE_M) * COLUMNS + int(self.x_m // SIDE_M)

    @property
    def position(self) -> tuple[float, float]:
        """Latitude and longitude, to a metre."""
        north_m, east_m = ROWS * SIDE_M / 2 - self.y_m, self.x_m - COLUMNS * SIDE_M / 2
        latitude = CENTRE[0] + north_m / _M_PER_DEGREE
        longitude = CENTRE[1] + east_m / (_M_PER_DEGREE * math.cos(math.radians(CENTRE[0])))
        return round(latitude, 5), round(longitude, 5)

    def away_m(self, other: Place) -> float:
        """Return how far another place is, in metres."""
        return math.hypot(self.x_m - other.x_m, self.y_m - other.y_m)


def places() -> list[Place]:
    """Return all 177 points, always the same ones."""
    dice = random.Random("lianfang community")  # noqa: S311 - an invented map, nothing secret
    return [place for kind in KINDS for place in _of(kind, dice)]


def _of(kind: Kind, dice: random.Random) -> Iterator[Place]:
    for i, name in enumerate(named(kind)):
        x_m, y_m = _along_river(i, dice) if kind.id == "river" else _anywhere(dice)
        second = kind.id == "road" and i < 2
        yield Place(f"{kind.id}_{i + 1:02d}", name, kind, x_m, y_m, kind.cameras + second)


def _along_river(i: int, dice: random.Random) -> tuple[float, float]:
    """Return a spot on the bank of one of the rivers, which run from west to east and wind a little."""
    river, step = i % len(RIVERS), i // len(RIVERS)
    x_m = COLUMNS * SIDE_M * (step + 0.5) / 13
    y_m = SIDE_M * (river + 0.5) + 150 * math.sin(x_m / 500 + river)
    return x_m + 40 * (dice.random() - 0.5), y_m + 20 * (dice.random() - 0.5)


def _anywhere(dice: random.Random) -> tuple[float, float]:
    return COLUMNS * SIDE_M * dice.random(), ROWS * SIDE_M * dice.random()

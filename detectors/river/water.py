"""Whether somebody is in the water: where they stand, or how little of them is to be seen.

No footage with a known truth was there to fit these bounds to: they follow from the proportions of people
(head and shoulders are about .3 of a height, as wide as high; who sits on the ground still shows half).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import shapely

from detectors.river.people import EDGE, Person
from lianfang.config import Zone

FOOT_ERROR = 0.1  # of a body's height: so far is the lower edge of a box from the feet
BORDER = 0.5  # of a body's height, outside the drawn water: whoever shows only a head there may be in it
BORDER_SURE = 0.8  # at the line itself, for a head and shoulders and nothing else
SHORT = (0.35, 0.55)  # of a grown-up's height: up to the first it is head and shoulders, from the second not
WIDTHS = (0.12, 0.9)  # of a grown-up's height: the width of somebody with arms at rest, or stretched
SQUARE = (0.4, 0.7)  # width by height: from the second on no longer somebody upright
SQUARE_ALONE = (0.7, 1.0)  # the same where nothing else tells: who sits is .6 to .8


@dataclass(frozen=True)
class Water:
    """The water on a picture, in heights of the picture.

    ``bank`` is its border but for the picture's edges; ``shore`` is where the bank is drawn, if it is.
    """

    area: shapely.Geometry
    bank: shapely.Geometry
    shore: shapely.Geometry

    @classmethod
    def of(cls, zones: Iterable[Zone], aspect: float) -> Water:
        """Return the water among ``zones`` on a picture ``aspect`` times as wide as high."""
        drawn: dict[str | None, list[shapely.Polygon]] = {"water": [], "bank": []}
        for zone in zones:
            polygon = shapely.Polygon([(x * aspect, y) for x, y in zone.polygon])
            drawn.setdefault(zone.kind, []).append(polygon)
        area, shore = shapely.union_all(drawn["water"]), shapely.union_all(drawn["bank"])
        inner = shapely.box(EDGE, EDGE, aspect - EDGE, 1 - EDGE)
        bank = area if area.is_empty else shapely.boundary(area).intersection(inner)
        for shape in (area, shore):
            shapely.prepare(shape)
        return cls(area, bank, shore)

    def depth(self, at: tuple[float, float]) -> float:
        """Return how far ``at`` lies from the bank: negative outside the water, infinite without a bank."""
        point = shapely.Point(at)
        inside = bool(shapely.intersects(self.area, point))
        away = float("inf") if self.bank.is_empty else float(shapely.distance(self.bank, point))
        return away if inside else -away

    def on_shore(self, at: tuple[float, float]) -> bool:
        """Say whether ``at`` lies on the bank as it is drawn, and not in the water."""
        return bool(shapely.intersects(self.shore, shapely.Point(at))) and self.depth(at) < 0


def in_water(person: Person, water: Water) -> float:
    """Return how likely ``person`` is in the water, 0-1; no probability that was ever measured."""
    depth = water.depth(person.foot) / person.body
    by_feet = 0.5 + 0.5 * min(max(depth / (2 * FOOT_ERROR), -1.0), 1.0)
    # Whoever stands on the drawn bank is seen down to the feet: short means sitting, or a child.
    only_head = 0.0 if water.on_shore(person.foot) else _only_head(person)
    if depth >= 0:
        return by_feet + (1 - by_feet) * only_head
    return max(by_feet, BORDER_SURE * only_head * max(0.0, 1 + depth / BORDER))


def _only_head(person: Person) -> float:
    """Return how much it looks as if only head and shoulders were to be seen, 0-1."""
    if person.at_edge or person.height <= 0:
        return 0.0
    square = person.width / person.height
    if person.adult is None:
        return _ramp(square, *SQUARE_ALONE)
    if not WIDTHS[0] <= person.width / person.adult <= WIDTHS[1]:
        return 0.0
    return (1 - _ramp(person.height / person.adult, *SHORT)) * _ramp(square, *SQUARE)


def _ramp(value: float, low: float, high: float) -> float:
    return min(max((value - low) / (high - low), 0.0), 1.0)

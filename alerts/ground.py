"""Where the objects of a picture stand: worked out once, for every rule that asks. Pure.

Somebody stands where the bottom centre of their box is, which is where a person's feet are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import shapely

from lianfang.config import Camera
from lianfang.events import Observation

_Corners = tuple[tuple[float, float], ...]
_Bounds = tuple[float, float, float, float]
"""(x_min, y_min, x_max, y_max)."""
_CAMERAS = 4096  # more than one process serves


@dataclass
class Ground:
    """The zones of a camera; it remembers the picture that it was asked about last."""

    zones: tuple[tuple[str, shapely.Polygon, _Bounds], ...]
    """Each prepared, with its bounds."""
    _last: tuple[Observation | None, Mapping[str, frozenset[int]]] = field(default=(None, {}))

    @classmethod
    def of(cls, camera: Camera) -> Ground:
        """Return the ground of ``camera``, the same one for all who ask."""
        return _ground(tuple((name, zone.polygon) for name, zone in camera.zones.items()))

    def standing(self, observation: Observation) -> Mapping[str, frozenset[int]]:
        """Return, by zone, the indices of the objects that stand in it; zones without any are left out."""
        seen, found = self._last
        if seen is not observation:
            found = self._find(observation)
            self._last = observation, found
        return found

    def _find(self, observation: Observation) -> Mapping[str, frozenset[int]]:
        feet = [((x_min + x_max) / 2, y) for x_min, _, x_max, y in (o.xyxyn for o in observation.objects)]
        found: dict[str, frozenset[int]] = {}
        for name, polygon, (left, top, right, bottom) in self.zones:
            # Most are far from most zones: the polygon is asked about the others only.
            near = [i for i, (x, y) in enumerate(feet) if left <= x <= right and top <= y <= bottom]
            if not near:
                continue
            # "intersects" and not "contains": feet on the picture's lower edge are in a zone drawn to it.
            hits = shapely.intersects_xy(polygon, [feet[i] for i in near])
            if those := frozenset(i for i, hit in zip(near, hits.tolist(), strict=True) if hit):
                found[name] = those
        return found


@lru_cache(_CAMERAS)
def _ground(zones: tuple[tuple[str, _Corners], ...]) -> Ground:
    polygons = [(name, shapely.Polygon(corners)) for name, corners in zones]
    for _, polygon in polygons:
        shapely.prepare(polygon)
    return Ground(tuple((name, polygon, polygon.bounds) for name, polygon in polygons))

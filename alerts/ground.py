"""Where the objects of a picture stand: worked out once, for every rule that asks. Pure.

Somebody stands where the bottom centre of their box is, which is where a person's feet are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import shapely
from numpy.typing import NDArray

from lianfang.config import Camera
from lianfang.events import Observation

_Corners = tuple[tuple[float, float], ...]
_CAMERAS = 4096  # more than one process serves


@dataclass
class Ground:
    """The zones of a camera; it remembers the picture that it was asked about last."""

    names: tuple[str, ...]
    polygons: NDArray[np.object_]
    """Prepared, (zones, 1)."""
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
        if not observation.objects or not self.names:
            return {}
        boxes: NDArray[np.float64] = np.array([o.xyxyn for o in observation.objects])
        x, y = (boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]
        # "intersects" and not "contains": feet on the picture's lower edge are in a zone drawn to that edge.
        hits = shapely.intersects_xy(self.polygons, x, y).tolist()
        return {
            name: frozenset(i for i, hit in enumerate(row) if hit)
            for name, row in zip(self.names, hits, strict=True)
            if any(row)
        }


@lru_cache(_CAMERAS)
def _ground(zones: tuple[tuple[str, _Corners], ...]) -> Ground:
    polygons = np.array([shapely.Polygon(corners) for _, corners in zones], dtype=np.object_)
    shapely.prepare(polygons)
    return Ground(tuple(name for name, _ in zones), polygons[:, np.newaxis])

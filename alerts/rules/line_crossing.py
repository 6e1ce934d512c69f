"""``kind: line_crossing``: somebody crosses a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from math import hypot
from typing import Annotated, Literal, NamedTuple

import shapely
from pydantic import Field

from alerts.objects import ObjectSettings, sighting
from alerts.rules.base import Sighting
from lianfang.config import Config as Root
from lianfang.config import Id, Line, Problem
from lianfang.events import DetectedObject, Observation

_FORGOTTEN = timedelta(seconds=10)  # a track that was not seen for so long is another when it comes again
Side = Literal["left", "right"]


class Config(ObjectSettings):
    """Somebody's feet were clearly on one side of a line, and are clearly on the other."""

    kind: Literal["line_crossing"]
    lines: Annotated[tuple[Id, ...], Field(min_length=1)]
    """Lines of those cameras; each of the cameras has them. To cross any of them counts."""
    direction: Literal["to_left", "to_right", "both"]
    """To which side, looking from a line's start to its end."""
    margin: float = Field(default=0.1, ge=0, le=2)
    """Share of the person's height that the feet must be off the line: who walks along it crosses nothing."""
    hold_s: float = Field(default=10, ge=0, le=3600)
    """Seconds for which who crossed counts as there, unless they go back or out of sight."""

    def check(self, config: Root) -> Iterable[Problem]:
        """Yield lines that no camera has and labels that its detectors do not give."""
        yield from super().check(config)
        for camera_id in self.cameras:
            camera = config.cameras.get(camera_id)
            if camera is None:
                continue
            for j, line in enumerate(self.lines):
                if line not in camera.lines:
                    allowed = ", ".join(sorted(camera.lines)) or "nothing: it has no line"
                    yield Problem(("lines", j), repr(line), f"a line of camera {camera_id}: {allowed}")


class Crosser(NamedTuple):
    """The side of a line that a track was last clearly on, where and when; since when if it crossed."""

    side: Side
    foot: tuple[float, float]
    last_at: datetime
    crossed_at: datetime | None = None


@dataclass(frozen=True)
class Sides:
    """Per (line, track): which side it is on."""

    crossers: Mapping[tuple[str, str], Crosser] = field(default_factory=dict)


@dataclass(frozen=True)
class LineCrossing:
    """The rule for the cameras of its stanza; ``lines`` is per camera, by id."""

    config: Config
    lines: Mapping[str, Mapping[str, Line]]

    def initial(self) -> Sides:
        """Return the state in which nobody is anywhere."""
        return Sides()

    def renumbered(self, state: Sides) -> Sides:
        """Return the state in which nobody is anywhere: who was on which side is not known any more."""
        del state
        return Sides()

    def concerns(self, state: Sides, observation: Observation) -> bool:
        """Say whether anybody is to be seen, or was."""
        return bool(state.crossers) or any(o.label in self.config.labels for o in observation.objects)

    def step(self, state: Sides, observation: Observation) -> tuple[Sides, Sighting]:
        """Follow everybody to either side; who crossed is a member for ``hold_s``."""
        at, labels = observation.captured_at, self.config.labels
        forgotten = at - _FORGOTTEN
        crossers = {key: c for key, c in state.crossers.items() if c.last_at >= forgotten}
        placed: list[tuple[DetectedObject, str | None]] = []
        width, height = observation.width, observation.height
        lines = [
            (line_id, line, _drawn(line.start, line.end, width, height))
            for line_id, line in self.lines[observation.camera_id].items()
        ]
        for detected in observation.objects:
            if detected.label not in labels:
                continue
            zone, counts = None, self.config.counted(detected) is not None
            for line_id, line, drawn in lines:
                key = line_id, detected.track_id or ""
                crosser = crossers.get(key)
                if counts:
                    crosser = self._moved(crosser, drawn, detected, observation)
                if crosser is not None:
                    crossers[key] = crosser
                    if crosser.crossed_at is not None and self._holds(crosser.crossed_at, at):
                        zone = zone or line.zone
            placed.append((detected, zone))
        return Sides(crossers), sighting(observation, placed, lambda o: self.config.counted(o) is not None)

    def _holds(self, crossed_at: datetime, at: datetime) -> bool:
        return at - crossed_at <= timedelta(seconds=self.config.hold_s)

    def _moved(
        self, before: Crosser | None, drawn: _Drawn, detected: DetectedObject, observation: Observation
    ) -> Crosser | None:
        """Return where a track is now, None while it has not yet been clearly on a side."""
        width, height = observation.width, observation.height
        x_min, y_min, x_max, y_max = detected.xyxyn
        foot = (x_min + x_max) / 2 * width, y_max * height
        off_px, at = drawn.right_of(foot), observation.captured_at
        if abs(off_px) <= self.config.margin * (y_max - y_min) * height:
            return before and Crosser(before.side, before.foot, at, before.crossed_at)
        side: Side = "right" if off_px > 0 else "left"
        if before is None or before.side == side:
            return Crosser(side, foot, at, before.crossed_at if before else None)
        # Round the end of the line is not across it.
        across = shapely.LineString([before.foot, foot]).intersects(drawn.string)
        wanted = self.config.direction in (f"to_{side}", "both")
        return Crosser(side, foot, at, at if across and wanted else None)


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A line in pixels: its start, its direction of length 1, and itself."""

    start: tuple[float, float]
    along: tuple[float, float]
    string: shapely.LineString

    def right_of(self, point: tuple[float, float]) -> float:
        """Return how many pixels ``point`` lies right of the line on, seen from its start; y goes down."""
        return self.along[0] * (point[1] - self.start[1]) - self.along[1] * (point[0] - self.start[0])


@lru_cache(4096)  # more than there are lines
def _drawn(start: tuple[float, float], end: tuple[float, float], width: int, height: int) -> _Drawn:
    (x0, y0), (x1, y1) = ((x * width, y * height) for x, y in (start, end))
    length = hypot(x1 - x0, y1 - y0)
    along = (x1 - x0) / length, (y1 - y0) / length
    return _Drawn((x0, y0), along, shapely.LineString([(x0, y0), (x1, y1)]))


def build(config: Config, root: Root) -> LineCrossing:
    """Return the rule with the lines of its cameras."""
    return LineCrossing(
        config, {c: {i: root.cameras[c].lines[i] for i in config.lines} for c in config.cameras}
    )

"""A tracker of the ByteTrack class: weak boxes prolong tracks, but never start them.

ByteTrack is Zhang et al. 2022, arXiv 2110.06864. What differs is time in seconds and a cost that holds at low
frame rates (see `association`). The result depends on nothing but what `update` is given: a replay gives the
same numbers.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from detectors.engines.base import Detections
from detectors.models.boxes import suppress
from detectors.tracking.association import FORBIDDEN, Floats, assign, begun, costs, matched, measurements
from detectors.tracking.motion import Motion
from lianfang.config import Stanza

MAX_IOU_IN_GROUP = 0.7  # two boxes that overlap more and are of one group are one object with two names


class Config(Stanza):
    """How readily boxes become tracks, and how long these are kept."""

    high_confidence: float = Field(default=0.35, gt=0, le=1)
    """Boxes from here up are matched first; weaker ones only prolong a track."""
    new_confidence: float = Field(default=0.45, gt=0, le=1)
    """Boxes from here up may start a track."""
    confirm_hits: int = Field(default=2, ge=1, le=20)
    """Frames in a row until an object gets its number; in the first frame of an epoch it has it at once."""
    lost_s: float = Field(default=2.5, ge=0, le=60)
    """An object seen last longer ago is gone: 2 s hidden, and a frame at 2 fps, are survived."""
    max_cost: float = Field(default=6.5, gt=0, le=100)
    """How unlikely a match may be: higher joins what does not belong together, lower tears tracks apart."""
    max_weak_cost: float = Field(default=3.0, gt=0, le=100)
    """The same for boxes below high_confidence."""
    class_groups: tuple[tuple[str, ...], ...] = (("car", "truck", "bus"), ("bicycle", "motorcycle"))
    """Labels that the model takes for each other: they are one object to the tracker."""


@dataclass(frozen=True)
class Track:
    """One object as seen in the frame just given.

    ``n`` counts from 1 in each epoch, in the order of confirmation, and is None until then. ``xyxyn`` (x_min,
    y_min, x_max, y_max, 0-1) and ``confidence`` are the detection's; ``class_id`` is the class seen most in
    this track, weighted by confidence; ``age_s`` are the seconds since it was first seen.
    """

    n: int | None
    xyxyn: tuple[float, float, float, float]
    confidence: float
    class_id: int
    age_s: float


@dataclass(eq=False)
class _Tracklet:
    """What is remembered of an object; ``classes`` holds the sum of confidences by class."""

    group: int
    motion: Motion
    first_s: float
    seen_s: float = math.nan
    n: int | None = None
    hits: int = 0
    classes: dict[int, float] = field(default_factory=lambda: defaultdict(float))

    def saw(self, class_id: int, confidence: float, at_s: float) -> None:
        self.seen_s = at_s
        self.hits += 1
        self.classes[class_id] += confidence


class Tracker:
    """The tracks of one camera in one epoch."""

    def __init__(self, config: Config | None = None, labels: Sequence[str] = ()) -> None:
        """Start an epoch; ``labels`` are the engine's, without them no classes are grouped."""
        self._config = config or Config()
        self._group_of = _groups(self._config.class_groups, labels)
        self._tracklets: list[_Tracklet] = []
        self._at_s: float | None = None
        self._confirmed = 0

    def update(self, detections: Detections, at_s: float) -> list[Track]:
        """Return what is seen in the frame captured at ``at_s``, seconds on a scale that only goes forward.

        Confirmed and unconfirmed objects are returned, strongest first; boxes that neither continue nor start
        a track are taken for background. Raises ValueError when ``at_s`` is not later than the time before.
        """
        first_frame = self._at_s is None
        interval_s = self._advance(at_s)
        group = np.array([self._group_of.get(c, c) for c in detections.class_id.tolist()], np.int64)
        kept = suppress(detections.xyxyn, detections.confidence, group, MAX_IOU_IN_GROUP)
        boxes = Detections(detections.xyxyn[kept], detections.confidence[kept], detections.class_id[kept])
        measured = measurements(boxes.xyxyn)
        owners = self._match(measured, boxes.confidence, group[kept], interval_s)
        for index in np.flatnonzero(boxes.confidence >= self._config.new_confidence).tolist():
            if index not in owners:
                owners[index] = _Tracklet(int(group[kept[index]]), begun(measured[index]), at_s)
                self._tracklets.append(owners[index])
        for index, tracklet in sorted(owners.items()):
            tracklet.saw(int(boxes.class_id[index]), float(boxes.confidence[index]), at_s)
            if tracklet.n is None and (first_frame or tracklet.hits >= self._config.confirm_hits):
                self._confirmed += 1
                tracklet.n = self._confirmed
        # An unconfirmed one that missed a frame was a ghost.
        self._tracklets = [t for t in self._tracklets if t.n is not None or t.seen_s == at_s]
        sides, confidence = boxes.xyxyn.tolist(), boxes.confidence.tolist()
        return [_track(owners[i], tuple(sides[i]), confidence[i]) for i in sorted(owners)]

    def _advance(self, at_s: float) -> float:
        """Forget tracklets not seen for too long and predict the others; return the seconds gone by."""
        interval_s = 0.0 if self._at_s is None else at_s - self._at_s
        if not math.isfinite(at_s) or (self._at_s is not None and interval_s <= 0):
            raise ValueError(f"frame at {at_s} s is not later than the one before, at {self._at_s} s")
        self._at_s = at_s
        self._tracklets = [t for t in self._tracklets if at_s - t.seen_s <= self._config.lost_s]
        for tracklet in self._tracklets:
            tracklet.motion.predict(interval_s)
        self._tracklets = [t for t in self._tracklets if not t.motion.is_outside]
        return interval_s

    def _match(
        self,
        measured: Floats,
        confidence: NDArray[np.float32],
        group: NDArray[np.int64],
        interval_s: float,
    ) -> dict[int, _Tracklet]:
        """Return the tracklet of each box that continues one, having corrected its motion.

        Confirmed tracklets choose among the strong boxes, then those left over among the weak ones; last,
        unconfirmed ones take what strong boxes remain.
        """
        cost = costs([t.motion for t in self._tracklets], measured, interval_s)
        cost[np.array([t.group for t in self._tracklets], np.int64)[:, None] != group[None, :]] = FORBIDDEN
        confirmed = [i for i, t in enumerate(self._tracklets) if t.n is not None]
        others = [i for i, t in enumerate(self._tracklets) if t.n is None]
        strong = confidence >= self._config.high_confidence
        owners: dict[int, _Tracklet] = {}
        for candidates, among, max_cost in (
            (confirmed, strong, self._config.max_cost),
            (confirmed, ~strong, self._config.max_weak_cost),
            (others, strong, self._config.max_cost),
        ):
            taken = {id(t) for t in owners.values()}
            rows = [i for i in candidates if id(self._tracklets[i]) not in taken]
            columns = [j for j in np.flatnonzero(among).tolist() if j not in owners]
            for row, column in assign(cost[np.ix_(rows, columns)], max_cost):
                tracklet = self._tracklets[rows[row]]
                matched(tracklet.motion, measured[columns[column]])
                owners[columns[column]] = tracklet
        return owners


def _groups(class_groups: Iterable[Sequence[str]], labels: Sequence[str]) -> dict[int, int]:
    """Return for each grouped class the id of its group: the least class id in it."""
    result: dict[int, int] = {}
    for group in class_groups:
        members = [labels.index(label) for label in group if label in labels]
        result |= {member: min(members) for member in members}
    return result


def _track(tracklet: _Tracklet, xyxyn: tuple[float, float, float, float], confidence: float) -> Track:
    # Of equal sums the smaller id wins, whatever the order of the sightings.
    class_id = min(tracklet.classes, key=lambda c: (-tracklet.classes[c], c))
    return Track(tracklet.n, xyxyn, confidence, class_id, age_s=tracklet.seen_s - tracklet.first_s)

"""Who is who in a clip that nobody has labelled, as far as that is beyond doubt.

At ten pictures and more a second the box of an object overlaps its next one. Where two boxes do, and no third
comes near either, they are one object; a chain of such pairs is an object under one name. A tracker that is
shown only some of the pictures can be held against it. Whoever is hidden, or meets somebody, begins another
chain: how numbers survive that is not measured here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from detectors.engines.base import Detections, Engine
from detectors.evaluation.scenes import Seen
from detectors.models.boxes import iou, suppress
from detectors.tracking.tracker import MAX_IOU_IN_GROUP

EVERY_S = 0.08  # a clip of 10 a second keeps all pictures, one of 25 or 30 a second every second or third
ROUNDING_S = 1e-3  # of the times in files
LONGEST_S = 60.0  # of each clip
SAME, RIVAL = 0.5, 0.2  # overlaps: that of one object with itself, that of another which makes it doubtful
SHORTEST_S = 1.0  # a chain that lasts less is no object to rely on: its boxes have no owner


def found_in(clip: Path, engine: Engine, labels: Sequence[str]) -> list[tuple[float, Detections]]:
    """Return (seconds, boxes of ``labels``) of the first minute; what cannot be decoded ends the clip."""
    wanted = np.array([label in labels for label in engine.labels])
    result: list[tuple[float, Detections]] = []
    with av.open(str(clip)) as container:
        frames = container.decode(video=0)
        while True:
            try:
                frame = next(frames)
            except (StopIteration, av.error.FFmpegError):
                return result
            at_s = float(frame.time or 0.0)
            if at_s > LONGEST_S:
                return result
            if result and at_s - result[-1][0] < EVERY_S - ROUNDING_S:
                continue
            found = engine.detect(frame.to_ndarray(format="bgr24").astype(np.uint8, copy=False))
            result.append((at_s, _named_once(found, wanted)))


def _named_once(found: Detections, wanted: NDArray[np.bool_]) -> Detections:
    """Return the ``wanted`` classes of ``found`` as one: a lorry may be called a car too."""
    kept = np.flatnonzero(wanted[found.class_id])
    same = np.zeros(len(kept), np.int64)
    kept = kept[suppress(found.xyxyn[kept], found.confidence[kept], same, MAX_IOU_IN_GROUP)]
    return Detections(found.xyxyn[kept], found.confidence[kept], np.zeros(len(kept), np.int64))


def chained(pictures: Sequence[tuple[float, Detections]]) -> list[Seen]:
    """Return ``pictures`` in their order with the chain that each box is of, -1 for those of none."""
    owners: list[NDArray[np.int64]] = []
    previous = Detections.empty()
    began_s: list[float] = []
    ended_s: list[float] = []
    for at_s, found in pictures:
        owner = np.full(len(found), -1, np.int64)
        for before, now in _pairs(previous.xyxyn, found.xyxyn):
            owner[now] = owners[-1][before]
        for index in np.flatnonzero(owner < 0):
            owner[index] = len(began_s)
            began_s.append(at_s)
            ended_s.append(at_s)
        for chain in owner.tolist():
            ended_s[chain] = at_s
        owners.append(owner)
        previous = found
    lasting = np.array(ended_s) - np.array(began_s) >= SHORTEST_S
    return [
        Seen(at_s, found, np.where(lasting[owner], owner, -1) if len(owner) else owner)
        for (at_s, found), owner in zip(pictures, owners, strict=True)
    ]


def some(seen: Sequence[Seen], fps: float) -> list[Seen]:
    """Return those of the pictures that a camera of ``fps`` would show."""
    result: list[Seen] = []
    for one in seen:
        if not result or one.at_s - result[-1].at_s >= 1 / fps - EVERY_S / 4:
            result.append(one)
    return result


def _pairs(before: NDArray[np.float32], now: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Return the (row, column) of boxes (N, 4) and (M, 4) that are beyond doubt the same."""
    overlap = iou(before, now)
    near = overlap > RIVAL
    alone = (near.sum(axis=1)[:, None] == 1) & (near.sum(axis=0)[None, :] == 1)
    rows, columns = np.nonzero(alone & (overlap >= SAME))
    return list(zip(rows.tolist(), columns.tolist(), strict=True))

"""Which detection belongs to which track.

The cost of a pair is minus twice the logarithm of the likelihood of the detection under the track's
prediction (up to a constant), and what no track explains well enough stays over. Overlap, the usual measure,
is 0 for a person who walks across the view at two frames a second; widening the boxes or GIoU mend that with
a constant that suits one frame rate. The likelihood knows how long the track has not been seen and whether
its velocity is known: it is strict at ten frames a second and wide after a gap, and a track that could be
anywhere pays for that (the logarithm of its variance), so that it takes no detection from one that knows.
The uncertainty that the frame rate itself brings is free: that of an object seen once, one frame ago.
"""

from __future__ import annotations

import lap
import numpy as np
from numpy.typing import NDArray

from detectors.tracking.motion import POSITION_NOISE_SD, SIZE_NOISE_SD, Motion

Floats = NDArray[np.float64]

FORBIDDEN = 1e6
MAX_SPREAD = 5.5  # no track grows too vague to be found again where it is expected; `lost_s` ends it
BORDER = 0.01  # boxes that come so near to the picture's border are cut by it
MIN_INTERVAL_S, MAX_INTERVAL_S = 0.25, 1.0  # for what is free: jitter does not shrink with the frame interval


def measurements(xyxyn: NDArray[np.float32]) -> Floats:
    """Return (N, 6) of boxes (N, 4) that have an area: centre x, y, log width, log height, cut in x, in y.

    A border of the picture cuts a box at its start, -1, at its end, 1, or not, 0 (or at both: nothing known).
    """
    boxes = xyxyn.astype(np.float64)
    cut = (boxes[:, 2:] > 1 - BORDER).astype(np.float64) - (boxes[:, :2] < BORDER)
    sides = np.log(np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-6))
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, sides, cut], axis=1)


def completed(centre: Floats, side: Floats, cut: Floats, at_least: Floats) -> tuple[Floats, Floats]:
    """Return centres and sides of boxes that a border cuts, were they as large as ``at_least`` beyond it.

    What is inside the picture stays where it is. Arrays that broadcast; ``cut`` is that of `measurements`.
    """
    if not cut.any():
        return centre, side
    whole = np.where(cut == 0, side, np.maximum(side, at_least))
    return centre + cut * (whole - side) / 2, whole


def begun(measured: Floats) -> Motion:
    """Return the belief after one row of `measurements`."""
    motion = Motion.at(measured[:4].tolist())
    motion.cut = (float(measured[4]), float(measured[5]))
    return motion


def matched(motion: Motion, measured: Floats) -> None:
    """Correct ``motion`` by a row of `measurements`; what a border hides of one is as in the other."""
    before, cut = motion.cut, (float(measured[4]), float(measured[5]))
    if any(before) or any(cut):
        state = np.array([motion.x, motion.y, motion.log_width, motion.log_height])
        own, own_side, box, box_side = _pair(state, np.array(before), measured)
        motion.x, motion.y = own.tolist()
        motion.log_width, motion.log_height = np.log(own_side).tolist()
        motion.correct([*box.tolist(), *np.log(box_side).tolist()])
    else:
        motion.correct(measured[:4].tolist())
    motion.cut = cut


def costs(motions: list[Motion], measured: Floats, interval_s: float) -> Floats:
    """Return (tracks, detections), the less the likelier; ``interval_s`` has passed since the last frame."""
    state = np.array(
        [[m.x, m.y, m.log_width, m.log_height, m.position_variance, m.size_variance, *m.cut] for m in motions]
    ).reshape(-1, 1, 8)
    position_variance = state[:, :, 4] + POSITION_NOISE_SD**2
    size_variance = state[:, :, 5] + SIZE_NOISE_SD**2
    own, own_side, box, box_side = _pair(state[..., :4], state[..., 6:], measured[None])
    distance = (((box - own) / own_side) ** 2).sum(axis=2) / position_variance
    distance += ((np.log(box_side) - np.log(own_side)) ** 2).sum(axis=2) / size_variance
    newcomer = Motion.at((0, 0, 0, 0))
    newcomer.predict(min(max(interval_s, MIN_INTERVAL_S), MAX_INTERVAL_S))
    # Two axes each: twice the logarithm of a variance is the logarithm of the determinant.
    spread = 2 * np.log(position_variance / (newcomer.position_variance + POSITION_NOISE_SD**2))
    spread += 2 * np.log(size_variance / (newcomer.size_variance + SIZE_NOISE_SD**2))
    return np.asarray(distance + np.minimum(spread, MAX_SPREAD))


def _pair(state: Floats, cut: Floats, measured: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return centre and sides (…, 2) of what is believed and of what is measured, each completed."""
    own_side = np.exp(state[..., 2:4])
    box, box_side = completed(measured[..., :2], np.exp(measured[..., 2:4]), measured[..., 4:6], own_side)
    own, own_side = completed(state[..., :2], own_side, cut, box_side)
    return own, own_side, box, box_side


def assign(cost: Floats, max_cost: float) -> list[tuple[int, int]]:
    """Return the pairs (row, column) of least total cost, where leaving one out costs ``max_cost``."""
    if not cost.size:
        return []
    _, columns, _ = lap.lapjv(cost, extend_cost=True, cost_limit=max_cost)
    return [(row, int(column)) for row, column in enumerate(columns) if column >= 0]

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
MIN_INTERVAL_S, MAX_INTERVAL_S = 0.25, 1.0  # for what is free: jitter does not shrink with the frame interval


def measurements(xyxyn: NDArray[np.float32]) -> Floats:
    """Return (N, 4) centre x, centre y, log width, log height of boxes (N, 4) that have an area."""
    boxes = xyxyn.astype(np.float64)
    return np.concatenate(
        [(boxes[:, :2] + boxes[:, 2:]) / 2, np.log(np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-6))], axis=1
    )


def costs(motions: list[Motion], measured: Floats, interval_s: float) -> Floats:
    """Return (tracks, detections), the less the likelier; ``interval_s`` has passed since the last frame."""
    state = np.array(
        [[m.x, m.y, m.log_width, m.log_height, m.position_variance, m.size_variance] for m in motions]
    ).reshape(-1, 6)
    position_variance = state[:, 4, None] + POSITION_NOISE_SD**2
    size_variance = state[:, 5, None] + SIZE_NOISE_SD**2
    error = measured[None, :, :] - state[:, None, :4]
    error[:, :, :2] /= np.exp(state[:, None, 2:4])  # in boxes
    square = error**2
    distance = (square[:, :, 0] + square[:, :, 1]) / position_variance
    distance += (square[:, :, 2] + square[:, :, 3]) / size_variance
    newcomer = Motion.at((0, 0, 0, 0))
    newcomer.predict(min(max(interval_s, MIN_INTERVAL_S), MAX_INTERVAL_S))
    # Two axes each: twice the logarithm of a variance is the logarithm of the determinant.
    spread = 2 * np.log(position_variance / (newcomer.position_variance + POSITION_NOISE_SD**2))
    spread += 2 * np.log(size_variance / (newcomer.size_variance + SIZE_NOISE_SD**2))
    return np.asarray(distance + np.minimum(spread, MAX_SPREAD))


def assign(cost: Floats, max_cost: float) -> list[tuple[int, int]]:
    """Return the pairs (row, column) of least total cost, where leaving one out costs ``max_cost``."""
    if not cost.size:
        return []
    _, columns, _ = lap.lapjv(cost, extend_cost=True, cost_limit=max_cost)
    return [(row, int(column)) for row, column in enumerate(columns) if column >= 0]

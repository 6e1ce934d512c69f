"""How the light of the whole picture has changed: a gain and an offset for each channel, found robustly.

Automatic exposure and white balance change all pixels alike. Things that come and go are outliers, as long as
they are less than half of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.garbage.pictures import Mask, Memory, Picture

NEAR = 8.0  # levels within which a pixel is explained
EXPLAINED = 0.5  # of the pixels: less, and it is another light, or another view
_STEP = 3  # every third pixel of every third row will do
_FEWEST = 40  # pixels to judge from
_DARK, _BRIGHT = 4.0, 251.0  # levels beyond which a pixel may be cut off and says nothing of the gain
_BINS = np.arange(-1.5, 1.51, 0.02)  # of the logarithm of the gain
_FITS = (24.0, 14.0, NEAR)  # levels within which a pixel counts, fit by fit
_FLAT = 6.0  # levels of deviation below which a picture does not tell a gain from an offset
_LEAST_GAIN = 0.1  # less leaves nothing to compare
_NOTHING = 1.0  # levels: less is no change, and left to the memories to follow


@dataclass(frozen=True)
class Change:
    """Each channel's level v has become ``gain`` · v + ``offset``, both (3,) of float32."""

    gain: NDArray[np.float32]
    offset: NDArray[np.float32]

    def of(self, memory: Memory) -> Memory:
        """Return ``memory`` (H, W, 3) after the change; it may leave 0-255, so that it comes back."""
        changed: Memory = memory * self.gain + self.offset
        return changed


def change(before: Memory, now: Picture, judged: Mask) -> Change | None:
    """Return how the light changed from ``before`` to ``now`` (H, W, 3), judged where ``judged`` (H, W).

    None where it did not, or where no change explains half of the pixels.
    """
    where = judged[::_STEP, ::_STEP]
    old, new = before[::_STEP, ::_STEP][where], now[::_STEP, ::_STEP][where].astype(np.float32)
    told = ((old > _DARK) & (old < _BRIGHT) & (new > _DARK) & (new < _BRIGHT)).all(axis=1)
    old, new = old[told], new[told]
    if len(old) < _FEWEST:
        return None
    if _is_alike(old, new):
        return None
    start = _commonest_gain(old, new)
    fits = [_fit(old[:, i], new[:, i], start) for i in range(3)]
    found = Change(*(np.array(values, np.float32) for values in zip(*fits, strict=True)))
    explained = (np.abs(new - found.of(old)) <= NEAR).all(axis=1)
    if explained.mean() < EXPLAINED or not (found.gain > _LEAST_GAIN).all():
        return None
    return found


def _is_alike(old: Memory, new: Memory) -> bool:
    """Say whether most pixels (N, 3) are as they were, and on the whole no lighter or darker."""
    rest = new - old
    near = (np.abs(rest) <= NEAR).all(axis=1)
    return float(near.mean()) >= EXPLAINED and bool((np.abs(rest[near].mean(axis=0)) <= _NOTHING).all())


def _commonest_gain(old: Memory, new: Memory) -> float:
    """Return the gain that most pixels (N, 3) share, which a median would miss where much has changed."""
    ratio = np.log(new.sum(axis=1) / old.sum(axis=1))
    counts = np.convolve(np.histogram(ratio, _BINS)[0], (1, 1, 1), "same")
    at = int(counts.argmax())
    return float(np.exp((_BINS[at] + _BINS[at + 1]) / 2))


def _fit(old: NDArray[np.float32], new: NDArray[np.float32], gain: float) -> tuple[float, float]:
    """Return gain and offset from ``old`` to ``new`` (N,), of the pixels that agree with those so far."""
    offset = 0.0
    for within in _FITS:
        rest = new - gain * old - offset
        agree = np.abs(rest) <= within
        if agree.sum() < _FEWEST:
            break
        levels, rest = old[agree], rest[agree]
        middle = float(levels.mean())
        slope = float(((levels - middle) * rest).mean() / (levels.var() + _FLAT**2))
        gain, offset = gain + slope, offset + float(rest.mean()) - slope * middle
    return gain, offset

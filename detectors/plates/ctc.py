"""Connectionist temporal classification (Graves et al. 2006): the text of a line, and how likely one is.

Both recognisers give, for each step along the line, the probability of each character or of none (the blank,
class 0); class ``i + 1`` is the alphabet's character ``i``. A text is likely when the ways to write it, each
character over any number of steps with or without blanks between, are together likely.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# A network that is wrong is often wrong with a probability of 1e-7 for the right character. Nothing is less
# likely than this at one step, so that one recogniser cannot overrule the other all alone.
_FLOOR = 1e-4

Steps = NDArray[np.float32]
"""(steps, 1 + characters): probabilities that add up to 1 at each step; the blank is first."""


def best_path(steps: Steps) -> tuple[int, ...]:
    """Return the indices of the characters along the likeliest path, which is nearly the likeliest text."""
    classes = steps.argmax(axis=1)
    first = np.concatenate([[True], classes[1:] != classes[:-1]])
    return tuple(int(c) - 1 for c in classes[first & (classes > 0)])


def likelihoods(opinions: Sequence[Steps], texts: Sequence[tuple[int, ...]]) -> NDArray[np.float64]:
    """Return the logarithm, (opinions, N), of the probability that each gives each of ``texts`` (indices)."""
    if not texts:
        return np.zeros((len(opinions), 0))
    floored = _side_by_side(opinions)
    length = np.array([len(text) for text in texts])
    states = np.zeros((len(texts), 2 * int(length.max()) + 1), np.intp)  # blank, character, blank, … blank
    for row, text in zip(states, texts, strict=True):
        row[1 : 2 * len(text) : 2] = np.array(text, np.intp) + 1
    # The blank between two characters may be left out, unless they are equal: they would be one.
    skips = np.zeros(states.shape, bool)
    skips[:, 3::2] = states[:, 3::2] != states[:, 1:-2:2]
    reached = np.zeros((len(opinions), *states.shape))
    reached[:, :, :2] = floored[0][:, states[:, :2]]
    logarithm = np.zeros(reached.shape[:2])
    for step in floored[1:]:
        before = reached
        reached = before.copy()
        reached[:, :, 1:] += before[:, :, :-1]
        reached[:, :, 2:] += before[:, :, :-2] * skips[:, 2:]
        reached *= step[:, states]
        scale = reached.max(axis=2)
        logarithm += np.log(scale)
        reached /= scale[:, :, None]
    rows = np.arange(len(texts))
    ends = reached[:, rows, 2 * length] + np.where(length > 0, reached[:, rows, 2 * length - 1], 0)
    return np.asarray(logarithm + np.log(np.maximum(ends, 1e-300)))


def _side_by_side(opinions: Sequence[Steps]) -> NDArray[np.float64]:
    """Return (steps, opinions, classes): after its last step each is sure of blanks: they change nothing."""
    longest = max(map(len, opinions))
    floored = np.zeros((longest, len(opinions), opinions[0].shape[1]))
    floored[:, :, 0] = 1
    for i, steps in enumerate(opinions):
        floored[: len(steps), i] = np.maximum(steps, _FLOOR)
    return floored

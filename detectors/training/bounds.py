"""The bounds that the helmet stage decides by, chosen from what it found in pictures not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.helmets.votes import Thresholds
from detectors.training.measure import average_precision, cut_for_precision
from detectors.training.samples import BARE

BARE_PRECISION, WORN_PRECISION = 0.9, 0.95  # of heads in held pictures; a rider is not accused lightly
LABELLED = 0.75  # of the heads located: of the rest two in five are riders that are not labelled


@dataclass(frozen=True)
class Found:
    """A head in a held picture: how sure the locator is, how likely bare it looks, and the truth.

    ``bare`` is None where it cannot be judged. ``truth`` is a label of `samples`; None where none is
    labelled. A labelled head that was not found has a score of 0.
    """

    score: float
    bare: float | None
    truth: int | None


@dataclass(frozen=True)
class Bounds:
    """The least score of a head, and the thresholds of being bare."""

    min_score: float
    thresholds: Thresholds

    @classmethod
    def of(cls, found: Sequence[Found]) -> Bounds:
        """Choose them on ``found``."""
        min_score = round(_least_score(found), 3)
        score, bare = _judged(found, min_score)
        return cls(
            min_score,
            Thresholds(
                round(cut_for_precision(score, bare, BARE_PRECISION, 0.5), 3),
                round(1 - cut_for_precision(1 - score, ~bare, WORN_PRECISION, 0.51), 3),
            ),
        )

    def told(self, found: Sequence[Found]) -> str:
        """Say how good they are on ``found``."""
        score, bare = _judged(found, self.min_score)
        said_bare, said_worn = score >= self.thresholds.bare_from, score <= self.thresholds.worn_to
        labelled = [one for one in found if one.truth is not None]
        others = [one for one in found if one.truth is None and one.score >= self.min_score]
        accused = sum((one.bare or 0) >= self.thresholds.bare_from for one in others)
        all_bare = sum(one.truth == BARE for one in labelled)
        return (
            f"held pictures: {len(score)} of {len(labelled)} heads located and judged "
            f"(score {self.min_score}), AP of bare {average_precision(score, bare):.3f}; "
            f"bare from {self.thresholds.bare_from}: "
            f"{int(bare[said_bare].sum())} of {int(said_bare.sum())} right, of {all_bare}; "
            f"worn to {self.thresholds.worn_to}: {int((~bare)[said_worn].sum())} of {int(said_worn.sum())} "
            f"right, of {len(labelled) - all_bare}; {len(others)} others located, {accused} of them bare"
        )


def _judged(found: Sequence[Found], min_score: float) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the probability of being bare and the truth, (N,) each, of labelled heads that were found."""
    judged = [
        (one.bare, one.truth == BARE)
        for one in found
        if one.truth is not None and one.bare is not None and one.score >= min_score
    ]
    bare, truth = zip(*judged, strict=True) if judged else ((), ())
    return np.array(bare, np.float32), np.array(truth, np.bool_)


def _least_score(found: Sequence[Found]) -> float:
    """Return the least score so that enough of the heads located with that or more are labelled ones."""
    located = [one for one in found if one.score > 0]
    score = np.array([one.score for one in located])
    known = np.array([one.truth is not None for one in located])
    return min((float(s) for s in np.unique(score) if known[score >= s].mean() >= LABELLED), default=0.5)

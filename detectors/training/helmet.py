"""Trains the head classifier from labelled pictures, or goes on training it from a site's own crops."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.helmets.classifier import HeadClassifier
from detectors.helmets.votes import Thresholds
from detectors.helmets.weights import in_use
from detectors.training.fit import fit, scores
from detectors.training.measure import average_precision, cut_for_precision, log_loss
from detectors.training.network import from_onnx, to_onnx
from detectors.training.samples import BARE, WORN, Sample, of_crops, of_pictures
from lianfang.errors import ModelError

BLOCKS = 12
MIN_HEAD_PX = 12.0  # of held heads: smaller ones are not judged later either
BARE_PRECISION, WORN_PRECISION = 0.9, 0.95  # of looks at held heads; a rider is not accused lightly
HELD_SHARE = 0.3
MIN_HELD = 3  # groups of each class, or the comparison says nothing
_UNDECIDED = Thresholds(0.75, 0.25)  # while the held heads have not said better

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Quality:
    """How well heads that were not trained on are told apart: AP of bare and balanced log loss."""

    average_precision: float
    log_loss: float
    heads: int

    def is_better_than(self, other: Quality) -> bool:
        """Say whether bare heads rank no worse and the probabilities are nearer the truth."""
        return self.average_precision >= other.average_precision and self.log_loss < other.log_loss

    def __str__(self) -> str:
        return f"AP of bare {self.average_precision:.3f}, log loss {self.log_loss:.3f} on {self.heads} heads"


def from_pictures(data: Path, steps: int, seed: int, progress: Progress) -> tuple[bytes, str]:
    """Return new weights (ONNX) from the labelled pictures in ``data``, and a line on where they come from.

    Four of twelve runs of pictures are held from a first training; what it says of the heads in them chooses
    the thresholds. The weights returned come from a second training, on all pictures.
    """
    samples = of_pictures(data, BLOCKS)
    held = [s for s in samples if int(s.group) % 3 == 1 and s.head.size_px >= MIN_HEAD_PX]
    seen = [sample for sample in samples if int(sample.group) % 3 != 1]
    progress(f"{len(seen)} heads to train on, {len(held)} held")
    if not held:
        raise ModelError(f"{data}: too few pictures to hold a third of them")
    first = fit(seen, steps, seed, progress=progress)
    score, bare = scores(_classifier(to_onnx(first, _UNDECIDED)), held)
    thresholds = Thresholds(
        round(cut_for_precision(score, bare, BARE_PRECISION, 0.5), 3),
        round(1 - cut_for_precision(1 - score, ~bare, WORN_PRECISION, 0.55), 3),
    )
    quality = Quality(average_precision(score, bare), log_loss(score, bare), len(held))
    source = "/".join(data.resolve().parts[-2:])
    summary = (
        f"{source}, {steps} steps, seed {seed}; held third: {quality}; {_decided(score, bare, thresholds)}"
    )
    progress(summary)
    return to_onnx(fit(samples, steps, seed, progress=progress), thresholds), summary


def _decided(score: NDArray[np.float32], bare: NDArray[np.bool_], thresholds: Thresholds) -> str:
    said_bare, said_worn = score >= thresholds.bare_from, score <= thresholds.worn_to
    return (
        f"single looks: bare from {thresholds.bare_from}: {_share(bare[said_bare]):.3f} right, "
        f"{_share(said_bare[bare]):.3f} of the bare found; worn to {thresholds.worn_to}: "
        f"{_share(~bare[said_worn]):.3f} right, {_share(said_worn[~bare]):.3f} of the worn found"
    )


def _share(hits: NDArray[np.bool_]) -> float:
    return float(hits.mean()) if len(hits) else float("nan")


def from_crops(
    folder: Path, models_dir: Path | None, steps: int, seed: int, progress: Progress
) -> bytes | None:
    """Return weights (ONNX) that went on from those in use with a site's crops; None if they are not better.

    Three tenths of the groups are held from the training; both are measured on these. Raises ModelError
    where a class has too few groups.
    """
    samples = of_crops(folder)
    held_groups = _held(samples)
    seen = [sample for sample in samples if sample.group not in held_groups]
    held = [sample for sample in samples if sample.group in held_groups]
    sha256, content = in_use(models_dir)
    old = HeadClassifier(sha256, content)
    before = _quality(old, held)
    progress(f"in use ({old.model_id}): {before}")
    new_content = to_onnx(fit(seen, steps, seed, from_onnx(content), progress), old.thresholds)
    new = _classifier(new_content)
    after = _quality(new, held)
    progress(f"trained ({new.model_id}): {after}")
    return new_content if after.is_better_than(before) else None


def _held(samples: Sequence[Sample]) -> frozenset[str]:
    """Return the groups to hold: those whose names come first by sha256, so that they stay the same."""
    held: set[str] = set()
    for label, name in ((WORN, "worn"), (BARE, "bare")):
        groups = {sample.group for sample in samples if sample.label == label}
        by_digest = sorted(groups, key=lambda group: hashlib.sha256(group.encode()).digest())
        count = round(len(groups) * HELD_SHARE)
        if count < MIN_HELD:
            raise ModelError(
                f"{len(groups)} tracks in {name}/: want {round(MIN_HELD / HELD_SHARE)} or more of each, "
                "so that three tenths can be held to compare old and new"
            )
        held.update(by_digest[:count])
    return frozenset(held)


def _quality(classifier: HeadClassifier, held: Sequence[Sample]) -> Quality:
    score, bare = scores(classifier, held, looks=1)
    return Quality(average_precision(score, bare), log_loss(score, bare), len(held))


def _classifier(content: bytes) -> HeadClassifier:
    return HeadClassifier(hashlib.sha256(content).hexdigest(), content)

"""Goes on training the head classifier from a site's own crops."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from detectors.helmets.classifier import HeadClassifier
from detectors.helmets.weights import in_use
from detectors.training.fit import features, fit, labels, scores
from detectors.training.measure import average_precision, log_loss
from detectors.training.samples import BARE, WORN, Sample, of_crops
from detectors.training.stem import linear_of, with_linear
from lianfang.errors import ModelError

HELD_SHARE = 0.3
MIN_HELD = 3  # groups of each class, or the comparison says nothing

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


def from_crops(folder: Path, models_dir: Path | None, seed: int, progress: Progress) -> bytes | None:
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
    new_content = with_linear(content, fit(features(old, seen, seed), labels(seen), linear_of(content)))
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
    score, bare = scores(classifier, held)
    return Quality(average_precision(score, bare), log_loss(score, bare), len(held))


def _classifier(content: bytes) -> HeadClassifier:
    return HeadClassifier(hashlib.sha256(content).hexdigest(), content)

"""Helmets: bare heads of riders, from whole pictures and from given heads, on helmet_cctv/test and general.

The chain is the stage's own: object model, locator, riders, classifier, thresholds. Each picture stands
alone, since the pictures are no film (``min_votes`` 1). The labels leave out many riders, so a rider without
a labelled head is neither right nor wrong; those that are called bare have figures of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.engines import onnx
from detectors.engines.base import Engine
from detectors.evaluation import objects
from detectors.evaluation.base import Figure, Report, proportion
from detectors.helmets.classifier import HeadClassifier
from detectors.helmets.heads import Head, of_rider, pairs
from detectors.helmets.locator import HeadLocator
from detectors.helmets.looks import USUAL, Look, look_at
from detectors.helmets.riders import VEHICLES, riders
from detectors.helmets.votes import State, verdict
from detectors.helmets.weights import HEAD, LOCATOR
from detectors.labels import labels_of
from detectors.training.measure import average_precision
from detectors.training.samples import read_picture
from detectors.training.scenes import objects as objects_of
from lianfang.events import DetectedObject

BARE_CLASS = 1  # of the labels; 0 is a helmet
INPUT_SIZE = (960, 544)  # of the object model: what the model card recommends for this stage
_SEED = 4
_RESAMPLES = 2000


@dataclass(frozen=True)
class Label:
    """A labelled head."""

    head: Head
    bare: bool


@dataclass(frozen=True)
class Said:
    """What the chain says of one rider: where the head is, and what it wears."""

    head: Head
    state: State


@dataclass(frozen=True)
class Judged:
    """A labelled head and what the chain said of it; None where it found no rider there."""

    bare: bool
    said: State | None


def evaluate(data: Path, models_dir: Path | None) -> Report | None:
    """Return the figures on ``data``/helmet_cctv/test; ModelError where a model or a picture is unusable."""
    paths = sorted((data / "helmet_cctv" / "test" / "images").glob("*.jpg"))
    if not paths:
        return None
    engine = onnx.build(onnx.Config(input_size=INPUT_SIZE), models_dir)
    chain = Chain(engine, HeadLocator(*LOCATOR.in_use(models_dir)), HeadClassifier(*HEAD.in_use(models_dir)))
    judged: list[Judged] = []
    unlabelled: list[Said] = []
    scores, bare = [], []
    for path in paths:
        image = read_picture(path)
        labels = read_labels(path, image)
        found, others = match(labels, chain.riders(image))
        judged += found
        unlabelled += others
        scores.append(chain.classifier.bare_heads(image, [label.head for label in labels]))
        bare += [label.bare for label in labels]
    if not judged:
        return None
    made = report(judged, unlabelled, np.concatenate(scores), np.array(bare))
    negatives = pedestrians(data, chain)
    if negatives is None:
        return made
    return Report({**made.figures, "helmet.pedestrians_taken_for_riders": negatives}, made.notes)


@dataclass(frozen=True)
class Chain:
    """What stands behind the stage: the object model, and what finds and judges heads."""

    engine: Engine
    locator: HeadLocator
    classifier: HeadClassifier

    def look(self, image_bgr: NDArray[np.uint8]) -> tuple[list[DetectedObject], dict[int, Look]]:
        """Return the objects of a picture, and the looks at heads as `look_at` gives them."""
        found = objects_of(image_bgr, self.engine)
        return found, look_at(image_bgr, found, self.locator, self.classifier, USUAL)

    def riders(self, image_bgr: NDArray[np.uint8]) -> list[Said]:
        """Return what the stage, with its default settings, says of each rider if one picture decides."""
        height, width = image_bgr.shape[:2]
        found, looks = self.look(image_bgr)
        unseen = riders(found).keys() - looks.keys()
        return [Said(look.head, self._state(look.bare)) for look in looks.values()] + [
            Said(of_rider(found[i].xyxyn, width, height), "unknown") for i in sorted(unseen)
        ]

    def _state(self, bare: float | None) -> State:
        return "unknown" if bare is None else verdict(bare, self.classifier.thresholds).state


def pedestrians(data: Path, chain: Chain) -> Figure | None:
    """Return the share of persons taken for riders in pictures of ``data``/general without a two-wheeler.

    The annotations (COCO) say which those are; None where the folder has none with a person found in it.
    """
    taken: list[bool] = []
    for picture in objects.read(data / "general")[0]:
        if not any(len(boxes[label]) for boxes in (picture.truth, picture.crowds) for label in VEHICLES):
            found, looks = chain.look(read_picture(picture.path))
            on_wheels = looks.keys() | riders(found).keys()
            taken += [i in on_wheels for i, thing in enumerate(found) if thing.label == "person"]
    return _share(taken) if taken else None


def match(labels: Sequence[Label], said: Sequence[Said]) -> tuple[list[Judged], list[Said]]:
    """Return each label with the rider at it, nearest pairs first, and the riders without a label."""
    joined = pairs([label.head for label in labels], [one.head for one in said])
    judged = [
        Judged(label.bare, said[joined[i]].state if i in joined else None) for i, label in enumerate(labels)
    ]
    return judged, [one for j, one in enumerate(said) if j not in joined.values()]


def report(
    judged: Sequence[Judged],
    unlabelled: Sequence[Said],
    scores: NDArray[np.float32],
    bare: NDArray[np.bool_],
) -> Report:
    """Return the figures of labelled heads; ``scores`` and ``bare`` (N,) are of the given heads."""
    said_bare = [head.bare for head in judged if head.said == "bare"]
    said_worn = [not head.bare for head in judged if head.said == "worn"]
    truly_bare = [head.said == "bare" for head in judged if head.bare]
    figures = {"helmet.riders_found": _share([head.said is not None for head in judged])}
    called_bare = sum(one.state == "bare" for one in unlabelled)
    if said_bare:
        figures["helmet.frame_precision"] = _share(said_bare)
    if claims := len(said_bare) + called_bare:
        figures["helmet.unmatched_bare_claims"] = proportion(called_bare, claims)
        figures["helmet.strict_precision"] = proportion(sum(said_bare), claims)
    if said_worn:
        figures["helmet.worn_precision"] = _share(said_worn)
    if truly_bare:
        figures["helmet.frame_recall"] = _share(truly_bare)
        figures["helmet.head_ap"] = _average_precision(scores, bare)
    unknown = sum(head.said == "unknown" for head in judged)
    return Report(
        figures,
        (
            f"{len(judged)} labelled heads; at {unknown} of them the rider was found and left unknown",
            f"{len(unlabelled)} riders found without a labelled head, {called_bare} of them called bare",
        ),
    )


def read_labels(picture: Path, image: NDArray[np.uint8]) -> list[Label]:
    """Return the heads labelled in ``picture`` (folder images), from its file in the folder labels beside."""
    height, width = image.shape[:2]
    return [
        Label(Head(one.x * width, one.y * height, one.height * height), one.kind == BARE_CLASS)
        for one in labels_of(picture)
    ]


def _share(hits: Sequence[bool]) -> Figure:
    return proportion(sum(hits), len(hits))


def _average_precision(scores: NDArray[np.float32], bare: NDArray[np.bool_]) -> Figure:
    """Return the AP with a bootstrap interval over heads."""
    random = np.random.default_rng(_SEED)
    drawn = [random.integers(len(bare), size=len(bare)) for _ in range(_RESAMPLES)]
    again = [average_precision(scores[pick], bare[pick]) for pick in drawn if bare[pick].any()]
    low, high = np.percentile(again, (2.5, 97.5))
    return Figure(average_precision(scores, bare), len(bare), (float(low), float(high)))

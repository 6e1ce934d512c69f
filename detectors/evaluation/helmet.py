"""Helmets: bare heads of riders, from whole pictures and from given heads, on helmet_cctv/test and general.

The chain is the stages' own: object model, riders, head, classifier, thresholds; each picture stands alone,
since the pictures are no film (``min_votes`` 1). The labels leave out many riders, so a rider without a
labelled head is neither right nor wrong; how many of those are called bare is said beside.
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
from detectors.helmets.heads import Head, of_rider
from detectors.helmets.looks import Fitness, look_at
from detectors.helmets.riders import VEHICLES, riders
from detectors.helmets.votes import State, verdict
from detectors.helmets.weights import in_use
from detectors.stages.helmet import Config
from detectors.training.measure import average_precision
from detectors.training.samples import read_picture
from lianfang.events import DetectedObject

BARE_CLASS = 1  # of the labels; 0 is a helmet
NEAR_HEADS = 1.0  # between the middles of a head found and a labelled one, in heights of the larger
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
    engine = onnx.build(onnx.Config(), models_dir)
    classifier = HeadClassifier(*in_use(models_dir))
    judged: list[Judged] = []
    unlabelled: list[Said] = []
    scores, bare = [], []
    for path in paths:
        image = read_picture(path)
        labels = read_labels(path, image)
        found, others = match(labels, riders_of(image, engine, classifier))
        judged += found
        unlabelled += others
        scores.append(classifier.bare_heads(image, [label.head for label in labels]))
        bare += [label.bare for label in labels]
    if not judged:
        return None
    made = report(judged, unlabelled, np.concatenate(scores), np.array(bare))
    negatives = pedestrians(data, engine)
    if negatives is None:
        return made
    return Report({**made.figures, "helmet.pedestrians_taken_for_riders": negatives}, made.notes)


def riders_of(image_bgr: NDArray[np.uint8], engine: Engine, classifier: HeadClassifier) -> list[Said]:
    """Return what the chain, with its default settings, says of each rider in a picture that stands alone."""
    config = Config(kind="helmet")
    objects = _objects(image_bgr, engine)
    on_wheels = riders(objects)
    fitness = Fitness(config.min_head_px, config.min_sharpness)
    looks = look_at(image_bgr, objects, on_wheels, classifier, fitness)
    height, width = image_bgr.shape[:2]
    return [
        Said(
            of_rider(objects[i].xyxyn, width, height),
            verdict(looks[i].bare, classifier.thresholds).state if i in looks else "unknown",
        )
        for i in on_wheels
    ]


def _objects(image_bgr: NDArray[np.uint8], engine: Engine) -> list[DetectedObject]:
    found = engine.detect(image_bgr)
    return [
        DetectedObject(track_id=None, label=engine.labels[c], confidence=float(p), xyxyn=tuple(map(float, b)))
        for b, p, c in zip(found.xyxyn, found.confidence, found.class_id, strict=True)
    ]


def pedestrians(data: Path, engine: Engine) -> Figure | None:
    """Return the share of persons taken for riders in pictures of ``data``/general without a two-wheeler.

    The annotations (COCO) say which those are; None where the folder has none with a person found in it.
    """
    taken: list[bool] = []
    for picture in objects.read(data / "general")[0]:
        if not any(len(boxes[label]) for boxes in (picture.truth, picture.crowds) for label in VEHICLES):
            found = _objects(read_picture(picture.path), engine)
            on_wheels = riders(found)
            taken += [i in on_wheels for i, thing in enumerate(found) if thing.label == "person"]
    return _share(taken) if taken else None


def match(labels: Sequence[Label], said: Sequence[Said]) -> tuple[list[Judged], list[Said]]:
    """Return each label with the rider at it, nearest pairs first, and the riders without a label."""
    near = sorted(
        (distance, i, j)
        for i, label in enumerate(labels)
        for j, one in enumerate(said)
        if (distance := _heads_apart(label.head, one.head)) <= NEAR_HEADS
    )
    pairs: dict[int, int] = {}
    for _, i, j in near:
        if i not in pairs and j not in pairs.values():
            pairs[i] = j
    judged = [
        Judged(label.bare, said[pairs[i]].state if i in pairs else None) for i, label in enumerate(labels)
    ]
    return judged, [one for j, one in enumerate(said) if j not in pairs.values()]


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
    if said_bare:
        figures["helmet.frame_precision"] = _share(said_bare)
    if said_worn:
        figures["helmet.worn_precision"] = _share(said_worn)
    if truly_bare:
        figures["helmet.frame_recall"] = _share(truly_bare)
        figures["helmet.head_ap"] = _average_precision(scores, bare)
    unknown = sum(head.said == "unknown" for head in judged)
    called_bare = sum(one.state == "bare" for one in unlabelled)
    return Report(
        figures,
        (
            f"{len(judged)} labelled heads; at {unknown} of them the rider was found and left unknown",
            f"{len(unlabelled)} riders found without a labelled head, {called_bare} of them called bare",
        ),
    )


def read_labels(picture: Path, image: NDArray[np.uint8]) -> list[Label]:
    """Return the heads labelled in ``picture`` (folder images), from its file in the folder labels beside."""
    path = picture.parent.parent / "labels" / f"{picture.stem}.txt"
    height, width = image.shape[:2]
    labels = []
    for line in path.read_text().splitlines() if path.exists() else ():
        if line.strip():
            kind, x, y, _, h = map(float, line.split())
            labels.append(Label(Head(x * width, y * height, h * height), kind == BARE_CLASS))
    return labels


def _heads_apart(labelled: Head, found: Head) -> float:
    distance = float(np.hypot(labelled.x - found.x, labelled.y - found.y))
    return distance / max(labelled.size_px, found.size_px, 1e-6)


def _share(hits: Sequence[bool]) -> Figure:
    return proportion(sum(hits), len(hits))


def _average_precision(scores: NDArray[np.float32], bare: NDArray[np.bool_]) -> Figure:
    """Return the AP with a bootstrap interval over heads."""
    random = np.random.default_rng(_SEED)
    drawn = [random.integers(len(bare), size=len(bare)) for _ in range(_RESAMPLES)]
    again = [average_precision(scores[pick], bare[pick]) for pick in drawn if bare[pick].any()]
    low, high = np.percentile(again, (2.5, 97.5))
    return Figure(average_precision(scores, bare), len(bare), (float(low), float(high)))

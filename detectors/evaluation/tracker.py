"""How well the tracker's numbers stay with their objects, and what it costs, beside the package `trackers`.

On streets made up, where everybody is known; on clips, as far as who is who is beyond doubt; and in
milliseconds of a core a picture, for 30 objects that walk about. Without the package only ours is measured.

The time is processor time of the one thread, of the quietest of several rounds: what shares the core is not
the tracker's, and doubles the time where a core is two threads of the hardware.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from math import sqrt
from pathlib import Path

import numpy as np

from detectors.engines import onnx
from detectors.engines.base import Detections
from detectors.evaluation import followers, links
from detectors.evaluation.base import Figure, Report
from detectors.evaluation.identities import Follow, Tally
from detectors.evaluation.media import clips_of
from detectors.evaluation.scenes import Seen, street
from lianfang.errors import ModelError

OBJECTS = 30
FPS = 5.0  # of a camera, where nothing else is configured
RATES = {"": FPS, "at_2fps.": 2.0, "at_10fps.": 10.0}
CLIPS = "clips."
SCENES = range(6)  # seeds; a minute each
LABELS = ("person", "bicycle", "motorcycle", "car", "bus", "truck")
ROUNDS = 6
FRAMES = 300  # of a round, after
WARM_UP = 20
HEIGHT = 0.15  # of the picture
MISSED = 0.1  # share of detections that a model leaves out
_SEED = 4

Kinds = dict[str, Callable[[float], Follow]]


def evaluate(data: Path, models_dir: Path | None) -> Report | None:
    """Return time, switches, fragments and IDF1; only those of clips need data and the object model."""
    kinds: Kinds = {"": lambda _fps: followers.ours()}
    notes = [
        f"{len(SCENES)} streets made up, 60 s each, at {', '.join(f'{fps:g}' for fps in RATES.values())} fps"
    ]
    if followers.is_installed():
        kinds["trackers_"] = lambda fps: followers.reference("ByteTrackTracker", fps)
        notes.append("trackers_…: ByteTrack of that package, with our thresholds and memory")
    else:
        notes.append("the package trackers is not installed (extra eval): measured without it beside")
    figures = {}
    for prefix, kind in kinds.items():
        figures[f"tracker.{prefix}ms_per_frame"], told = cost(kind)
        notes.append(f"{prefix}ms_per_frame: {told}")
    for rate, fps in RATES.items():
        figures |= counted(rate, [list(street(seed, fps)) for seed in SCENES], kinds, fps)
    clips = clips_of(data)
    try:
        figures |= counted(CLIPS, _of_clips(clips, models_dir), kinds, FPS) if clips else {}
    except ModelError as error:
        notes.append(f"clips are left out: {error}")
    return Report(figures, tuple(notes))


def counted(prefix: str, scenes: Sequence[Sequence[Seen]], kinds: Kinds, fps: float) -> dict[str, Figure]:
    """Return switches, fragments and IDF1 of each kind over all ``scenes``; the counts are of boxes.

    Without IDF1 for clips: there one object is several chains, and a number that stays would count as wrong.
    """
    figures = {}
    for kind, begin in kinds.items():
        tally = Tally()
        for scene in scenes:
            tally.add(scene, begin(fps))
        if tally.owned:
            figures[f"tracker.{prefix}{kind}id_switches"] = Figure(tally.switches, tally.owned)
            figures[f"tracker.{prefix}{kind}fragments"] = Figure(tally.fragments, tally.owned)
            if prefix != CLIPS:
                figures[f"tracker.{prefix}{kind}idf1"] = Figure(tally.idf1, tally.owned)
    return figures


def _of_clips(clips: Sequence[Path], models_dir: Path | None) -> list[list[Seen]]:
    engine = onnx.build(onnx.Config(), models_dir)
    return [links.some(links.chained(links.found_in(clip, engine, LABELS)), FPS) for clip in clips]


def cost(begin: Callable[[float], Follow]) -> tuple[Figure, str]:
    """Return the median milliseconds of a picture with its 95 % interval, and the other rounds in words."""
    rounds = sorted((timed(begin(FPS)) for _ in range(ROUNDS)), key=lambda one: float(np.median(one)))
    worst = float(np.percentile(rounds[0], 99))
    others = ", ".join(f"{np.median(one):.2f}" for one in rounds)
    return median(rounds[0]), (
        f"{OBJECTS} objects, {FRAMES} pictures at {FPS:g} a second; 99 % took {worst:.2f} ms or less; "
        f"medians of the {ROUNDS} rounds: {others} ms"
    )


def timed(follow: Follow) -> list[float]:
    """Return the milliseconds of processor time that each picture took, warm."""
    spent_ms = []
    for i, detections in enumerate(walkers(FRAMES + WARM_UP)):
        began = time.thread_time()
        follow(detections, i / FPS)
        spent_ms.append((time.thread_time() - began) * 1000)
    return spent_ms[WARM_UP:]


def walkers(frames: int) -> Iterator[Detections]:
    """Yield what a model would see of `OBJECTS` people: jitter, gaps and weak boxes; always the same."""
    random = np.random.default_rng(_SEED)
    centre = random.uniform(0.1, 0.9, (OBJECTS, 2))
    velocity = random.normal(0, 0.06, (OBJECTS, 2))  # of the picture a second
    half = np.array([0.2, 0.5]) * HEIGHT
    for _ in range(frames):
        centre += velocity / FPS
        velocity = np.where(
            (centre < 0.1) & (velocity < 0) | (centre > 0.9) & (velocity > 0), -velocity, velocity
        )
        seen = centre + random.normal(0, 0.004, centre.shape)
        confidence = random.uniform(0.25, 0.95, OBJECTS).astype(np.float32)
        kept = np.argsort(-confidence)[: round(OBJECTS * (1 - MISSED * random.uniform(0, 2)))]
        xyxyn = np.concatenate([seen - half, seen + half], axis=1).astype(np.float32)[kept]
        yield Detections(xyxyn, confidence[kept], np.zeros(len(kept), np.int64))


def median(values: list[float]) -> Figure:
    """Return the median of many ``values`` with its 95 % interval from order statistics."""
    ordered = sorted(values)
    count = len(ordered)
    reach = 1.96 * sqrt(count) / 2
    low, high = ordered[max(0, int(count / 2 - reach))], ordered[min(count - 1, int(count / 2 + reach))]
    return Figure(float(np.median(ordered)), count, (low, high))

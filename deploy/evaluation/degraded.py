"""Whether the alert, person in a zone, holds through the whole chain in bad pictures: night, rain, fog.

The first SECONDS of each clip in which somebody is seen are played at FPS as they are, and again with each of
CHANGES. Nothing is known of the sites: the picture is divided into a grid of zones, each a place of its own.
What the clean play raised is what must be kept; no ground truth is needed, and none is claimed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import takewhile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alerts.incidents.incident import Incident
from deploy.evaluation import site
from deploy.evaluation.weather import CHANGES, Change
from deploy.replay import Replay, stages_of
from detectors.evaluation.ap import match
from detectors.evaluation.base import Figure, Report, proportion
from detectors.evaluation.media import clips_of, pictures
from detectors.stages.base import Stage
from lianfang.config import Config
from lianfang.events import DetectedObject

LABEL = "person"
GRID = (3, 2)  # columns and rows of zones
SECONDS = 25.0
SLACK = timedelta(seconds=2)
"""Incidents of two plays that overlap in time but for so much are the same."""
_SEED = 7
_NO_BOXES: NDArray[np.float32] = np.zeros((0, 4), np.float32)

Shown = Iterable[tuple[float, NDArray[np.uint8]]]
"""(seconds, picture (H, W, 3) BGR) in order."""


@dataclass(frozen=True)
class Played:
    """What came of one play: its incidents, and per picture the objects that were seen."""

    incidents: tuple[Incident, ...]
    seen: tuple[tuple[DetectedObject, ...], ...]


@dataclass
class Loss:
    """What became of the clean plays under one change, over all clips."""

    incidents: int = 0
    kept: int = 0
    extra: int = 0
    people: int = 0
    found: int = 0
    lost: list[str] = field(default_factory=list)
    """Where and when something was not raised any more, for a person."""


def evaluate(data: Path, models_dir: Path | None) -> Report | None:
    """Return kept, extra and recall per change; None where ``data`` has no clip in which somebody is seen.

    ModelError where the object model is missing.
    """
    clips = clips_of(data)
    if not clips:
        return None
    config = site.unknown_site([LABEL], models_dir, GRID)
    stages = stages_of(config, config.detectors)
    losses = {name: Loss() for name in CHANGES}
    notes = []
    for clip in clips:
        clean = play(_first(clip), config, stages)
        notes.append(f"{clip.name}: {len(clean.incidents)} incidents")
        if clean.incidents:
            for name, change in CHANGES.items():
                compare(clip.name, clean, play(changed(_first(clip), change), config, stages), losses[name])
    return report(losses, notes) if any(loss.incidents for loss in losses.values()) else None


def play(shown: Shown, config: Config, stages: Mapping[str, Stage]) -> Played:
    """Return what the chain makes of the pictures."""
    replay = Replay(config, site.CAMERA, stages)
    seen = [replay.look(site.frame(config, picture, at_s, seq)) for seq, (at_s, picture) in enumerate(shown)]
    return Played(tuple(replay.incidents.values()), tuple(seen))


def changed(shown: Shown, change: Change) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Yield the pictures with ``change``, the same at each call."""
    for seq, (at_s, picture) in enumerate(shown):
        yield at_s, change(picture, np.random.default_rng((_SEED, seq)))


def compare(name: str, clean: Played, worse: Played, loss: Loss) -> None:
    """Add to ``loss`` what is gone, and what is new, in the ``worse`` play of the clip ``name``."""
    for incident in clean.incidents:
        loss.incidents += 1
        if any(_same(incident, other) for other in worse.incidents):
            loss.kept += 1
        else:
            at_s = site.seconds(incident.opened_at)
            loss.lost.append(f"{name} {incident.place} at {at_s:.0f} s")
    loss.extra += sum(not any(_same(i, other) for i in clean.incidents) for other in worse.incidents)
    for before, after in zip(clean.seen, worse.seen, strict=True):
        truth, _ = _boxes(o for o in before if o.track_id is not None)
        hits = match(*_boxes(after), truth, _NO_BOXES)
        loss.people += len(truth)
        loss.found += int(hits.hit.sum())


def report(losses: Mapping[str, Loss], notes: Sequence[str]) -> Report:
    """Return the figures of all changes."""
    figures: dict[str, Figure] = {}
    said = list(notes)
    for name, loss in losses.items():
        if not loss.incidents:
            continue
        figures[f"degraded.kept_{name}"] = proportion(loss.kept, loss.incidents)
        figures[f"degraded.extra_{name}"] = Figure(float(loss.extra), loss.incidents)
        if loss.people:
            # No interval: the boxes of one person in picture after picture are no independent cases.
            figures[f"degraded.recall_{name}"] = Figure(loss.found / loss.people, loss.people)
        if loss.lost:
            said.append(f"lost by {name}: {'; '.join(loss.lost)}")
    return Report(figures, tuple(said))


def _first(clip: Path) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    return takewhile(lambda shown: shown[0] < SECONDS, pictures(clip))


def _same(one: Incident, other: Incident) -> bool:
    apart = max(one.opened_at, other.opened_at) - min(one.last_seen_at, other.last_seen_at)
    return one.place == other.place and apart <= SLACK


def _boxes(objects: Iterable[DetectedObject]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the people's boxes (N, 4) and confidences (N,)."""
    people = [o for o in objects if o.label == LABEL]
    boxes = np.array([o.xyxyn for o in people], np.float32).reshape(-1, 4)
    return boxes, np.array([o.confidence for o in people], np.float32)

"""Incidents on 60 s of real video against people counted by hand, with and without detector deaths.

The model, the tracker, the rule and the incidents are the real ones, at the demo's frame rate; the pictures
pass the JPEG of the bus. A death of the detector is what the alert service sees of one: no observation while
it is away, then a tracker that knows nobody. Real processes are killed in ``tests/e2e``.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest
import simplejpeg

from alerts.incidents.incident import Incident
from alerts.pipeline.decide import Decider
from alerts.pipeline.order import Order
from alerts.pipeline.rulebook import RuleBook
from deploy.demo.sample import sample
from detectors.camera import WatchedCamera
from detectors.engines import onnx
from detectors.engines.base import Detections
from detectors.stages import objects
from lianfang.bus import Position
from lianfang.clock import SystemClock
from lianfang.config import Config
from lianfang.errors import LianfangError
from lianfang.events import FRAMES, Frame, Observation
from tests.support.configs import loaded
from tests.truth.labels import Truth, load

FPS = 5
START = datetime(2026, 7, 1, tzinfo=UTC)
# How long the detector is away: its process starts in about 2 s here, more on a busy machine.
AWAY_S = (2.0, 6.0)
DEATHS = 50


class Recorded:
    """The engine's answers per picture, so that the model runs once for all the plays of this file."""

    model_id = "recorded"

    def __init__(self, labels: tuple[str, ...]) -> None:
        self.labels = labels
        self.answers: list[Detections] = []
        self.at = 0

    def detect(self, image_bgr: np.ndarray) -> Detections:
        del image_bgr
        return self.answers[self.at]


@dataclass(frozen=True)
class Footage:
    frames: Sequence[Frame]
    engine: Recorded


@cache
def footage() -> Footage:
    """Return the first 60 s of the sample at 5 fps, and what the real model finds in each picture."""
    try:
        file = sample(print)
    except LianfangError as error:
        pytest.skip(f"no sample video: {error}")
    engine = onnx.build(onnx.Config(kind="onnx", input_size=(640, 480)))
    recorded = Recorded(engine.labels)
    frames: list[Frame] = []
    with av.open(str(file)) as container:
        for i, picture in enumerate(container.decode(video=0)):
            if i >= 600:
                break
            if i % (10 // FPS):
                continue
            jpeg = simplejpeg.encode_jpeg(picture.to_ndarray(format="bgr24"), quality=85, colorspace="BGR")
            recorded.answers.append(engine.detect(simplejpeg.decode_jpeg(jpeg, colorspace="BGR")))
            at = START + timedelta(seconds=i / 10)
            # A small grey picture: nothing looks at it any more.
            pixels = simplejpeg.encode_jpeg(np.full((9, 12, 3), 99, np.uint8))
            frames.append(Frame("cam", "c", len(frames), at, at, 12, 9, "jpeg", pixels))
    return Footage(frames, recorded)


def configuration(folder: Path, truth: Truth, join_s: float) -> Config:
    return loaded(
        folder,
        ("cameras.cam.zones.water.polygon", [list(corner) for corner in truth.zone.polygon]),
        ("rules.entry.cameras", ["cam"]),
        ("rules.entry.join_s", join_s),
    )


def observations(config: Config, away: Iterable[tuple[float, float]] = ()) -> list[Observation]:
    """Return what the detector says, without what was captured while it was away; each life is an epoch."""
    reel = footage()
    stage = objects.Objects(
        objects.Config(kind="objects", engine=onnx.Config(kind="onnx")),
        reel.engine,
        np.array([label == "person" for label in reel.engine.labels]),
    )
    stages = {"objects": stage}
    gaps = sorted(away)
    said, life, camera = [], -1, None
    for i, frame in enumerate(reel.frames):
        at_s = i / FPS
        if any(start <= at_s < end for start, end in gaps):
            continue
        if (lives := sum(end <= at_s for _, end in gaps)) != life:
            life, camera = (
                lives,
                WatchedCamera("cam", config.cameras["cam"], stages, SystemClock()),
            )
        assert camera is not None
        reel.engine.at = i
        observation = camera.look(frame, Position(FRAMES, 0, i))
        if observation is not None:
            said.append(observation)
    return said


def incidents(config: Config, said: Iterable[Observation]) -> list[Incident]:
    order, decider = Order(), Decider(RuleBook(config))
    opened: dict[str, Incident] = {}
    for observation in said:
        assert order.admit(observation) is None
        for decision in decider.decide(observation):
            opened[decision.incident.id] = decision.incident
    return list(opened.values())


def deaths(seed: int, count: int) -> list[tuple[float, float]]:
    rng = random.Random(seed)  # noqa: S311 - to replay it, not to guard anything
    starts = sorted(rng.uniform(0, 60) for _ in range(count))
    return [(start, start + rng.uniform(*AWAY_S)) for start in starts]


@dataclass(frozen=True)
class Score:
    """Incidents against true occupancies: one matches those that it overlaps in time (± tolerance)."""

    opened: int
    true: int
    splits: int  # incidents beyond the first of an occupancy
    merges: int  # occupancies beyond the first of an incident
    missed: int
    false: int

    @property
    def text(self) -> str:
        names = ("opened", "true", "splits", "merges", "missed", "false")
        return ", ".join(f"{name} {getattr(self, name)}" for name in names)


def score(found: Sequence[Incident], truth: Truth, closing_gap_s: float) -> Score:
    spans = truth.occupancies(closing_gap_s)
    slack = truth.tolerance_s + 1.0  # three frames until it counts, and boxes that reach a little further
    pairs = []
    for i, incident in enumerate(found):
        start = (incident.opened_at - START).total_seconds() - slack
        end = (incident.last_seen_at - START).total_seconds() + slack
        pairs += [(i, j) for j, span in enumerate(spans) if start < span.to_s and span.from_s < end]
    matched_incidents, matched_spans = {i for i, _ in pairs}, {j for _, j in pairs}
    return Score(
        opened=len(found),
        true=len(spans),
        splits=sum(max(0, sum(k == j for _, k in pairs) - 1) for j in matched_spans),
        merges=sum(max(0, sum(k == i for k, _ in pairs) - 1) for i in matched_incidents),
        missed=len(spans) - len(matched_spans),
        false=len(found) - len(matched_incidents),
    )


def test_one_incident_for_the_whole_minute_as_configured_by_default(tmp_path: Path) -> None:
    truth = load()
    config = configuration(tmp_path, truth, join_s=120)
    found = incidents(config, observations(config))
    result = score(found, truth, 120)
    print(f"\njoin 120 s: {result.text}")
    assert result == Score(opened=1, true=1, splits=0, merges=0, missed=0, false=0)


def test_one_incident_for_each_occupancy_when_places_are_told_apart_after_5_s(tmp_path: Path) -> None:
    truth = load()
    config = configuration(tmp_path, truth, join_s=5)
    found = incidents(config, observations(config))
    result = score(found, truth, 5)
    people, visits = sum(i.members_total for i in found), truth.counted.visits
    print(f"\njoin 5 s: {result.text}; members {people} for {visits} visits")
    assert (result.missed, result.false, result.merges) == (0, 0, 0)
    assert result.splits <= 1
    # A visit that is cut in two by an occlusion counts twice, one hidden behind another not at all.
    assert abs(people - visits) <= 2


def test_fifty_deaths_of_the_detector_one_in_each_play(tmp_path: Path) -> None:
    """Each play has one death at a random moment; the incident of a person who stays is the same."""
    truth = load()
    config = configuration(tmp_path, truth, join_s=5)
    total = Score(0, 0, 0, 0, 0, 0)
    for seed in range(DEATHS):
        result = score(incidents(config, observations(config, deaths(seed, 1))), truth, 5)
        total = replace(total, **{name: getattr(total, name) + getattr(result, name) for name in vars(total)})
    print(f"\n{DEATHS} plays with a death each, join 5 s: {total.text}")
    assert total.false == 0
    # An occupancy can only be missed when nobody looked while it lasted: 3.6 s of 60 for the shortest.
    assert total.missed <= DEATHS * 0.1
    assert total.splits <= DEATHS * 0.1
    assert total.merges <= DEATHS * 0.1


@pytest.mark.parametrize("seed", range(5))
def test_a_detector_that_dies_all_the_time_opens_one_incident(tmp_path: Path, seed: int) -> None:
    """Ten deaths a minute, ten plays' worth in all: the default joining time keeps one incident."""
    truth = load()
    config = configuration(tmp_path, truth, join_s=120)
    found = incidents(config, observations(config, deaths(1000 + seed, 10)))
    assert len(found) == 1

"""One camera under watch: what is worth saying, and in which order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.camera import CLOCK_STEP, EMPTY_EVERY, WatchedCamera
from lianfang.bus import Position
from lianfang.clock import ManualClock
from lianfang.config import Camera
from lianfang.errors import DecodeError
from lianfang.events import DetectedObject, FrameReference, Observation
from tests.support.looking import PERSON, Image, Stage, frame, jpeg, shade_of

START = datetime(2026, 7, 1, 6, 0, tzinfo=UTC)
SOMEBODY, NOBODY = 200, 50  # the grey of a picture says who is on it


def see(_camera: str, image: Image) -> tuple[DetectedObject, ...]:
    return (PERSON,) if shade_of(image) > 128 else ()


def watched(*stages: Stage) -> WatchedCamera:
    names = [f"stage{i}" for i in range(len(stages))]
    camera = Camera.model_validate(
        {
            "name": "c",
            "point": "bank",
            "source": {"kind": "rtsp", "url": "rtsp://127.0.0.1/a"},
            "detectors": names,
        }
    )
    return WatchedCamera("cam", camera, dict(zip(names, stages, strict=True)), ManualClock(START))


def looked_at(camera: WatchedCamera, at_s: float, *, somebody: bool, seq: int = 0) -> Observation | None:
    pixels = jpeg(SOMEBODY if somebody else NOBODY)
    at = START + timedelta(seconds=at_s)
    return camera.look(frame(seq, at, pixels=pixels), Position("frames.v1", 3, 100 + seq))


@pytest.mark.parametrize(
    ("script", "said"),
    [
        # Five frames a second: "." shows nobody, "#" somebody; below, what is said.
        ("......", "x----x"),
        ("...........", "x----x----x"),
        ("######", "xxxxxx"),
        # Somebody comes, and goes: said at once, whenever the last word was.
        (".#####.....#.", "xxxxxxx----xx"),
        ("..#..#..", "x-xx-xx-"),
        ("#.#.#.#.", "xxxxxxxx"),
        # One second counts from what was said, and not from what was seen.
        ("#......", "xx----x"),
    ],
)
def test_what_is_said(script: str, said: str) -> None:
    camera = watched(Stage(see))
    got = [looked_at(camera, 0.2 * i, somebody=shown == "#") for i, shown in enumerate(script)]
    assert "".join("x" if one else "-" for one in got) == said
    for shown, one in zip(script, got, strict=True):
        assert one is None or bool(one.objects) == (shown == "#")


@given(st.lists(st.tuples(st.integers(1, 4000), st.booleans()), min_size=1, max_size=50))
def test_an_empty_view_is_said_at_once_every_second_and_no_oftener(frames: list[tuple[int, bool]]) -> None:
    camera = watched(Stage(see))
    at_ms, was_occupied = 0, True
    since_said: list[int] = []  # of the run of empty frames: when it was said
    for step_ms, occupied in frames:
        at_ms += step_ms
        said = looked_at(camera, at_ms / 1000, somebody=occupied) is not None
        if occupied:
            assert said
            since_said = []
        else:
            assert said or not was_occupied, "at once"
            if said:
                since_said.append(at_ms)
            assert at_ms - since_said[-1] < 1000, "a frame a second after the last word is said"
        was_occupied = occupied
        assert all(later - earlier >= 1000 for earlier, later in pairwise(since_said)), "no oftener"


def test_an_observation_says_where_it_comes_from() -> None:
    stage = Stage(see)
    camera = watched(stage)
    said = looked_at(camera, 1, somebody=True, seq=7)
    assert said is not None
    ((opened_for, epoch),) = stage.opened
    assert opened_for == said.camera_id == "cam"
    assert said.track_epoch == epoch
    assert said.frame == FrameReference(
        topic="frames.v1", partition=3, offset=107, camera_id="cam", epoch="c1", seq=7
    )
    assert (said.captured_at, said.detected_at) == (START + timedelta(seconds=1), START)
    assert (said.width, said.height) == (32, 24)
    assert said.models == ("fake@000000000000",)
    assert said.objects == (PERSON,)


def test_stages_build_on_each_other_in_the_order_of_the_configuration() -> None:
    head = PERSON.model_copy(update={"label": "head"})
    first, second = Stage(see, ("a@1",)), Stage(lambda _c, _i: (head,), ("b@2",))
    said = looked_at(watched(first, second), 0, somebody=True)
    assert said is not None
    assert [o.label for o in said.objects] == ["person", "head"]
    assert said.models == ("a@1", "b@2")


@pytest.mark.parametrize("back_s", [0, 0.1, 29, 3600])
def test_an_old_frame_of_the_same_connection_is_old_and_nothing_else(back_s: float) -> None:
    camera = watched(Stage(see))
    looked_at(camera, 10, somebody=False)
    old = frame(1, START + timedelta(seconds=10 - back_s), epoch="c1")
    assert camera.is_old(old)
    assert not camera.is_over(old)
    with pytest.raises(ValueError, match="is not after"):
        camera.look(old, Position("frames.v1", 0, 1))
    assert not camera.is_old(frame(2, START + timedelta(seconds=10.001)))


@pytest.mark.parametrize(
    ("back", "over"),
    [
        (timedelta(0), False),
        (CLOCK_STEP - timedelta(milliseconds=1), False),
        (CLOCK_STEP, True),
        (timedelta(hours=8), True),
        (-timedelta(hours=8), False),  # forward is how time goes
    ],
)
def test_a_new_connection_far_back_in_time_ends_the_epoch(back: timedelta, over: bool) -> None:
    camera = watched(Stage(see))
    assert not camera.is_over(frame(0, START, epoch="c1"))
    looked_at(camera, 0, somebody=False)
    assert camera.is_over(frame(0, START - back, epoch="c2")) is over


def test_a_frame_that_does_not_decode_changes_nothing() -> None:
    camera = watched(Stage(see))
    later = START + timedelta(seconds=60)
    with pytest.raises(DecodeError):
        camera.look(frame(0, later, pixels=b"no picture"), Position("frames.v1", 0, 0))
    assert looked_at(camera, 1, somebody=True) is not None


def test_every_second_means_the_constant() -> None:
    assert timedelta(seconds=1) == EMPTY_EVERY  # the scripts above are written for it

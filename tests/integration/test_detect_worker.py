"""The detector worker over the real bus: nothing stale, nobody starved, every frame accounted for."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from lianfang.codec import decode_frame
from lianfang.config import Zone
from lianfang.events import DetectedObject
from tests.support.looking import PERSON, Gate, Image, Looking, frame, jpeg, looking, until


def nobody(_camera: str, _image: Image) -> tuple[()]:
    return ()


def somebody(_camera: str, _image: Image) -> tuple[DetectedObject, ...]:
    return (PERSON,)


def counts(count: Callable[[], float], wanted: float) -> bool:
    return count() == wanted


def delivered(worker: Looking, seq: int, camera: str = "cam") -> None:
    until(lambda: (camera, seq) in worker.bus.delivered, f"frame {seq} of {camera} to be waiting")


def test_under_load_the_newest_frame_wins_and_every_other_is_counted(tmp_path: Path) -> None:
    gate = Gate()
    with looking(tmp_path, gate) as worker:
        worker.bus.send(frame(0))
        gate.begun(1)
        for seq in range(1, 10):
            worker.bus.send(frame(seq))
        delivered(worker, 9)
        gate.let(2)
        first, second = worker.observations(2)
        assert gate.looking == [("cam", 0), ("cam", 9)]
        assert worker.detected() == 2
        assert worker.skipped("superseded") == 8

        # Each observation leads to the very picture that it speaks of.
        for observation, seq in ((first, 0), (second, 9)):
            assert observation.objects == (PERSON,)
            assert (observation.frame.epoch, observation.frame.seq) == ("c1", seq)
            record = worker.bus.fetch(observation.frame)
            assert decode_frame(record.value, record.headers).pixels == jpeg(seq)


def test_frames_that_the_bus_has_passed_over_are_counted_too(tmp_path: Path) -> None:
    gate = Gate()
    with looking(tmp_path, gate) as worker:
        gate.let(100)
        for seq in range(100):
            worker.bus.send(frame(seq))
        delivered(worker, 99)
        until(
            lambda: worker.detected() + worker.skipped("superseded") == 100, "100 frames to be accounted for"
        )


def test_a_frame_past_its_deadline_is_not_looked_at(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    with looking(tmp_path, somebody) as worker:
        worker.bus.send(frame(0, now - timedelta(seconds=10)))
        until(lambda: worker.skipped("late"), "the late frame to be skipped")
        worker.bus.send(frame(1))
        (observation,) = worker.observations(1)
    assert observation.frame.seq == 1
    assert (worker.detected(), worker.skipped("late")) == (1, 1)


def test_a_frame_that_does_not_decode_is_kept_and_the_next_one_looked_at(tmp_path: Path) -> None:
    broken = jpeg()[:-40]
    with looking(tmp_path, somebody) as worker:
        worker.bus.send(frame(0, pixels=broken))
        dead = worker.dead_letter()
        assert dead.key == "cam"
        assert dead.value == broken
        assert dead.headers["dead_topic"] == "frames.v1"
        assert "frame cam/c1/0 is no JPEG" in dead.headers["dead_reason"]

        # One says what is wrong; the next thousand would fill the disk. They are counted.
        for seq in (1, 2):
            worker.bus.send(frame(seq, pixels=broken))
            until(partial(counts, lambda: worker.skipped("undecodable"), seq + 1), "another broken frame")
        worker.bus.send(frame(3))
        (observation,) = worker.observations(1)
        assert observation.frame.seq == 3
        assert worker.other_dead_letters() == []
    assert worker.detected() == 1


def test_a_frame_under_the_key_of_another_camera_is_no_frame_of_either(tmp_path: Path) -> None:
    with looking(tmp_path, somebody, cameras=("cam", "other")) as worker:
        worker.bus.send(frame(0), key="other")
        dead = worker.dead_letter()
        assert "a frame of 'cam' under the key 'other'" in dead.headers["dead_reason"]
    assert worker.skipped("undecodable", "other") == 1
    assert worker.detected() == worker.detected("other") == 0


def test_a_camera_that_is_not_configured_is_counted(tmp_path: Path) -> None:
    with looking(tmp_path, somebody) as worker:
        worker.bus.send(frame(0, camera="stranger"))
        until(lambda: worker.skipped("unknown_camera", "stranger"), "it to be skipped")
        assert worker.other_dead_letters() == []


def test_a_camera_that_another_worker_had_meanwhile_begins_a_new_track_epoch(tmp_path: Path) -> None:
    with looking(tmp_path, somebody) as worker:
        worker.bus.send(frame(0))
        worker.bus.send(frame(1))
        (before,) = {o.track_epoch for o in worker.observations(1)}
        worker.bus.taken_away = True
        polls = worker.bus.polls
        until(lambda: worker.bus.polls > polls + 2, "it to see that it has lost the camera")
        worker.bus.taken_away = False
        worker.bus.send(frame(2))
        until(lambda: len(worker.stage.opened) == 2, "another track epoch")
        assert [camera for camera, _ in worker.stage.opened] == ["cam", "cam"]
        assert worker.stage.opened[1][1] != before


def test_frames_of_a_camera_that_was_lost_are_not_looked_at(tmp_path: Path) -> None:
    gate = Gate()
    with looking(tmp_path, gate) as worker:
        worker.bus.send(frame(0))
        gate.begun(1)
        worker.bus.send(frame(1))
        delivered(worker, 1)
        worker.bus.taken_away = True
        until(lambda: worker.skipped("moved") == 1, "the waiting frame to be dropped")
        gate.let(2)
    assert gate.looking == [("cam", 0)]


def test_two_cameras_share_one_thread_in_turn(tmp_path: Path) -> None:
    gate = Gate()
    with looking(tmp_path, gate, cameras=("fast", "slow")) as worker:
        worker.bus.send(frame(0, camera="fast"))
        gate.begun(1)
        for turn in range(1, 11):
            # Five of one camera come in the time of one of the other.
            for n in range(5):
                worker.bus.send(frame(5 * turn + n, camera="fast"))
            worker.bus.send(frame(turn, camera="slow"))
            delivered(worker, 5 * turn + 4, "fast")
            delivered(worker, turn, "slow")
            gate.let(1)
            gate.begun(turn + 1)
        gate.let(2)
    turns = [camera for camera, _ in gate.looking]
    for camera in ("fast", "slow"):
        assert 5 <= turns[:11].count(camera) <= 6, turns


def test_one_camera_uses_one_thread_at_a_time_and_costs_nothing_while_it_waits(tmp_path: Path) -> None:
    gate = Gate()
    with looking(tmp_path, gate, threads=4) as worker:
        worker.bus.send(frame(0))
        gate.begun(1)
        worker.bus.send(frame(1))
        delivered(worker, 1)
        polls = worker.bus.polls
        time.sleep(0.3)
        # Three threads are free, but the frame that waits must not overtake: the worker sleeps meanwhile.
        assert worker.bus.polls - polls < 60
        assert gate.looking == [("cam", 0)]
        gate.let(2)
        worker.observations(2)
    assert gate.looking == [("cam", 0), ("cam", 1)]


def test_frames_in_hand_are_finished_before_the_end(tmp_path: Path) -> None:
    gate = Gate()
    with looking(tmp_path, gate) as worker:
        worker.bus.send(frame(0))
        gate.begun(1)
        gate.let(1)
        worker.end()
        (observation,) = worker.observations(1)
    assert observation.frame.seq == 0
    assert worker.bus.closed == 1


def test_an_engine_that_fails_ends_the_worker_loudly(tmp_path: Path) -> None:
    def fails(_camera: str, _image: Image) -> tuple[()]:
        raise ZeroDivisionError("a fault of the engine")

    with looking(tmp_path, fails) as worker:
        worker.bus.send(frame(0))
        worker.ended()
    with pytest.raises(ZeroDivisionError, match="a fault of the engine"):
        raise worker.failure or AssertionError("it ended quietly")
    assert worker.bus.closed == 1


def test_a_frame_is_never_looked_at_after_a_newer_one(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    with looking(tmp_path, somebody) as worker:
        worker.bus.send(frame(5, now))
        worker.observations(1)
        worker.bus.send(frame(4, now - timedelta(milliseconds=200)))
        until(lambda: worker.skipped("old"), "the old frame to be skipped")
    assert worker.detected() == 1


def test_a_host_clock_that_is_set_right_does_not_blind_the_camera(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    with looking(tmp_path, somebody) as worker:
        worker.bus.send(frame(0, now + timedelta(hours=1), epoch="c1"))
        (ahead,) = worker.observations(1)
        # Ingest was started again after the clock had been corrected.
        worker.bus.send(frame(0, now, epoch="c2"))
        (right,) = worker.observations(1)
    assert right.captured_at < ahead.captured_at
    # Another track epoch: times within one only go forward.
    assert right.track_epoch != ahead.track_epoch
    assert [epoch for _, epoch in worker.stage.opened] == [ahead.track_epoch, right.track_epoch]


def test_an_empty_view_is_said_at_once_and_then_every_second(tmp_path: Path) -> None:
    start = datetime.now(UTC)
    with looking(tmp_path, nobody) as worker:
        for seq in range(12):
            worker.bus.send(frame(seq, start + timedelta(seconds=0.2 * seq)))
            until(partial(counts, worker.detected, seq + 1), "the frame to be looked at")
        said = worker.observations(3)
    assert [o.frame.seq for o in said] == [0, 5, 10]
    assert all(o.objects == () for o in said)


@pytest.mark.parametrize("of_places", [True, False])
def test_a_stage_of_places_begins_anew_where_a_zone_is_redrawn(tmp_path: Path, of_places: bool) -> None:
    begun = datetime.now(UTC)
    with looking(tmp_path, somebody) as worker:
        if of_places:
            worker.stage.open_at = lambda _camera, *where: worker.stage.open(*where)  # type: ignore[attr-defined]
        plain = worker.config.cameras["cam"]
        drawn = plain.model_copy(update={"zones": {"water": Zone(polygon=((0, 0), (1, 0), (1, 1)))}})
        later = [plain, drawn, drawn.model_copy(update={"name": "另一个名字"})]
        for seq, camera in enumerate([*later, drawn.model_copy(update={"enabled": False})]):
            worker.in_force = worker.config.model_copy(update={"cameras": {"cam": camera}})
            worker.bus.send(frame(seq, begun + timedelta(milliseconds=10 * seq)))
            if camera.enabled:
                (observation,) = worker.observations(1)
                assert observation.frame.seq == seq
        until(lambda: worker.skipped("unknown_camera"), "the frame of a camera that is off to be skipped")
        assert len(worker.stage.opened) == (2 if of_places else 1)

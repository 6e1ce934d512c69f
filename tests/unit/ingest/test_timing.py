from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.timing import (
    MAX_LATE_S,
    MIN_STEP,
    SLEW,
    WINDOW_S,
    ArrivalTiming,
    CaptureTimes,
    HostTime,
    StreamTiming,
)

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
ROUNDING_S = 1e-4


class SteppingClock:
    """A clock whose wall time a test may also set back."""

    def __init__(self) -> None:
        self.passed_s = 0.0
        self.wall = NOON

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.passed_s

    def advance(self, seconds: float, step_s: float = 0.0) -> None:
        """Let ``seconds`` pass and set the wall clock by ``step_s``."""
        self.passed_s += seconds
        self.wall += timedelta(seconds=seconds + step_s)


def since_noon_s(moment: datetime) -> float:
    return (moment - NOON).total_seconds()


seconds = st.floats(0, 30)
steps = st.sampled_from([0.0, 0.0, 0.0, -3600.0, -0.01, 0.5, 3600.0, -86400.0])
stamps = st.none() | st.floats(-1e7, 1e7)
pictures = st.lists(st.tuples(seconds, steps, stamps, st.booleans()), max_size=60)


@settings(deadline=None)
@given(pictures)
def test_captured_at_always_grows(sequence: list[tuple[float, float, float | None, bool]]) -> None:
    """Whatever the clock, the time stamps and the connection do."""
    clock = SteppingClock()
    host = HostTime(clock)
    times, timing = CaptureTimes(NOON - timedelta(hours=1)), ArrivalTiming(host)
    last = NOON - timedelta(hours=1)
    for passed_s, step_s, pts_s, reconnects in sequence:
        clock.advance(passed_s, step_s)
        if reconnects:
            timing = ArrivalTiming(host)
        moment = times.next(timing.taken_at(pts_s))
        assert moment >= last + MIN_STEP
        assert moment.utcoffset() == timedelta(0)
        last = moment


@settings(deadline=None)
@given(st.lists(st.tuples(seconds, stamps), min_size=1, max_size=60))
def test_captured_at_stays_near_the_arrival(sequence: list[tuple[float, float | None]]) -> None:
    clock = SteppingClock()
    timing = ArrivalTiming(HostTime(clock))
    for passed_s, pts_s in sequence:
        clock.advance(passed_s)
        early_s = clock.passed_s - since_noon_s(timing.taken_at(pts_s))
        assert -ROUNDING_S <= early_s <= MAX_LATE_S + ROUNDING_S


@settings(deadline=None)
@given(st.lists(st.floats(0, 0.5), min_size=2, max_size=200))
def test_jitter_of_the_arrival_leaves_the_spacing_alone(delays_s: list[float]) -> None:
    clock = SteppingClock()
    timing = ArrivalTiming(HostTime(clock))
    interval_s, arrived_s, taken = 0.02, 0.0, []
    for i, delay_s in enumerate([0.0, *delays_s]):
        arrived_s = max(arrived_s, i * interval_s + delay_s)
        clock.advance(arrived_s - clock.passed_s)
        taken.append(since_noon_s(timing.taken_at(i * interval_s)))
    assert taken == pytest.approx([i * interval_s for i in range(len(taken))], abs=ROUNDING_S)


@pytest.mark.parametrize("rate", [0.96, 0.9999, 1.0001, 1.04])
def test_a_camera_clock_that_runs_wrong_does_not_drift_away(rate: float) -> None:
    clock = SteppingClock()
    timing = ArrivalTiming(HostTime(clock))
    worst_s = 0.0
    for i in range(20_000):
        clock.advance(0.1)
        worst_s = max(worst_s, clock.passed_s - since_noon_s(timing.taken_at(i * 0.1 * rate)))
    assert worst_s <= abs(1 - rate) * 2.1 * WINDOW_S + ROUNDING_S


@pytest.mark.parametrize(
    "jump_s",
    [
        -5000.0,  # the camera restarted its counter
        5000.0,  # its clock was set
        -2.5,  # just beyond what counts as late
    ],
)
def test_time_stamps_that_jump_are_laid_on_the_clock_anew(jump_s: float) -> None:
    clock = SteppingClock()
    timing = ArrivalTiming(HostTime(clock))
    for i in range(100):
        clock.advance(0.04)
        pts_s = i * 0.04 + (jump_s if i >= 50 else 0.0)
        assert since_noon_s(timing.taken_at(pts_s)) == pytest.approx(clock.passed_s, abs=ROUNDING_S)


def test_a_delayed_picture_keeps_the_time_it_was_taken() -> None:
    clock = SteppingClock()
    timing = ArrivalTiming(HostTime(clock))
    timing.taken_at(0.0)
    clock.advance(1.5)  # the network stalls, then five pictures come at once
    assert [since_noon_s(timing.taken_at(i * 0.3)) for i in range(1, 6)] == pytest.approx(
        [0.3, 0.6, 0.9, 1.2, 1.5], abs=ROUNDING_S
    )


def test_a_wall_clock_set_back_slows_time_but_never_stops_it() -> None:
    clock = SteppingClock()
    host = HostTime(clock)
    clock.advance(1, step_s=-60)
    before = host.now()
    clock.advance(100)
    assert (host.now() - before).total_seconds() == pytest.approx(100 * (1 - SLEW))
    clock.advance(60 / SLEW)
    assert since_noon_s(host.now()) == pytest.approx(since_noon_s(clock.now()), abs=ROUNDING_S)


def test_a_wall_clock_set_forward_is_followed_at_once() -> None:
    clock = SteppingClock()
    host = HostTime(clock)
    clock.advance(1, step_s=3600)
    assert since_noon_s(host.now()) == pytest.approx(3601, abs=ROUNDING_S)


def test_stream_timing_counts_from_the_first_time_stamp() -> None:
    timing = StreamTiming(NOON)
    assert timing.now() == NOON
    moments = [timing.taken_at(pts_s) for pts_s in (5.0, 5.04, None, 65.0)]
    assert [since_noon_s(m) for m in moments] == pytest.approx([0, 0.04, 0.04, 60])
    assert timing.now() == moments[-1]


def test_times_go_on_from_what_was_published_before() -> None:
    times = CaptureTimes(NOON)
    assert times.next(NOON - timedelta(days=1)) == NOON + MIN_STEP
    assert times.next(NOON + timedelta(seconds=1)) == NOON + timedelta(seconds=1)

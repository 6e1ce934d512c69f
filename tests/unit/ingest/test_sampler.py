from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.sampler import Sampler

START = datetime(2025, 3, 1, tzinfo=UTC)
SPAN_S = 60


def taken(sampler: Sampler, times_s: list[float]) -> list[float]:
    return [t for t in times_s if sampler.takes(START + timedelta(seconds=t))]


def source(fps: float, jitter_s: float = 0.0) -> list[float]:
    rng = random.Random(7)  # noqa: S311 - a test repeats itself
    return [i / fps + rng.uniform(-jitter_s, jitter_s) for i in range(round(SPAN_S * fps))]


@pytest.mark.parametrize(
    ("source_fps", "fps", "jitter_s", "expected_fps"),
    [
        (25, 5, 0, 5),
        (25, 5, 0.015, 5),  # less than half an interval: the same pictures
        (10, 10, 0, 10),
        (10, 10, 0.04, 10),  # equal rates do not beat
        (12.5, 5, 0, 5),
        (12.5, 5, 0.01, 5),
        (25, 10, 0, 10),
        (10, 5, 0.02, 5),
        (30, 25, 0.005, 25),
        (15, 10, 0.005, 10),
        (25, 24, 0, 24),
        (25, 0.2, 0.005, 0.2),
        (5, 10, 0.05, 5),  # a slow source: everything it gives
        (29.97, 30, 0, 29.97),
        (30.1, 30, 0.005, 30),  # one in 300 is too many
    ],
)
def test_rate(source_fps: float, fps: float, jitter_s: float, expected_fps: float) -> None:
    kept = taken(Sampler(fps), source(source_fps, jitter_s))
    assert abs(len(kept) - expected_fps * SPAN_S) <= 1


def test_25_to_5_takes_every_fifth() -> None:
    times_s = source(25)
    assert taken(Sampler(5), times_s) == times_s[::5]


def test_10_to_10_takes_all() -> None:
    times_s = source(10, jitter_s=0.04)
    assert taken(Sampler(10), times_s) == times_s


@pytest.mark.parametrize(("source_fps", "fps"), [(12.5, 5), (25, 10), (30, 25), (25, 3)])
def test_pictures_lie_within_half_an_interval_of_their_due_time(source_fps: float, fps: float) -> None:
    kept = taken(Sampler(fps), source(source_fps))
    assert all(abs(t - i / fps) <= 0.5 / source_fps + 1e-6 for i, t in enumerate(kept))


@settings(deadline=None)
@given(
    st.floats(0.2, 30),
    st.lists(st.floats(0.001, 3), min_size=1, max_size=300),
)
def test_never_more_than_fps(fps: float, steps_s: list[float]) -> None:
    """Whatever the source does, a span holds at most one early and one late picture more than it should."""
    times_s = list(accumulate(steps_s))
    kept = taken(Sampler(fps), times_s)
    for i in range(len(kept)):
        for j in range(i + 1, len(kept)):
            assert j - i + 1 <= (kept[j] - kept[i]) * fps + 3


def test_after_a_gap_the_next_picture_is_taken() -> None:
    assert taken(Sampler(5), [0, 0.04, 0.08, 100, 100.04, 100.2]) == [0, 100, 100.2]

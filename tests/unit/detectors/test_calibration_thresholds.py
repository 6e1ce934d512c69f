"""Thresholds from negatives: alarms of a track worked out by hand, exact intervals, what is chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from detectors.engines.base import Detections
from detectors.evaluation import thresholds
from detectors.evaluation.thresholds import Seen, alarms, negatives, of_group, poisson_interval


def film(confidences: Sequence[Sequence[float]]) -> Iterator[tuple[float, Detections]]:
    """Yield five pictures a second of things that stand side by side; 0 is one that is not found."""
    for i, row in enumerate(confidences):
        found = [(0.2 * j, c) for j, c in enumerate(row) if c]
        found.sort(key=lambda one: -one[1])
        yield (
            i / 5,
            Detections(
                np.array([(x, 0.3, x + 0.1, 0.6) for x, _ in found], np.float32).reshape(-1, 4),
                np.array([c for _, c in found], np.float32),
                np.zeros(len(found), np.int64),
            ),
        )


@pytest.mark.parametrize(
    ("confidences", "strengths"),
    [
        # Three in a row count as the weakest of them does.
        ([[0.9], [0.6], [0.8]], [0.6]),
        # The best three of a longer run.
        ([[0.5], [0.9], [0.6], [0.8], [0.7], [0.5]], [0.6]),
        ([[0.9], [0.9]], []),
        # Not in a row: the track lives on, the count begins anew.
        ([[0.9], [0.9], [0.0], [0.9], [0.9]], []),
        # Two things, of which one is too weak to begin a track.
        ([[0.9, 0.3], [0.9, 0.3], [0.9, 0.3]], [0.9]),
        ([[0.9, 0.5], [0.9, 0.5], [0.9, 0.5]], [0.5, 0.9]),
        ([[], []], []),
    ],
)
def test_what_is_an_alarm(confidences: list[list[float]], strengths: list[float]) -> None:
    found, seconds = alarms(film(confidences), ("person",))
    assert sorted(found) == pytest.approx(strengths)
    assert seconds == pytest.approx(len(confidences) / 5)


@pytest.mark.parametrize(
    ("count", "low", "high"),
    # Garwood's table; for none the rule of three.
    [(0, 0.0, 2.996), (1, 0.0253, 5.572), (4, 1.090, 10.242), (20, 12.217, 30.888)],
)
def test_the_interval_of_a_count(count: int, low: float, high: float) -> None:
    assert poisson_interval(count) == pytest.approx((low, high), abs=0.001)


def test_the_least_confidence_without_anything_false_is_chosen() -> None:
    found = of_group("person", Seen([0.31, 0.52], 3600.0, [0.0, 0.1, 0.48, 0.3]))
    assert found["thresholds.person_confidence"].value == 0.55
    rate = found["thresholds.person_alarms_per_day"]
    assert (rate.value, rate.count) == (24.0, 1)
    there = found["thresholds.person_alarms_per_day_there"]
    assert there.value == 0
    assert there.interval == pytest.approx((0.0, 2.996 * 24), abs=0.01)
    assert found["thresholds.person_false_views"].value == 0.25
    assert found["thresholds.person_false_views_there"].value == 0.0


def test_one_a_day_is_allowed_where_days_were_watched() -> None:
    found = of_group("person", Seen([0.31, 0.52], 2 * 86400.0, []))
    assert found["thresholds.person_confidence"].value == 0.2
    assert "thresholds.person_false_views" not in found


def test_nothing_is_chosen_where_something_is_false_at_any_confidence() -> None:
    found = of_group("person", Seen([], 0.0, [0.99, 0.0]))
    assert found.keys() == {"thresholds.person_false_views"}


def test_a_site_names_its_own_clips(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    file = tmp_path / "clips" / "without.jsonl"
    file.write_text('{"file": "night.mp4", "labels": ["person", "car"]}\n')
    assert negatives(tmp_path)["night.mp4"] == ("person", "car")
    assert negatives(tmp_path)["video.avi"] == ("person",)
    file.write_text('{"file": "night.mp4"}\n')
    with pytest.raises(ValueError, match=r"without\.jsonl:1: want .*labels"):
        negatives(tmp_path)


def test_a_folder_without_any_is_no_part(tmp_path: Path) -> None:
    assert thresholds.evaluate(tmp_path, None) is None

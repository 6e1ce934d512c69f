"""The labels agree with themselves: what was counted on the pictures is what the visits say."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from shapely import Polygon

from tests.truth.labels import Span, Truth, Visit, load


@pytest.fixture(scope="module")
def truth() -> Truth:
    return load()


def _moments(truth: Truth) -> list[float]:
    frames = round((truth.clip.to_s - truth.clip.from_s) * truth.clip.fps)
    return [truth.clip.from_s + frame / truth.clip.fps for frame in range(frames)]


def test_zone_is_a_simple_polygon_inside_the_picture(truth: Truth) -> None:
    polygon = Polygon(truth.zone.polygon)
    assert polygon.is_valid
    assert polygon.area > 0
    assert all(0 <= value <= 1 for point in truth.zone.polygon for value in point)


def test_visits_lie_in_the_clip_in_order_and_nobody_is_inside_twice(truth: Truth) -> None:
    assert [v.enter_s for v in truth.visits] == sorted(v.enter_s for v in truth.visits)
    for visit in truth.visits:
        assert truth.clip.from_s <= visit.enter_s < visit.leave_s <= truth.clip.to_s
        assert not visit.still_inside or visit.leave_s == truth.clip.to_s
    for at_s in _moments(truth):
        assert len(truth.inside(at_s)) == len(set(truth.inside(at_s)))


def test_totals_counted_on_the_pictures_are_those_of_the_visits(truth: Truth) -> None:
    assert truth.counted.persons == len({v.person for v in truth.visits})
    assert truth.counted.visits == len(truth.visits)
    assert truth.counted.most_at_once == max(len(truth.inside(at_s)) for at_s in _moments(truth))


def test_empty_intervals_are_the_moments_with_nobody_inside(truth: Truth) -> None:
    for at_s in _moments(truth):
        assert any(start <= at_s < end for start, end in truth.empty) == (not truth.inside(at_s)), at_s


@pytest.mark.parametrize(
    ("closing_gap_s", "incidents"),
    [
        (0.0, 7),  # every emptiness ends one
        (3.0, 3),  # the longest emptiness inside one is 2.7 s: see README on how near that is to 3
        (5.0, 3),
        (120.0, 1),  # the longest emptiness is 13.6 s
    ],
)
def test_incidents_of_a_closing_gap(truth: Truth, closing_gap_s: float, incidents: int) -> None:
    assert len(truth.occupancies(closing_gap_s)) == incidents


def test_occupancy_spans_a_visit_that_lies_inside_another(truth: Truth) -> None:
    assert truth.occupancies()[-1] == Span(46.7, 60.0)  # 50.2-51.6 lies inside 48.4-60


def test_a_change_is_near_within_the_tolerance_and_the_end_of_the_labels_is_none(truth: Truth) -> None:
    assert truth.near_change(1.7)
    assert not truth.near_change(2.5)
    assert not truth.near_change(59.9)


def test_a_visit_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValidationError, match="not after entering"):
        Visit(person=1, enter_s=2.0, leave_s=2.0, inset_px=5, note="")

"""What is said of people at the water: in it, still, alone, of a child's size."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.stages.river import Config, build
from lianfang.errors import ConfigError
from lianfang.events import DetectedObject
from tests.support.configs import SQUARE, loaded
from tests.unit.detectors.river import (
    BANK,
    PICTURE,
    START,
    WATER,
    WATER_END,
    always,
    opened,
    person,
    play,
)

NAMES = ("in_water", "still", "alone", "child_size")
ONLY_WATER: dict[str, object] = {"river": WATER}
ALL_WATER: dict[str, object] = {"pool": {"kind": "water", "polygon": [[0, 0], [1, 0], [1, 1], [0, 1]]}}


def said(told: Sequence[DetectedObject], name: str, n: int = 0) -> Any:  # noqa: ANN401
    return told[n].attributes[name]


def head(foot_y: float) -> DetectedObject:
    return person(0.5, foot_y, 0.28, square=1.0)


@pytest.mark.parametrize(
    ("zones", "who", "expected"),
    [
        (None, person(0.5, 0.5), True),
        (None, person(0.5, 0.9), False),
        # A head and shoulders at the water's edge, where the drawing may be a little off.
        (ONLY_WATER, head(WATER_END + 0.01), True),
        (ONLY_WATER, person(0.5, WATER_END + 0.01, 0.6, square=0.7), False),
        (ONLY_WATER, person(0.5, WATER_END + 0.03), False),
        # Not far from it, and not where the bank is drawn.
        (ONLY_WATER, head(0.95), False),
        (None, head(WATER_END + 0.01), False),
        # Too broad to be one: a row of people, or a thing.
        (ONLY_WATER, person(0.5, WATER_END + 0.01, 0.28, square=4.0), False),
        (ALL_WATER, person(0.5, 0.5), True),
        ({}, person(0.5, 0.5), False),
    ],
)
def test_in_water(zones: dict[str, object] | None, who: DetectedObject, expected: bool) -> None:
    told = opened(zones).look(PICTURE, START, (who,))
    assert said(told, "in_water") is expected
    assert 0.5 <= told[0].attributes["in_water_confidence"] <= 1


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (person(0.5, 0.5), True),
        (person(0.5, WATER_END + 0.01, 0.28, square=1.1), True),
        (person(0.5, WATER_END + 0.01, 0.6, square=0.7), False),
        (person(0.5, WATER_END + 0.03), False),
    ],
)
def test_in_water_without_calibration(who: DetectedObject, expected: bool) -> None:
    told = opened(ONLY_WATER, calibrated=False).look(PICTURE, START, (who,))
    assert said(told, "in_water") is expected


def test_the_farther_in_the_surer_and_the_less_to_be_seen_the_surer() -> None:
    camera = opened(ONLY_WATER)

    def sure(who: DetectedObject) -> float:
        told = camera.look(PICTURE, START, (who,))
        return float(told[0].attributes["in_water_confidence"])

    depths = [sure(person(0.5, y)) for y in (0.699, 0.69, 0.68, 0.66, 0.5)]
    assert depths == sorted(depths)
    assert depths[0] == pytest.approx(0.5, abs=0.02)
    assert depths[-1] == 1
    assert sure(person(0.5, 0.69)) < sure(head(0.69)) == 1


def test_a_zone_drawn_to_the_edge_goes_on_beyond_it() -> None:
    told = opened(ONLY_WATER).look(PICTURE, START, (person(0.012, 0.5),))
    assert said(told, "in_water_confidence") == 1


def test_who_is_cut_off_by_the_edge_does_not_only_show_a_head() -> None:
    beside: dict[str, object] = {"left": {"kind": "water", "polygon": [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]}}
    whole, cut = (person(0.51, foot_y, 0.28, square=1.1) for foot_y in (0.9, 1.0))
    assert said(opened(beside, calibrated=False).look(PICTURE, START, (whole,)), "in_water") is True
    assert said(opened(beside, calibrated=False).look(PICTURE, START, (cut,)), "in_water") is False


@pytest.mark.parametrize("fps", [1.0, 5.0])
def test_still_is_who_has_not_moved_in_the_water_for_long_enough(fps: float) -> None:
    def scene(t: float) -> list[DetectedObject]:
        x = 0.3 + 0.02 * min(t, 10.0) + (0.004 if round(t * fps) % 2 else 0.0)
        return [person(x, 0.5)]

    found = {t: said(told, "still") for t, told in play(opened(), scene, 30, fps=fps).items()}
    first = min(t for t, still in found.items() if still)
    # It has moved by less than .3 of its height (.06 of .2) since about 8 s.
    assert 18 <= first <= 20 + 1 / fps
    assert all(found[t] for t in found if t >= first)


def test_still_begins_in_the_water_and_ends_with_a_move() -> None:
    camera = opened()
    on_the_bank = play(camera, always(person(0.5, 0.9)), 40)
    assert not any(said(told, "still") for told in on_the_bank.values())
    in_it = play(camera, always(person(0.5, 0.6)), 60, from_s=40.2)
    assert min(t for t, told in in_it.items() if said(told, "still")) == pytest.approx(50.2)
    assert said(in_it[max(in_it)], "still_confidence") > 0.9
    moved = camera.look(PICTURE, START + timedelta(seconds=60.4), (person(0.6, 0.6),))
    assert said(moved, "still") is False


def test_time_without_pictures_is_not_time_of_keeping_still() -> None:
    camera = opened()
    play(camera, always(person(0.5, 0.5)), 5)
    later = play(camera, always(person(0.5, 0.5)), 45, from_s=30)
    assert min(t for t, told in later.items() if said(told, "still")) == pytest.approx(40)
    assert min(t for t, told in later.items() if said(told, "alone")) == pytest.approx(45)


@pytest.mark.parametrize(
    ("other", "alone"),
    [
        (None, True),
        (person(0.6, 0.5, track="e:2"), False),
        (person(0.95, 0.9, track="e:2"), False),  # .9 away, and there a grown-up is .4
        (person(0.95, 0.5, track="e:2"), False),  # .8 away, and a grown-up is .2: 4 of them
        (person(0.5, 0.5, track="e:2", label="boat"), True),
        (person(0.6, 0.5, track=None), True),  # not confirmed: may be a reflection
    ],
)
def test_alone_is_who_has_nobody_near(other: DetectedObject | None, alone: bool) -> None:
    people = [person(0.5, 0.5), *([other] if other else [])]
    found = play(opened(), always(*people), 20)
    assert said(found[14.8], "alone") is False
    assert said(found[15.0], "alone") is alone
    assert said(found[20.0], "alone_confidence") > 0.6


def test_far_away_is_not_near_and_company_counts_from_when_it_left() -> None:
    camera = opened(alone_heights=2)
    far = play(camera, always(person(0.2, 0.5), person(0.8, 0.5, track="e:2")), 16)
    assert said(far[16.0], "alone", 0) is said(far[16.0], "alone", 1) is True
    near = play(camera, always(person(0.2, 0.5), person(0.25, 0.5, track="e:2")), 17, from_s=16.2)
    assert said(near[16.2], "alone") is False
    gone = play(camera, always(person(0.2, 0.5)), 40, from_s=17.2)
    assert min(t for t, told in gone.items() if said(told, "alone")) == pytest.approx(32, abs=0.21)


@pytest.mark.parametrize(
    ("size", "square", "child"),
    [(0.6, 0.4, True), (0.72, 0.4, True), (0.8, 0.4, False), (1.05, 0.3, False), (0.6, 0.8, "unknown")],
)
def test_a_childs_size_is_measured_against_a_grown_up_at_that_place(
    size: float, square: float, child: bool | str
) -> None:
    for foot_y in (0.75, 0.9):
        found = play(opened(), always(person(0.5, foot_y, size, square=square)), 2)
        assert said(found[0.2], "child_size") == "unknown", "too few looks"
        assert said(found[0.2], "child_size_confidence") == 0.5
        assert said(found[2.0], "child_size") == child


def test_a_childs_size_is_unknown_without_calibration_and_where_it_is_cut_off() -> None:
    uncalibrated = play(opened(calibrated=False), always(person(0.5, 0.8, 0.5)), 3)
    assert said(uncalibrated[3.0], "child_size") == "unknown"
    for cut in (person(0.01, 0.8, 0.6), person(0.5, 1.0, 0.6)):
        assert said(play(opened(), always(cut), 3)[3.0], "child_size") == "unknown"


def test_who_bends_down_is_no_child_and_a_child_stays_one_in_the_water() -> None:
    def bending(t: float) -> list[DetectedObject]:
        return [person(0.5, 0.8, 1.0 if round(t * 5) % 3 == 0 else 0.65, square=0.5)]

    assert said(play(opened(), bending, 5)[5.0], "child_size") is False
    camera = opened()
    play(camera, always(person(0.5, 0.8, 0.6)), 3)
    wet = play(camera, always(person(0.5, 0.6, 0.3, square=1.0)), 6, from_s=3.2)
    assert said(wet[max(wet)], "in_water") is True
    assert said(wet[max(wet)], "child_size") is True


def test_a_grown_up_up_to_the_waist_is_no_child() -> None:
    found = play(opened(), always(person(0.5, 0.5, 0.55)), 5)
    assert said(found[5.0], "child_size") == "unknown"


def test_only_tracked_people_are_told_of_and_nothing_else_is_changed() -> None:
    boat = person(0.2, 0.5, track="e:7", label="boat")
    nobody = person(0.4, 0.5, track=None)
    with_helmet = person(0.5, 0.5).model_copy(update={"attributes": {"helmet": "unknown"}})
    told = opened().look(PICTURE, START, (boat, nobody, with_helmet))
    assert told[:2] == (boat, nobody)
    assert told[2].attributes["helmet"] == "unknown"
    assert set(told[2].attributes) == {"helmet", *NAMES, *(f"{name}_confidence" for name in NAMES)}


def test_it_has_no_model_and_without_a_camera_nobody_is_in_the_water() -> None:
    stage = build(Config(kind="river"), None)
    assert stage.models == ()
    told = stage.open("cam", "e").look(PICTURE, START, (person(0.5, 0.5),))
    assert said(told, "in_water") is False


COORDINATE = st.integers(0, 20).map(lambda n: n / 20)
BOX = st.tuples(COORDINATE, COORDINATE, COORDINATE, COORDINATE).map(
    lambda c: (min(c[0], c[2]), min(c[1], c[3]), max(c[0], c[2]), max(c[1], c[3]))
)
OBJECT = st.builds(
    DetectedObject,
    track_id=st.sampled_from([None, "e:1", "e:2", "e:3"]),
    label=st.sampled_from(["person", "boat"]),
    confidence=st.just(0.5),
    xyxyn=BOX,
    attributes=st.just({}),
)
LOOKS = st.lists(
    st.tuples(
        st.sampled_from([0.2, 1.0, 4.0, 20.0]),
        st.lists(OBJECT, max_size=3, unique_by=lambda o: o.track_id or id(o)),
    ),
    max_size=25,
)


@settings(max_examples=40, deadline=None)
@given(looks=LOOKS, calibrated=st.booleans())
def test_any_boxes_give_the_same_when_they_are_played_again(
    looks: list[tuple[float, list[DetectedObject]]], calibrated: bool
) -> None:
    runs: list[list[tuple[DetectedObject, ...]]] = []
    for _ in range(2):
        camera, at = opened(calibrated=calibrated, vanish_s=2), START
        told = []
        for step_s, objects in looks:
            at += timedelta(seconds=step_s)
            told.append(camera.look(PICTURE, at, tuple(objects)))
        runs.append(told)
    assert runs[0] == runs[1]
    for (_, objects), seen in zip(looks, runs[0], strict=True):
        assert [o.xyxyn for o in seen[: len(objects)]] == [o.xyxyn for o in objects]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ([("cameras.cam.zones.water.kind", "bank")], "camera cam, which has no zone of kind: water"),
        ([("cameras.cam.detectors", ["river", "objects"])], "['person']"),
        ([("detectors.objects.labels", ["boat"]), ("rules.entry.labels", ["boat"])], "['person']"),
    ],
)
def test_a_camera_that_cannot_use_it_is_refused(
    tmp_path: Path, changes: list[tuple[str, Any]], found: str
) -> None:
    good: list[tuple[str, Any]] = [
        ("detectors.river", {"kind": "river"}),
        ("cameras.cam.detectors", ["objects", "river"]),
        ("cameras.cam.zones.water.kind", "water"),
        ("cameras.cam.zones.path", {"polygon": SQUARE, "kind": BANK["kind"]}),
    ]
    config = loaded(
        tmp_path, *good, ("rules.entry.cameras", ["cam"]), ("rules.entry.labels", ["vanished_in_water"])
    )
    assert isinstance(config.detectors["river"], Config)
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, *good, *changes)
    assert any(found in problem.found for problem in caught.value.problems)

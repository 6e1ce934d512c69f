"""Left objects in real pictures: traffic raises nothing, bags that are put into a real street are found."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.evaluation.bags import PLACES, Outcome, Shown, bags, found, street
from detectors.evaluation.base import Figure
from detectors.evaluation.expected import Expected
from detectors.evaluation.garbage import Event, Played, evaluate, play, report
from detectors.evaluation.media import pictures, sample
from detectors.stages.garbage import Config, build

DATA = Path(__file__).parents[4] / "shared" / "data"
STAGE = build(Config(kind="garbage", confirm="none"), None)


def require(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"{path.name} is not on this machine")
    return path


@pytest.fixture(scope="module")
def shown() -> list[Shown]:
    """The first half minute of a real surveillance camera, with people walking whom nobody has detected."""
    return street(require(sample()), None)[::2]


def drawn_bag() -> NDArray[np.uint8]:
    """Return a black bin bag with a knot and a gleam, as one draws it."""
    bag = np.full((40, 32, 3), 25, np.uint8)
    cv2.ellipse(bag, (16, 24), (14, 15), 0, 0, 360, (45, 45, 48), -1)
    cv2.line(bag, (10, 16), (14, 30), (120, 120, 125), 2)
    cv2.circle(bag, (16, 6), 4, (60, 60, 64), -1)
    return bag


def test_a_drawn_bag_left_in_a_street_is_found_until_it_is_picked_up(shown: list[Shown]) -> None:
    left, top, height = PLACES[1]
    road = shown[0].image[top : top + height, left : left + height]  # what was there before is no bag
    assert found(shown, [drawn_bag(), road], STAGE) == ([Outcome(True, None), Outcome(False, None)], 0)


def test_real_bags_are_as_well(shown: list[Shown]) -> None:
    real = bags(require(DATA / "garbage_bags" / "train"), most=3)
    assert found(shown, real, STAGE) == ([Outcome(True, None)] * 3, 0)


@pytest.mark.parametrize("clip", ["video.avi", "video02.avi"])
def test_a_road_with_traffic_raises_nothing_even_without_boxes_of_the_vehicles(clip: str) -> None:
    (played,) = play(require(DATA / "clips" / clip), None, [STAGE])
    assert played.events == ()
    assert played.warming_s < played.seconds, "there was a time in which something could have been reported"


def test_events_that_are_not_expected_are_false() -> None:
    wanted = [
        Expected("a.avi", "left_object", 10, 40),
        Expected("b.avi", "garbage", 10, 40),
        Expected("a.avi", "zone_entry", 0, 99),
    ]
    box = (0.1, 0.1, 0.2, 0.2)
    events = [Event("a.avi", 15, box), Event("a.avi", 5, box), Event("c.avi", 15, box)]
    played = [
        Played(name, 60, 10, tuple(e for e in events if e.file == name))
        for name in ("a.avi", "b.avi", "c.avi")
    ]
    result = report(played, wanted)
    assert result.figures["garbage.false_events"] == Figure(2, 3)
    assert result.figures["garbage.watched_s"] == Figure(150, 3)
    assert [n for n in result.notes if n.startswith("false")] == [
        "false: a.avi at 5.0 s, [0.1, 0.1, 0.2, 0.2]",
        "false: c.avi at 15.0 s, [0.1, 0.1, 0.2, 0.2]",
    ]


def test_a_folder_without_clips_gives_no_figure(tmp_path: Path) -> None:
    assert evaluate(tmp_path, None) is None


def test_a_clip_that_ends_in_the_middle_is_played_to_there(tmp_path: Path) -> None:
    whole = require(DATA / "clips" / "video02.avi").read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) // 8])
    times = [at_s for at_s, _ in pictures(tmp_path / "cut.avi")]
    assert times[:3] == pytest.approx([0, 0.2, 0.4], abs=0.05)
    assert times[-1] < 10

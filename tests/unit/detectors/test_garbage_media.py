"""Left objects in real pictures: traffic raises nothing, a bag that is put into a real street is found."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.evaluation.base import Figure
from detectors.evaluation.garbage import Event, Expected, Played, evaluate, expected, pictures, play, report
from detectors.stages.garbage import LABEL, CameraGarbage, Config, build

Image = NDArray[np.uint8]
DATA = Path(__file__).parents[4] / "shared" / "data"
STREET = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lianfang" / "media" / "vtest.avi"
START = datetime(2026, 7, 1, 6, 0, tzinfo=UTC)
COMES_S, GOES_S, END_S = 14.0, 26.0, 30.0
PLACE, HEIGHT = (250, 330), 40  # on the road, pixels of 768 × 576; people are about 120 high there


def require(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"{path.name} is not on this machine")
    return path


@pytest.fixture(scope="module")
def street() -> list[tuple[float, Image]]:
    """The first half minute of a real surveillance camera, with people walking."""
    return list(takewhile(lambda p: p[0] < END_S, pictures(require(STREET))))


def drawn_bag() -> Image:
    """Return a black bin bag with a knot and a gleam, as one draws it."""
    bag = np.full((HEIGHT, 32, 3), 25, np.uint8)
    cv2.ellipse(bag, (16, 24), (14, 15), 0, 0, 360, (45, 45, 48), -1)
    cv2.line(bag, (10, 16), (14, 30), (120, 120, 125), 2)
    cv2.circle(bag, (16, 6), 4, (60, 60, 64), -1)
    return bag


def real_bag() -> Image:
    """Return the largest bag of the first labelled photo."""
    label = min(require(DATA / "garbage_bags" / "train" / "labels").glob("*.txt"))
    photo = cv2.imread(str(label.parents[1] / "images" / f"{label.stem}.jpg"))
    assert photo is not None
    boxes = [[float(v) for v in line.split()[1:5]] for line in label.read_text("utf-8").splitlines()]
    x, y, width, height = np.multiply(max(boxes, key=lambda b: b[2] * b[3]), [*photo.shape[1::-1]] * 2)
    cut = photo[
        max(0, int(y - height / 2)) : int(y + height / 2), max(0, int(x - width / 2)) : int(x + width / 2)
    ]
    size = (max(8, round(HEIGHT * cut.shape[1] / cut.shape[0])), HEIGHT)
    return cv2.resize(cut, size, interpolation=cv2.INTER_AREA).astype(np.uint8)


def put(image: Image, bag: Image) -> Image:
    """Return ``image`` with the ``bag`` standing at PLACE, its corners cut off softly."""
    height, width = bag.shape[:2]
    shape = np.zeros((height, width), np.uint8)
    cv2.ellipse(shape, (width // 2, height // 2), (width // 2, height // 2), 0, 0, 360, 255, -1)
    share = cv2.GaussianBlur(shape, (3, 3), 0)[..., None] / 255
    result = image.copy()
    window = result[PLACE[1] : PLACE[1] + height, PLACE[0] : PLACE[0] + width]
    window[:] = bag * share + window * (1 - share)
    return result


def open_camera() -> CameraGarbage:
    return build(Config(kind="garbage"), None).open("street", "e")


@pytest.mark.parametrize("bag_of", [drawn_bag, real_bag])
def test_a_bag_left_in_a_street_is_found_until_it_is_picked_up(
    street: list[tuple[float, Image]], bag_of: Callable[[], Image]
) -> None:
    bag, stage = bag_of(), open_camera()
    times: list[float] = []
    for at_s, clean in street:
        picture = put(clean, bag) if COMES_S <= at_s < GOES_S else clean
        found = [o for o in stage.look(picture, START + timedelta(seconds=at_s), ()) if o.label == LABEL]
        for thing in found:
            x_min, y_min, x_max, y_max = np.multiply(thing.xyxyn, (768, 576, 768, 576))
            assert x_min < PLACE[0] + bag.shape[1] / 2 < x_max
            assert y_min < PLACE[1] + HEIGHT / 2 < y_max
        times += [at_s] if found else []
    assert COMES_S + 5 <= min(times) <= COMES_S + 7
    assert GOES_S <= max(times) <= GOES_S + 3


@pytest.mark.parametrize("clip", ["video.avi", "video02.avi"])
def test_a_road_with_traffic_raises_nothing_even_without_boxes_of_the_vehicles(clip: str) -> None:
    played = play(require(DATA / "clips" / clip), [build(Config(kind="garbage"), None)])
    assert played.events == ()
    assert played.warming_s < played.seconds, "there was a time in which something could have been reported"


def test_events_that_are_expected_are_found_and_the_others_are_false(tmp_path: Path) -> None:
    listed = tmp_path / "events.jsonl"
    listed.write_text(
        '{"file": "a.avi", "rule": "left_object", "start_s": 10, "end_s": 40}\n'
        '{"file": "b.avi", "rule": "garbage", "start_s": 10, "end_s": 40}\n'
        '{"file": "a.avi", "rule": "zone_entry", "start_s": 0, "end_s": 99}\n',
        encoding="utf-8",
    )
    wanted = expected(listed)
    assert wanted == [Expected("a.avi", 10, 40), Expected("b.avi", 10, 40)]
    box = (0.1, 0.1, 0.2, 0.2)
    events = [Event("a.avi", 15, box), Event("a.avi", 5, box), Event("c.avi", 15, box)]
    played = [Played(name, 60, 10, ()) for name in ("a.avi", "b.avi", "c.avi")]
    result = report(played, events, wanted)
    assert result.figures["garbage.false_events"] == Figure(2, 3)
    assert (result.figures["garbage.events_found"].value, result.figures["garbage.events_found"].count) == (
        0.5,
        2,
    )
    assert [n for n in result.notes if n.startswith("false")] == [
        "false: a.avi at 5.0 s, [0.1, 0.1, 0.2, 0.2]",
        "false: c.avi at 15.0 s, [0.1, 0.1, 0.2, 0.2]",
    ]


def test_a_folder_without_clips_gives_no_figure(tmp_path: Path) -> None:
    assert evaluate(tmp_path, None) is None
    assert expected(tmp_path / "events.jsonl") == []


def test_a_clip_that_ends_in_the_middle_is_played_to_there(tmp_path: Path) -> None:
    whole = require(DATA / "clips" / "video02.avi").read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) // 8])
    shown: Iterator[tuple[float, Image]] = pictures(tmp_path / "cut.avi")
    times = [at_s for at_s, _ in shown]
    assert times[:3] == pytest.approx([0, 0.2, 0.4], abs=0.05)
    assert times[-1] < 10

"""Whether a thing that was left is a bag: when it is looked at, where, and what is said."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from detectors.garbage.background import Background
from detectors.garbage.bags import BagFinder, BagHead
from detectors.garbage.confirm import LOOKS, Confirmation, bag_confidence, square_around
from detectors.garbage.left import LeftThing
from detectors.garbage.shapes import Region
from detectors.garbage.watch import Watch
from detectors.stages.garbage import LABEL, CameraGarbage, Config, build
from lianfang.errors import ModelError
from tests.unit.detectors import bags
from tests.unit.detectors.garbage import BAG, FOUND_S, HEIGHT, START, WIDTH, Image, bag_comes, times

SIDES = 5.5  # of 16 pixels: as large as a thing is in the square around it
FREE = np.zeros((HEIGHT, WIDTH), bool)


def thing(n: int = 1, box: tuple[int, int, int, int] = BAG) -> LeftThing:
    region = Region(box, np.ones((box[3] - box[1], box[2] - box[0]), bool))
    return LeftThing(n, region, 0, Background(np.zeros((HEIGHT, WIDTH, 3), np.uint8), 0, 25), 0)


def picture(level: int, box: tuple[int, int, int, int] = BAG) -> Image:
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[box[1] : box[3], box[0] : box[2]] = level
    return image


@pytest.mark.parametrize(
    "box", [BAG, (0, 0, 14, 18), (WIDTH - 16, HEIGHT - 16, WIDTH, HEIGHT), (70, 2, 110, 42)]
)
def test_the_square_around_a_thing_lies_in_the_picture_and_the_bag_is_found_there(
    box: tuple[int, int, int, int],
) -> None:
    xyxyn = (box[0] / WIDTH, box[1] / HEIGHT, box[2] / WIDTH, box[3] / HEIGHT)
    left, top, side = square_around(picture(255, box), xyxyn)
    assert side == round(2.2 * max(box[2] - box[0], box[3] - box[1]))
    assert 0 <= left <= box[0]
    assert 0 <= top <= box[1]
    assert left + side <= WIDTH
    assert top + min(side, HEIGHT) <= HEIGHT
    assert bag_confidence(bags.finder(sides=SIDES), picture(255, box), xyxyn) > 0.9
    assert bag_confidence(bags.finder(sides=SIDES), picture(20, box), xyxyn) < 0.3


def test_a_bag_beside_the_thing_is_not_the_thing() -> None:
    beside = (BAG[0] - 18, BAG[1], BAG[2] - 18, BAG[3])
    xyxyn = (BAG[0] / WIDTH, BAG[1] / HEIGHT, BAG[2] / WIDTH, BAG[3] / HEIGHT)
    assert bag_confidence(bags.finder(sides=SIDES), picture(255, beside), xyxyn) < 0.3


def test_a_thing_is_looked_at_a_few_times_apart_and_the_mean_counts() -> None:
    backbone = bags.Brightness()
    confirmation = Confirmation(BagFinder(BagHead("0" * 64, bags.content(SIDES)), backbone))
    said = []
    for i in range(30):
        confirmation.look(picture(255 if i < 9 else 0), [thing()], FREE, i / 5)
        said.append(confirmation.of(thing())["bag"])
    assert backbone.calls == LOOKS
    assert said[0] is True
    assert said[-1] == "unknown", "two looks saw a bag, the third did not"
    assert confirmation.of(thing())["bag_confidence"] == pytest.approx(2 / 3, abs=0.05)


def test_one_look_a_picture_and_none_at_what_is_hidden() -> None:
    backbone = bags.Brightness()
    confirmation = Confirmation(BagFinder(BagHead("0" * 64, bags.content(SIDES)), backbone))
    other = thing(2, (10, 10, 30, 30))
    hidden = FREE.copy()
    hidden[60:78, 70:84] = True
    confirmation.look(picture(255), [thing(), other], hidden, 0)
    assert confirmation.of(thing()) == {"bag": "unknown", "bag_confidence": None}
    assert confirmation.of(other)["bag"] is False
    confirmation.look(picture(255), [thing(), other], FREE, 0.2)
    assert confirmation.of(thing())["bag"] is True
    assert backbone.calls == 2


@pytest.mark.parametrize(("colour", "said"), [((255, 255, 255), True), ((10, 10, 10), False)])
def test_the_stage_says_of_what_is_left_whether_it_is_a_bag(colour: tuple[int, int, int], said: str) -> None:
    config = Config(kind="garbage")
    stage = CameraGarbage(config, "cam", "e", Watch(config), Confirmation(bags.finder(sides=SIDES)))
    found = [
        stage.look(bag_comes(colour=colour)(t), START + timedelta(seconds=t), ())
        for t in times(FOUND_S + 4, 2.5)
    ]
    reported = [objects[0] for objects in found if objects]
    assert {thing.label for thing in reported} == {LABEL}
    assert {thing.attributes["bag"] for thing in reported} == {said}
    assert {"since", "before", "bag_confidence"} <= set(reported[-1].attributes)


def test_without_confirmation_no_model_is_needed(tmp_path: Path) -> None:
    stage = build(Config(kind="garbage", confirm="none"), tmp_path)
    assert stage.models == ()
    with pytest.raises(ModelError, match="lianfang models install"):
        build(Config(kind="garbage"), tmp_path)

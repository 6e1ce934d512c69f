"""What the plate stage says of plates that a reader sees where the test puts them."""

from __future__ import annotations

import json
import logging
from datetime import timedelta

import numpy as np
import pytest

from detectors.stages.plate import Config, build
from lianfang.events import DetectedObject
from lianfang.plates import KINDS
from tests.support import plates
from tests.support.seen_plates import BUS, HEIGHT, T0, WIDTH, look, opened, plate, texts, vehicle


def test_a_vehicle_is_told_with_what_its_plate_says() -> None:
    seen = opened(plate())
    person = vehicle((0.2, 0.3, 0.35, 0.9), "e:2", "person")
    first, other = look(seen, 0, vehicle(), person)
    assert first.attributes["plate_accepted"] is False, "one look is not enough"
    second, other = look(seen, 0.5, vehicle(), person)
    assert other == person, "nobody carries a plate"
    assert second.model_copy(update={"attributes": {"other": 1}}) == vehicle()
    assert second.attributes == {
        "other": 1,
        "plate": "粤T12345",
        "plate_colour": "blue",
        "plate_kind": "ordinary",
        "plate_confidence": 0.97,
        "plate_accepted": True,
        "plate_candidates": [{c: 0.97} for c in "粤T12345"],
    }
    assert json.loads(second.model_dump_json()) == json.loads(
        DetectedObject.model_validate_json(second.model_dump_json()).model_dump_json()
    )


def test_a_plate_hidden_in_later_looks_is_still_known_until_the_vehicle_is_gone() -> None:
    seen = opened(plate())
    look(seen, 0, vehicle())
    seen.plates = ()
    for s in range(1, 120, 10):
        (car,) = look(seen, s, vehicle())
    assert texts([car]) == ["粤T12345"]
    look(seen, 200)
    assert texts(look(seen, 201, vehicle())) == [None]


def test_tracks_do_not_vote_for_each_other_and_a_nearer_vehicle_owns_the_plate() -> None:
    car, bus = vehicle(), vehicle(BUS, "e:2", "bus")
    seen = opened(plate())
    assert texts(look(seen, 0, bus, car)) == [None, "粤T12345"]
    seen.plates = (plate("粤A00001", (0.5, 0.85)),)
    assert texts(look(seen, 1, bus, car)) == ["粤A00001", "粤T12345"]


def test_blurred_looks_yield_to_clear_ones() -> None:
    seen = opened(plate("粤T1234S", confidence=0.6, width_px=40))
    for i in range(3):
        (car,) = look(seen, i, vehicle())
    assert texts([car]) == ["粤T1234S"]
    assert not car.attributes["plate_accepted"]
    seen.plates = (plate(width_px=140),)
    for i in range(3, 9):
        (car,) = look(seen, i, vehicle())
    assert texts([car]) == ["粤T12345"]
    assert car.attributes["plate_accepted"]
    assert list(car.attributes["plate_candidates"][6]) == ["5", "S"]


def test_two_plates_that_are_sure_on_one_track_are_for_a_person() -> None:
    seen = opened(plate())
    look(seen, 0, vehicle())
    look(seen, 1, vehicle())
    seen.plates = (plate("粤T12346"),)
    (car,) = look(seen, 3, vehicle())
    assert texts([car]) == ["粤T12345"]
    assert not car.attributes["plate_accepted"]


def test_what_is_no_plate_s_text_is_no_plate() -> None:
    seen = opened(plate("BYD123"), without_vehicle=True)
    assert look(seen, 0, vehicle()) == (vehicle(),)
    assert seen.looks == 1


def test_a_vehicle_without_a_number_gets_its_plate_with_it() -> None:
    seen = opened(plate())
    assert look(seen, 0, vehicle(track=None)) == (vehicle(track=None),)
    assert texts(look(seen, 1, vehicle())) == ["粤T12345"]


def test_a_plate_on_no_vehicle_is_an_object_of_its_own() -> None:
    far = plate("粤B00001", (0.9, 0.5))
    seen = opened(plate(), far, without_vehicle=True)
    car, alone = look(seen, 0, vehicle())
    assert texts([car, alone]) == ["粤T12345", "粤B00001"]
    assert (alone.label, alone.track_id) == ("plate", "e:plate1")
    assert alone.confidence == pytest.approx(0.97)
    assert alone.xyxyn == pytest.approx((675 / WIDTH, 185 / HEIGHT, 765 / WIDTH, 215 / HEIGHT))
    (_, between) = look(seen, 0.2, vehicle())
    assert between == alone, "between two looks it is where it was"
    seen.plates = (plate("粤B0000Q", (0.5, 0.5), confidence=0.5), plate("粤C99999", (0.9, 0.5)))
    _, moved, new = sorted(look(seen, 0.5, vehicle()), key=lambda thing: thing.track_id or "")
    assert (moved.track_id, texts([moved])) == ("e:plate1", ["粤B00001"])
    assert (new.track_id, texts([new])) == ("e:plate2", ["粤C99999"])


def test_a_second_plate_in_a_vehicle_s_box_is_not_lost() -> None:
    second = plate("粤B00001", (0.2, 0.5), width_px=40)
    seen = opened(second, plate(width_px=120), look_every_s=0.4, settled_every_s=2)
    car, other = look(seen, 0, vehicle())
    assert texts([car, other]) == ["粤T12345", "粤B00001"]
    seen.plates = ()
    elsewhere = vehicle((0.6, 0.2, 0.9, 0.8), "e:2")
    assert look(seen, 1, elsewhere) == (elsewhere, other), "nobody looked there again"
    assert look(seen, 2.5, elsewhere) == (elsewhere,), "it may be gone"
    seen.plates = (second, plate(width_px=120))
    _, again = look(seen, 3, vehicle())
    assert (again.track_id, texts([again])) == (other.track_id, ["粤B00001"])
    seen.plates = ()
    assert len(look(seen, 5, vehicle())) == 1, "it is gone"


def test_a_gate_may_be_looked_at_without_any_vehicle() -> None:
    seen = opened(plate(), without_vehicle=True)
    look(seen, 0)
    (alone,) = look(seen, 1)
    assert alone.attributes["plate_accepted"]
    seen.plates = ()
    assert look(seen, 2) == ()
    seen.plates = (plate(),)
    (again,) = look(seen, 4)
    assert again.track_id == alone.track_id
    (late,) = look(seen, 20)
    assert late.track_id != alone.track_id, "it may be another visit"


def test_a_replay_says_the_same() -> None:
    shown = [
        (plate("粤T1234S", confidence=0.6), plate("粤B00001", (0.9, 0.5))),
        (plate(),),
        (),
        (plate("粤T12346"),),
    ]
    runs = []
    for _ in range(2):
        seen, said = opened(without_vehicle=True), []
        for i in range(20):
            seen.plates = shown[i % 4]
            said.append(look(seen, i * 0.3, vehicle()))
        runs.append(said)
    assert runs[0] == runs[1]


def test_nothing_of_a_plate_is_logged(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    seen = opened(plate(), plate("粤B00001", (0.9, 0.5)))
    for i in range(4):
        look(seen, i, vehicle())
    assert caplog.text == ""
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(not plates.HAS_FONT, reason="OpenCV before 5.0 has no font with Chinese characters")
def test_a_drawn_plate_is_read_and_accepted_by_the_installed_models() -> None:
    stage = build(Config(kind="plate", without_vehicle=True), None)
    assert len(stage.models) == 3
    camera = stage.open("cam", "e")
    drawn = plates.draw("皖A68K35", KINDS["ordinary"])
    for i in range(2):
        corners = plates.corners_at((300 + 20 * i, 200), 150, drawn, turn_deg=3)
        street = plates.place(np.full((400, 640, 3), 100, np.uint8), drawn, corners)
        told = camera.look(street, T0 + timedelta(seconds=i), ())
    (found,) = told
    assert DetectedObject.model_validate_json(found.model_dump_json()) == found
    assert texts([found]) == ["皖A68K35"]
    assert (found.attributes["plate_colour"], found.attributes["plate_kind"]) == ("blue", "ordinary")
    assert found.attributes["plate_accepted"]
    x_min, y_min, x_max, y_max = np.multiply(found.xyxyn, (640, 400, 640, 400))
    assert abs((x_min + x_max) / 2 - 320) < 10
    assert abs((y_min + y_max) / 2 - 200) < 10
    assert 130 < x_max - x_min < 180

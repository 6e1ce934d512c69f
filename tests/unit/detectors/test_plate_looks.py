"""Where and how often the plate stage looks."""

from __future__ import annotations

from tests.support.seen_plates import CAR, WIDTH, look, opened, plate, texts, vehicle


def test_it_looks_no_more_often_than_configured_and_what_is_known_stays() -> None:
    seen = opened(plate(), look_every_s=0.4, settled_every_s=0)
    said = [texts(look(seen, i / 10, vehicle())) for i in range(9)]
    assert seen.looks == 3
    assert said == [["粤T12345"]] * 9


def test_it_does_not_look_while_no_vehicle_is_there() -> None:
    seen = opened(plate())
    person = vehicle(label="person")
    assert look(seen, 0, person) == (person,)
    assert look(seen, 1) == ()
    assert seen.looks == 0
    look(seen, 1.1, vehicle())
    assert seen.looks == 1, "at once when one comes"


def test_only_vehicles_are_looked_at_and_a_little_around_them() -> None:
    seen = opened(plate(), plate("粤B00001", (0.9, 0.5)))
    (car,) = look(seen, 0, vehicle())
    assert texts([car]) == ["粤T12345"]
    assert seen.windows == [(60, 60, 340, 340)], "the box is 80 to 320 wide and as high"


def test_a_sure_plate_is_looked_at_less_often() -> None:
    seen = opened(plate(), look_every_s=0.4, settled_every_s=2)
    for i in range(50):
        look(seen, i / 10, vehicle())
    assert seen.looks == 2 + 2, "at 0 and .4 s, sure then; at 2.4 and 4.4 s again"


def test_who_stands_still_is_looked_at_less_often_until_it_moves() -> None:
    seen = opened(look_every_s=0.4, settled_every_s=2)
    for i in range(40):
        look(seen, i / 10, vehicle())
    assert seen.looks == 5 + 1, "five times without a plate, then again 2 s later"
    for i in range(40, 60):
        look(seen, i / 10, vehicle((CAR[0] + (i - 39) * 0.01, *CAR[1:])))
    assert seen.looks == 6 + 5, "whoever moves may turn the plate to the camera"


def test_of_many_vehicles_those_that_waited_longest_come_first() -> None:
    seen = opened(most_vehicles=2, look_every_s=0)
    cars = [vehicle((0.2 * i, 0.4, 0.2 * i + 0.1, 0.6), f"e:{i}") for i in range(5)]
    looked = []
    for i in range(5):
        look(seen, i, *cars)
        looked += [round(((x_min + x_max) / 2 / WIDTH - 0.05) / 0.2) for x_min, _, x_max, _ in seen.windows]
    assert looked == [0, 1, 2, 3, 4, 0, 1, 2, 3, 0]

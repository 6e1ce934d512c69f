"""Cameras that share a place share a key, and no others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianfang.config import Camera, Community, Config, Stanza, Zone
from lianfang.config.sensor import Sensor
from lianfang.config.sharing import log_keys

BANK = ((0.1, 0.1), (0.9, 0.1), (0.5, 0.9))


def camera(point: str, *places: str | None) -> Camera:
    zones = {f"z{i}": Zone(polygon=BANK, place=place) for i, place in enumerate(places)}
    return Camera(name="-", point=point, source=Stanza(), zones=zones)


def config(cameras: dict[str, Camera], **sensors: str) -> Config:
    gauges = {n: Sensor(name=n, point=point, kind="water_level") for n, point in sensors.items()}
    base = Config(community=Community(name="-"), cameras={"x": camera("p")}, detectors={"d": Stanza()})
    return base.model_copy(update={"cameras": cameras, "sensors": gauges})


def test_a_sensor_belongs_to_the_cameras_of_its_point() -> None:
    found = log_keys(config({"b": camera("p"), "c": camera("q")}, a_gauge="p", z="r"))
    assert found == {"b": "a_gauge", "a_gauge": "a_gauge", "c": "c", "z": "z"}


def test_cameras_of_one_uplink_are_lost_together() -> None:
    one, other = (camera(point).model_copy(update={"uplink": "mast"}) for point in "pq")
    assert log_keys(config({"b": one, "c": other})) == {"b": "b", "c": "b"}


@pytest.mark.parametrize(
    ("cameras", "keys"),
    [
        # Alone: its own id.
        ({"b": camera("p"), "a": camera("q")}, {"a": "a", "b": "b"}),
        # Two cameras of a point: what one sees, the other's incident is about.
        ({"b": camera("p", None), "a": camera("p")}, {"a": "a", "b": "a"}),
        # Zones of two points that are one place.
        ({"b": camera("p", "pool"), "c": camera("q", None, "pool")}, {"b": "b", "c": "b"}),
        # A place may be called as a point is.
        ({"b": camera("p"), "c": camera("q", "p")}, {"b": "b", "c": "b"}),
        # Through a third.
        (
            {"c": camera("p", "x"), "b": camera("q", "x", "y"), "a": camera("r", "y"), "d": camera("s")},
            {"a": "a", "b": "a", "c": "a", "d": "d"},
        ),
    ],
)
def test_keys(cameras: dict[str, Camera], keys: dict[str, str]) -> None:
    assert log_keys(config(cameras)) == keys


places = st.sampled_from("uvwxyz")


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.tuples(places, st.lists(places, max_size=2))))
def test_whoever_shares_a_place_shares_a_key(drawn: dict[str, tuple[str, list[str]]]) -> None:
    cameras = {name: camera(point, *zones) for name, (point, zones) in drawn.items()}
    keys = log_keys(config(cameras))
    for one, (point, zones) in drawn.items():
        for other, (point2, zones2) in drawn.items():
            if {point, *zones} & {point2, *zones2}:
                assert keys[one] == keys[other]
    for key in set(keys.values()):
        assert keys[key] == key == min(name for name in keys if keys[name] == key)

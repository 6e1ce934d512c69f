"""Records of cameras and tollgates: what of them is known, and what is lacking by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alerts.viid import codes
from alerts.viid.records import Records, lacking, records
from alerts.viid.tollgates import Tollgate
from deploy.simulators.viid_objects import InvalidObjectError, check
from lianfang.config.record import address_of
from lianfang.errors import ConfigError
from tests.support.configs import SECRETS
from tests.support.records import CAMERA, GATE, complete

CODES = codes.read(None)


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


def made(
    tmp_path: Path, *changes: tuple[str, Any], gate: object = GATE, condition: str = "online"
) -> Records:
    config = complete(tmp_path, *changes)
    tollgates = {"cam": Tollgate.model_validate(gate)}
    return records(config, {"cam": condition}, tollgates, "wgs84", CODES)


def test_a_camera_and_its_tollgate_are_as_a_strict_platform_wants_them(tmp_path: Path) -> None:
    found = made(tmp_path)
    camera, gate = found.reports
    assert (camera.kind, camera.id, gate.kind, gate.id) == ("ape", CAMERA, "tollgate", GATE["code"])
    assert camera.body == {
        "ApeID": CAMERA,
        "Name": "一号",
        "Model": "IPC 2CD",
        "IPAddr": "10.1.2.3",
        "Port": 554,
        "Longitude": 113.39,
        "Latitude": 22.52,
        "PlaceCode": "442000",
        "IsOnline": "1",
        "FunctionType": "5",
        "PositionType": "15",
    }
    check("APEs", camera.body, frozenset())
    check("Tollgates", gate.body, frozenset())
    assert (gate.body["Name"], gate.body["Status"]) == ("东岸", "1")
    for collection, body in (("APEs", camera.body), ("Tollgates", gate.body)):
        for key in body.keys() - {"PositionType"}:
            with pytest.raises(InvalidObjectError, match=key):
                check(collection, {k: v for k, v in body.items() if k != key}, frozenset())


def test_what_is_lacking_is_named_and_nothing_invented(tmp_path: Path) -> None:
    found = made(tmp_path, gate=GATE["code"])
    assert found.lacking == {
        "cam2": (
            "device_code",
            "record.model",
            "record.ip_address",
            "record.port",
            "record.function_type",
        ),
        "tollgates.cam": ("category", "usage"),
    }
    bare = made(tmp_path, ("points.bank", {"name": "东岸"}), ("community.place_code", ""))
    place = ("point.longitude", "point.latitude", "point.place_code")
    assert bare.reports == ()
    assert bare.lacking["cam"] == bare.lacking["tollgates.cam"] == place


@pytest.mark.parametrize(
    ("condition", "online"),
    [("online", "1"), ("noisy", "1"), ("offline", "2"), ("blind", "9"), ("", "9")],
)
def test_what_a_stream_says_is_what_the_platform_hears(tmp_path: Path, condition: str, online: str) -> None:
    assert made(tmp_path, condition=condition).reports[0].body["IsOnline"] == online


def test_a_camera_that_is_disabled_is_no_record_and_its_tollgate_is_out_of_use(tmp_path: Path) -> None:
    found = made(tmp_path, ("cameras.cam.enabled", False))
    assert [(report.kind, report.body["Status"]) for report in found.reports] == [("tollgate", "2")]


@pytest.mark.parametrize(("datum", "taken"), [("wgs84", True), ("cgcs2000", True), ("gcj02", False)])
def test_coordinates_in_another_datum_are_none(tmp_path: Path, datum: str, *, taken: bool) -> None:
    found = made(tmp_path, ("points.bank.datum", datum))
    assert bool(found.reports) is taken
    told = "point.longitude and point.latitude in wgs84 (they are in gcj02)"
    assert found.lacking.get("cam") == (None if taken else (told,))
    config = complete(tmp_path, ("points.bank.datum", datum))
    assert lacking(config, config.cameras["cam"]) == ()


@pytest.mark.parametrize(
    ("url", "record", "address"),
    [
        ("rtsp://10.1.2.3/a", {}, ("10.1.2.3", 554)),
        ("rtsps://u:p@10.1.2.3:8554/a", {}, ("10.1.2.3", 8554)),
        ("rtsp://camera.town.cn/a", {}, ("", None)),
        ("rtsp://[2001:db8::1]/a", {}, ("", None)),
        ("rtsp://camera.town.cn/a", {"ip_address": "10.1.2.4", "port": 80}, ("10.1.2.4", 80)),
        ("rtsp://10.9.9.9/through/a/recorder", {"ip_address": "10.1.2.4"}, ("10.1.2.4", None)),
        ("rtsp://10.1.2.3/a", {"ip_address": "10.1.2.3"}, ("10.1.2.3", 554)),
        ("rtsp://10.1.2.3/a", {"port": 8000}, ("10.1.2.3", 8000)),
    ],
)
def test_where_a_device_is(
    tmp_path: Path, url: str, record: dict[str, Any], address: tuple[str, int | None]
) -> None:
    source = {"kind": "rtsp", "url": url}
    config = complete(tmp_path, ("cameras.cam.source", source), ("cameras.cam.record", record))
    assert address_of(config.cameras["cam"]) == address


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("cameras.cam.record.ip_address", "10.1.2"),
        ("cameras.cam.record.port", 0),
        ("cameras.cam.record.function_type", "camera"),
        ("points.bank.position_type", "river"),
        ("points.bank.place_code", "4420"),
        ("community.place_code", "Zhongshan"),
    ],
)
def test_what_no_platform_takes_is_refused_at_the_start(tmp_path: Path, key: str, value: object) -> None:
    with pytest.raises(ConfigError, match=key.rpartition(".")[2]):
        complete(tmp_path, (key, value))

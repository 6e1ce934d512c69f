"""Reports to a view library (GA/T 1400): what is posted, and what each answer means."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest
import simplejpeg

from alerts.channels.base import Receipt
from alerts.channels.gat1400 import Gat1400Channel
from deploy.simulators.gat1400 import ViewLibrary
from deploy.simulators.server import Fault
from deploy.simulators.viid_objects import InvalidObjectError, check
from lianfang.errors import PermanentError, TransientError
from tests.support.channels import silent
from tests.support.delivery import until
from tests.support.viid import TOLLGATE, about, answer, counts, only, stanza, with_library

DEVICE = "44200000001190000001"  # of the camera
BASIC = f"{DEVICE}0220250601160000"  # 08:00 UTC in Asia/Shanghai


def test_a_plate_is_a_motor_vehicle(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        got = await answer(channel, about("plate", subject="粤AD12345"))
        vehicle = only(library, "MotorVehicles")
        assert got == Receipt("taken", vehicle["MotorVehicleID"])
        assert vehicle["MotorVehicleID"].startswith(BASIC)
        assert vehicle["MotorVehicleID"][41:43] == "02"
        assert len(vehicle["MotorVehicleID"]) == 48
        assert (vehicle["PlateNo"], vehicle["PlateClass"], vehicle["PlateColor"]) == ("粤AD12345", "52", "9")
        assert (vehicle["TollgateID"], vehicle["PassTime"]) == (TOLLGATE, "20250601160000")
        corners = [vehicle[key] for key in ("LeftTopX", "LeftTopY", "RightBtmX", "RightBtmY")]
        assert corners == [16, 24, 48, 48]
        whole, target = vehicle["SubImageList"]["SubImageInfoObject"]
        assert (whole["Type"], whole["Width"], whole["Height"], whole["EventSort"]) == ("14", 64, 48, 16)
        assert (target["Type"], target["Width"], target["Height"]) == ("01", 32, 24)
        assert simplejpeg.decode_jpeg(base64.b64decode(target["Data"])).shape == (24, 32, 3)

    with_library(test, monkeypatch)


@pytest.mark.parametrize(
    ("kind", "collections"),
    [
        ("plate", {"MotorVehicles"}),
        ("helmet", {"NonMotorVehicles", "Persons"}),
        ("zone_entry", {"Persons"}),
        ("loitering", {"Persons"}),
        ("left_object", {"Images"}),
        ("nothing_that_anybody_knows", {"Images"}),
    ],
)
def test_what_incidents_are_reported_as(
    monkeypatch: pytest.MonkeyPatch, kind: str, collections: set[str]
) -> None:
    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        assert isinstance(await answer(channel, about(kind)), Receipt)
        assert {name for name, found in library.objects.items() if found} == collections
        assert library.refused == ["log in"]

    with_library(test, monkeypatch)


def test_a_vehicle_without_a_plate(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        await answer(channel, about("plate", subject="track 7"))
        vehicle = only(library, "MotorVehicles")
        assert (vehicle["HasPlate"], vehicle["PlateNo"], vehicle["PlateClass"]) == (False, "无车牌", "99")

    with_library(test, monkeypatch)


def test_without_a_picture_objects_are_reported_and_images_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        assert isinstance(await answer(channel, about("zone_entry", pictures=())), Receipt)
        assert only(library, "Persons")["SubImageList"]["SubImageInfoObject"] == []
        got = await answer(channel, about("left_object", "b", pictures=(), pictures_missing="camera lost"))
        assert isinstance(got, PermanentError)
        assert str(got) == "no picture to report: camera lost"

    with_library(test, monkeypatch)


def test_pictures_as_links(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_LINKS", "key")
    links = {"base_url": "http://us", "secret": {"env": "TEST_LINKS"}}

    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        assert isinstance(await answer(channel, about("plate", subject="粤T12345")), Receipt)
        vehicle = only(library, "MotorVehicles")
        (picture,) = vehicle["SubImageList"]["SubImageInfoObject"]
        assert picture["StoragePath"] == vehicle["StorageUrl1"]
        assert picture["StoragePath"].startswith("http://us/pictures/evidence-1/original.jpg?until=")
        assert "Data" not in picture

    with_library(test, monkeypatch, picture_links=links)


def test_an_incident_is_reported_once_and_withdrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        await answer(channel, about("helmet"))
        await answer(channel, about("helmet", change="cleared", version=2))
        assert counts(library) == {"NonMotorVehicles": 1, "Persons": 1}
        got = await answer(channel, about("helmet", change="false_alarm", version=3))
        assert isinstance(got, Receipt)
        assert got.outcome == "withdrawn"
        assert not any(library.objects.values())

    with_library(test, monkeypatch)


@pytest.mark.parametrize("mode", ["drill", "test"])
def test_nobody_goes_out_for_a_drill(monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        assert isinstance(await answer(channel, about("zone_entry", mode=mode)), PermanentError)
        assert library.posts == []
        confirmed: dict[str, Any] = {"confirmed_by": "王芳", "confirmed_at": "2025-06-01T08:00:00Z"}
        assert isinstance(await answer(channel, about("zone_entry", mode="live", **confirmed)), Receipt)

    with_library(test, monkeypatch, takes_trials=False)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (2, TransientError),
        (9, TransientError),
        (77, TransientError),
        (4, PermanentError),
        (8, PermanentError),
    ],
)
@pytest.mark.parametrize("texts", [False, True])
def test_what_a_status_means(
    monkeypatch: pytest.MonkeyPatch, code: int, error: type[Exception], *, texts: bool
) -> None:
    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        library.codes.append(code)
        got = await answer(channel, about("zone_entry"))
        assert isinstance(got, error)
        assert str(got) == f"the platform says {code}: as it was told to say"

    with_library(test, monkeypatch, ViewLibrary(texts=texts, say=silent))


def test_of_a_list_each_gets_its_own_word(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        first = asyncio.create_task(answer(channel, about("zone_entry", "alone")))
        await until(lambda: library.requests == 1)
        library.codes.extend([0, 0, 2, 8])  # while it is under way the others come
        ends = await asyncio.gather(*(answer(channel, about("zone_entry", n)) for n in "abc"), first)
        kinds = sorted(type(end).__name__ for end in ends)
        assert kinds == ["PermanentError", "Receipt", "Receipt", "TransientError"]
        taken = {end.detail for end in ends if isinstance(end, Receipt)}
        assert taken == library.objects["Persons"].keys()

    with_library(test, monkeypatch, ViewLibrary(say=silent, faults=[Fault("late", delay_s=0.3)]))


def test_only_what_was_not_taken_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        library.codes.extend([0, 2])
        assert isinstance(await answer(channel, about("helmet")), TransientError)
        _, busy = library.posts
        assert isinstance(await answer(channel, about("helmet")), Receipt)
        assert library.posts[2:] == [busy]
        assert counts(library) == {"NonMotorVehicles": 1, "Persons": 1}

    with_library(test, monkeypatch)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", 500),
        Fault("status", 429, {"Retry-After": "7"}),
        Fault("close"),
        Fault("garbage"),
        Fault("status", 200, body="no JSON"),
        Fault("status", 200, body="[]"),
        Fault("status", 200, body="{}"),
        Fault("status", 200, body='{"ResponseStatusListObject": {"ResponseStatusObject": [{"Id": "x"}]}}'),
    ],
    ids=lambda fault: f"{fault.kind} {fault.status} {fault.body[:10]}",
)
def test_trouble_may_pass(monkeypatch: pytest.MonkeyPatch, fault: Fault) -> None:
    async def test(_library: ViewLibrary, channel: Gat1400Channel) -> None:
        got = await answer(channel, about("zone_entry"))
        assert isinstance(got, TransientError)
        assert got.retry_after_s == (7 if fault.status == 429 else None)
        assert isinstance(await answer(channel, about("zone_entry")), Receipt)

    with_library(test, monkeypatch, ViewLibrary(say=silent, faults=[fault]))


def test_a_camera_without_a_code(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        place = {**about("zone_entry").payload["place"], "device_code": ""}
        got = await answer(channel, about("zone_entry", place=place))
        assert isinstance(got, PermanentError)
        assert str(got) == "camera north has no device_code"
        assert library.posts == []

    with_library(test, monkeypatch)


def test_a_site_corrects_the_numbers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "codes.toml"
    file.write_text(
        '[semantic]\nnon_motor_vehicle = "03"\n[plates.ordinary]\nclass = "02"\ncolour = "5"\n'
        '[rules.helmet]\nobjects = ["non_motor_vehicle"]\nevent_sort = 650\n'
        '[rules.helmet.extra.non_motor_vehicle]\nHelmet = "0"\n'
    )

    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        assert isinstance(await answer(channel, about("helmet")), Receipt)
        rider = only(library, "NonMotorVehicles")
        assert rider["Helmet"] == "0"
        assert rider["SubImageList"]["SubImageInfoObject"][0]["EventSort"] == 650
        assert not library.objects["Persons"]
        await answer(channel, about("plate", "b", subject="粤T12345"))
        vehicle = only(library, "MotorVehicles")
        assert (vehicle["PlateClass"], vehicle["PlateColor"]) == ("02", "5")

    with_library(test, monkeypatch, ViewLibrary(say=silent, extensions=["Helmet"]), codes=file)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[plates.ordinary]\nclass = 2\n", "plates.ordinary.class: found 2"),
        ("[rules.plate]\nobjects = ['car']\n", "rules.plate.objects.0: found 'car'"),
        ("[unknown]\n", "unknown: found {}"),
        ("no toml", "Expected '=' after a key"),
    ],
)
def test_what_is_no_file_of_codes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, found: str
) -> None:
    file = tmp_path / "codes.toml"
    file.write_text(text)
    config: Any = type("Config", (), {"cameras": {"north": None}})
    problems = list(stanza("http://127.0.0.1:1", monkeypatch, codes=file).check(config))
    assert [problem.key for problem in problems] == [("codes",)]
    assert str(file) in problems[0].found
    assert found in problems[0].found


def test_what_else_is_wrong_with_a_stanza(monkeypatch: pytest.MonkeyPatch) -> None:
    config: Any = type("Config", (), {"cameras": {"south": None}})
    problems = list(stanza("http://10.1.1.1", monkeypatch).check(config))
    assert [problem.key for problem in problems] == [("base_url",), ("tollgates", "north")]
    for wrong in (
        {"timezone": "Mars/Base"},
        {"device_code": "1"},
        {"username": 'a"b'},
        {"base_url": "ftp://x"},
    ):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            stanza("http://10.1.1.1", monkeypatch, **wrong)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("MotorVehicleID", "4" * 48),
        ("SourceID", None),
        ("PassTime", "20251301000000"),
        ("StorageUrl1", ""),
        ("LeftTopX", "16"),
        ("HasPlate", False),
        ("TollgateID", None),
        ("VehicleColor", None),
        ("Unknown", 1),
        ("SubImageList", {"SubImageInfoObject": [{}]}),
    ],
)
def test_the_library_is_strict(monkeypatch: pytest.MonkeyPatch, key: str, value: object) -> None:
    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        await answer(channel, about("plate", subject="粤T12345"))
        vehicle = only(library, "MotorVehicles")
        check("MotorVehicles", vehicle, frozenset())
        wrong = {name: had for name, had in {**vehicle, key: value}.items() if had is not None}
        with pytest.raises(InvalidObjectError):
            check("MotorVehicles", wrong, frozenset())

    with_library(test, monkeypatch)

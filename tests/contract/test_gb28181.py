"""Alarms of GB/T 28181: what is sent, and what each answer means."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Literal

import pytest

from alerts.channels.base import Kept, Receipt, Standing
from alerts.channels.gb28181 import Gb28181Channel
from deploy.simulators.gb28181 import CAMERAS, Platform
from lianfang.errors import PermanentError, TransientError
from tests.support.channels import silent
from tests.support.delivery import until
from tests.support.gb28181 import KnownSite, about, answer, stanza, with_platform

RARE = "萳㙍䶮𠮷"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KnownSite:
    return KnownSite(tmp_path, monkeypatch)


def only(platform: Platform) -> dict[str, str]:
    (alarm,) = platform.alarms.values()
    return alarm


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_an_incident_is_an_alarm(monkeypatch: pytest.MonkeyPatch, transport: Literal["udp", "tcp"]) -> None:
    async def test(platform: Platform, channel: Gb28181Channel) -> None:
        got = await answer(channel, about("zone_entry", title=f"有人下到{RARE}河边"))
        alarm = only(platform)
        assert got == Receipt("OK", f"SN {alarm['SN']}")
        assert alarm == {
            "CmdType": "Alarm",
            "SN": alarm["SN"],
            "DeviceID": CAMERAS[0],
            "AlarmPriority": "2",
            "AlarmMethod": "5",
            "AlarmTime": "2025-06-01T16:00:00",  # 08:00 UTC in Asia/Shanghai
            "AlarmDescription": f"发现：有人下到{RARE}河边，北桥 河岸，1人，编号incident",
            "Longitude": "113.390000",
            "Latitude": "22.520000",
            "AlarmType": "6",
            "EventType": "1",
        }
        assert platform.refused == ["401 REGISTER: log in"]

    platform = Platform(transport=transport, say=silent)
    with_platform(test, monkeypatch, platform)
    assert (platform.registrations, platform.unregistrations) == (1, 1)
    assert not platform.registered


@pytest.mark.parametrize(
    ("kind", "severity", "numbers"),
    [
        ("zone_entry", "critical", ("1", "5", "6")),
        ("line_crossing", "high", ("2", "5", "5")),
        ("loitering", "medium", ("3", "5", "8")),
        ("crowd", "low", ("4", "5", "10")),
        ("left_object", "low", ("4", "5", "3")),
        ("device", "low", ("4", "5", "11")),
        ("nothing_that_anybody_knows", "low", ("4", "5", "2")),
    ],
)
def test_what_alarms_are_called(
    monkeypatch: pytest.MonkeyPatch, kind: str, severity: str, numbers: tuple[str, str, str]
) -> None:
    async def test(platform: Platform, channel: Gb28181Channel) -> None:
        assert isinstance(await answer(channel, about(kind, severity=severity)), Receipt)
        alarm = only(platform)
        assert (alarm["AlarmPriority"], alarm["AlarmMethod"], alarm["AlarmType"]) == numbers

    with_platform(test, monkeypatch)


def test_a_site_corrects_the_numbers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "numbers.toml"
    file.write_text("[priority]\nhigh = 1\n[rules.helmet]\nmethod = 2\n")

    async def test(platform: Platform, channel: Gb28181Channel) -> None:
        assert isinstance(await answer(channel, about("helmet")), Receipt)
        alarm = only(platform)
        assert (alarm["AlarmPriority"], alarm["AlarmMethod"]) == ("1", "2")
        assert "AlarmType" not in alarm

    with_platform(test, monkeypatch, codes=str(file))


@pytest.mark.parametrize("declared", ["GB18030", "GB2312"])
def test_what_it_is_declared_as_changes_no_character(
    monkeypatch: pytest.MonkeyPatch, declared: Literal["GB18030", "GB2312"]
) -> None:
    async def test(platform: Platform, channel: Gb28181Channel) -> None:
        assert isinstance(await answer(channel, about(title=RARE)), Receipt)
        assert RARE in only(platform)["AlarmDescription"]
        assert platform.messages[-1].startswith(f'<?xml version="1.0" encoding="{declared}"?>'.encode())

    with_platform(test, monkeypatch, declared=declared)


def test_places_in_another_datum_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(platform: Platform, channel: Gb28181Channel) -> None:
        assert isinstance(await answer(channel, about()), Receipt)
        assert "Longitude" not in only(platform)

    with_platform(test, monkeypatch, datum="wgs84")


@pytest.mark.parametrize(("mode", "mark"), [("drill", "【演练】"), ("test", "【测试】")])
def test_drills_say_so_or_are_not_sent(monkeypatch: pytest.MonkeyPatch, mode: str, mark: str) -> None:
    async def told(platform: Platform, channel: Gb28181Channel) -> None:
        assert isinstance(await answer(channel, about(mode=mode)), Receipt)
        assert only(platform)["AlarmDescription"].startswith(mark)

    async def not_told(platform: Platform, channel: Gb28181Channel) -> None:
        got = await answer(channel, about(mode=mode))
        assert isinstance(got, PermanentError)
        assert str(got) == f"not sent: a {mode}, and takes_trials is not set"
        assert platform.registrations == 0

    with_platform(told, monkeypatch)
    with_platform(not_told, monkeypatch, takes_trials=False)


def test_a_false_alarm_is_told_and_an_end_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(platform: Platform, channel: Gb28181Channel) -> None:
        await answer(channel, about())
        got = await answer(channel, about(change="cleared", version=2))
        assert isinstance(got, Receipt)
        assert got == Receipt("not needed", "an alarm cannot say cleared")
        assert len(platform.alarms) == 1
        assert isinstance(await answer(channel, about(change="false_alarm", version=3)), Receipt)
        first, last = platform.alarms.values()
        assert last["AlarmDescription"].startswith("误报，已撤销：")
        assert last["AlarmTime"] == first["AlarmTime"]
        said = [alarm["AlarmDescription"].rpartition("，")[2] for alarm in (first, last)]
        assert said[0] == said[1] != "编号", "both have the number of the incident"
        assert int(last["SN"]) > int(first["SN"])

    with_platform(test, monkeypatch)


@pytest.mark.parametrize(
    ("stands", "change", "outcome"),
    [
        ("none", "opened", "OK"),
        ("none", "false_alarm", "not needed"),  # nobody there knows of it
        ("tried", "false_alarm", "OK"),
        ("taken", "permitted", "OK"),
        ("withdrawn", "confirmed", "dead"),  # sent again by a person
    ],
)
def test_what_is_known_there_decides(
    monkeypatch: pytest.MonkeyPatch, site: KnownSite, stands: Standing, change: str, outcome: str
) -> None:
    async def test(platform: Platform, channel: Gb28181Channel) -> None:
        site.stands = stands
        got = await answer(channel, about(change=change))
        assert (got.outcome if isinstance(got, Receipt) else "dead") == outcome
        assert len(platform.alarms) == int(outcome == "OK")

    with_platform(test, monkeypatch, site=site)


def test_a_camera_without_a_code_is_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(_platform: Platform, channel: Gb28181Channel) -> None:
        got = await answer(channel, about(place={**about().payload["place"], "device_code": ""}))
        assert isinstance(got, PermanentError)
        assert str(got) == "camera north has no device_code"

    with_platform(test, monkeypatch)


def test_a_long_text_is_cut_to_a_datagram_and_not_in_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    title = "有人<&>" + "㙍" * 400

    async def cut(platform: Platform, channel: Gb28181Channel) -> None:
        assert isinstance(await answer(channel, about(title=title)), Receipt)
        said = only(platform)["AlarmDescription"]
        assert said.endswith("㙍…")
        assert 100 < len(said) < 300

    async def whole(platform: Platform, channel: Gb28181Channel) -> None:
        assert isinstance(await answer(channel, about(title=title)), Receipt)
        assert title in only(platform)["AlarmDescription"]

    with_platform(cut, monkeypatch)
    with_platform(whole, monkeypatch, Platform(transport="tcp", say=silent))


def test_an_alarm_is_delivered_by_the_platforms_own_word(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(platform: Platform, channel: Gb28181Channel) -> None:
        platform.results += ["", "ERROR", "OK"]
        silence = await answer(channel, about(number="a"))
        assert isinstance(silence, TransientError)
        assert str(silence) == "took the message, and says nothing of the alarm"
        refusal = await answer(channel, about(number="b"))
        assert isinstance(refusal, PermanentError)
        assert str(refusal) == "the platform says 'ERROR' of the alarm"
        assert isinstance(await answer(channel, about(number="c")), Receipt)
        assert isinstance(await answer(channel, about(number="b")), Receipt)  # somebody sends it again

    with_platform(test, monkeypatch, timeout_s=1)


def test_a_repetition_is_the_same_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(platform: Platform, channel: Gb28181Channel) -> None:
        platform.results += ["", "OK"]
        assert isinstance(await answer(channel, about()), TransientError)
        assert isinstance(await answer(channel, about()), Receipt)
        assert len(platform.alarms) == 1

    with_platform(test, monkeypatch, timeout_s=1)


def test_a_word_that_comes_too_late_counts_for_the_next_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(platform: Platform, channel: Gb28181Channel) -> None:
        platform.results.append("")
        assert isinstance(await answer(channel, about()), TransientError)
        alarm = only(platform)
        word = f"<SN>{alarm['SN']}</SN><Result>OK</Result>"
        assert await platform.send(f"<Response><CmdType>Alarm</CmdType>{word}</Response>".encode()) == 200
        sent = len(platform.messages)
        assert isinstance(await answer(channel, about()), Receipt)
        assert len(platform.messages) == sent

    with_platform(test, monkeypatch, timeout_s=1)


def test_a_word_that_comes_before_the_status_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(_platform: Platform, channel: Gb28181Channel) -> None:
        assert isinstance(await answer(channel, about()), Receipt)

    with_platform(test, monkeypatch, Platform(late_s=0.2, say=silent))


def test_a_platform_that_never_says_more(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(platform: Platform, channel: Gb28181Channel) -> None:
        got = await answer(channel, about())
        assert isinstance(got, Receipt)
        assert got.outcome == "200"
        assert len(platform.alarms) == 1

    with_platform(test, monkeypatch, Platform(confirms=False, say=silent), confirmed_by="ok")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, PermanentError),
        (404, TransientError),
        (408, TransientError),
        (413, PermanentError),
        (415, PermanentError),
        (480, TransientError),
        (500, TransientError),
        (503, TransientError),
        (603, PermanentError),
        (302, PermanentError),
    ],
)
def test_what_a_status_means(monkeypatch: pytest.MonkeyPatch, status: int, error: type[Exception]) -> None:
    async def test(platform: Platform, channel: Gb28181Channel) -> None:
        platform.statuses += [status] * 2
        got = await answer(channel, about())
        assert type(got) is error
        assert f"answered {status}" in str(got)
        assert not platform.alarms

    with_platform(test, monkeypatch)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_platform_that_has_forgotten_us_is_registered_at_again(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    async def test(platform: Platform, channel: Gb28181Channel) -> None:
        await answer(channel, about(number="a"))
        platform.statuses.append(status)
        ends = await asyncio.gather(*(answer(channel, about(number=n)) for n in "bcd"))
        assert [type(end) for end in ends] == [Receipt] * 3
        assert platform.registrations == 2

    with_platform(test, monkeypatch)


def test_a_wrong_password_is_no_fault_of_the_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(platform: Platform, channel: Gb28181Channel) -> None:
        platform.lets_in = False
        got = await answer(channel, about())
        assert isinstance(got, TransientError)
        assert str(got) == "does not let us in: 401 log in"
        assert len(platform.refused) == 2  # once without, once with: who guesses is locked out

    with_platform(test, monkeypatch)


@pytest.mark.parametrize("seed", range(5))
def test_packets_are_lost(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """A third of all packets, in both directions: every alarm arrives, once."""
    chance = random.Random(seed)  # noqa: S311 - which packets are lost

    async def test(platform: Platform, channel: Gb28181Channel) -> None:
        channel.session._agent._t1_s = 0.02
        ends = await asyncio.gather(*(answer(channel, about(number=str(n))) for n in range(10)))
        assert [end for end in ends if not isinstance(end, Receipt)] == []
        assert len(platform.alarms) == 10
        assert {why for why in platform.refused if "log in" not in why} == set()

    with_platform(test, monkeypatch, Platform(loses=lambda: chance.random() < 0.3, say=silent))


def test_it_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(platform: Platform, channel: Gb28181Channel) -> None:
        assert isinstance(channel, Kept)
        keeping = asyncio.create_task(channel.keep())
        await until(lambda: platform.keepalives == 1)
        keeping.cancel()

    with_platform(test, monkeypatch)


def test_a_platform_that_is_not_allowed_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(platform: Platform, channel: Gb28181Channel) -> None:
        got = await answer(channel, about())
        assert isinstance(got, TransientError)
        assert "is no public address, and in none of its `networks`" in str(got)
        assert platform.refused == []

    with_platform(test, monkeypatch, networks=[])


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "a host"},
        {"host": ""},
        {"port": 0},
        {"transport": "tls"},
        {"platform_code": "1"},
        {"device_code": "4420000000200000000x"},
        {"domain": "a b"},
        {"keepalive_s": 1},
        {"text": "{nothing}"},
        {"picture_links": {"base_url": "http://us"}},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_settings_that_are_none(monkeypatch: pytest.MonkeyPatch, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        stanza(Platform(say=silent), monkeypatch, **wrong)

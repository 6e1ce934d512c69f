"""The key of an operator, through the API, and what the service says about the day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from http import HTTPStatus
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from alerts.pipeline.seasons import Seasons
from alerts.settings import Settings
from alerts.store import Store, switches
from lianfang.clock import ManualClock
from lianfang.config import Config, Text
from lianfang.config.profiles import EVERYDAY, Profile
from lianfang.config.schedule import Schedule, Window
from tests.support.api import START, Client, Data, Site, config, serving

RACE = Profile(name=Text(zh="龙舟赛", en="Dragon boats"), priority=30, muted=("river",))
SUMMER = Profile(
    name=Text(zh="夏季"),
    priority=10,
    active=Schedule(windows=(Window(first="05-01", last="09-30"),)),
)


def with_profiles(folder: Path, days: str = "") -> Config:
    plain = config(folder)
    files: tuple[Path, ...] = ()
    if days:
        files = (folder / "days.csv",)
        files[0].write_text(days, encoding="utf-8")
    community = plain.community.model_copy(update={"calendars": files})
    return plain.model_copy(update={"profiles": {"race": RACE, "summer": SUMMER}, "community": community})


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    yield Site(with_profiles(tmp_path), store, clock=ManualClock(START))
    store.close()


@pytest.fixture
def client(site: Site, tmp_path: Path) -> Iterator[Client]:
    with serving(site.app(static=tmp_path)) as port:
        client = Client(port)
        client.login()
        yield client


def key(**changes: Data) -> Data:
    body = {"profile": "race", "until": (START + timedelta(hours=3)).isoformat(), "reason": " 龙舟赛提前 "}
    return body | changes


def test_what_there_is_and_what_is_in_force(client: Client) -> None:
    state = client.get("/api/profiles").json
    assert [(p["id"], p["name"]["zh"], p["priority"]) for p in state["profiles"]] == [
        ("race", "龙舟赛", 30),
        ("summer", "夏季", 10),
        (EVERYDAY, "日常", 0),
    ]
    assert [rule["name"]["zh"] for rule in state["profiles"][0]["muted"]] == ["有人进入水域危险区"]
    assert (state["in_force"]["profile"], state["in_force"]["why"]) == ("summer", "schedule")
    assert state["switches"] == []


def test_one_key_puts_a_profile_in_force_and_another_ends_it(site: Site, client: Client) -> None:
    reply = client.request("PUT", "/api/profiles/in-force", key())
    assert reply.status == HTTPStatus.OK
    assert reply.json["in_force"] == {
        "profile": "race",
        "why": "key",
        "by": "王芳",
        "reason": "龙舟赛提前",
        "since": "2026-07-01T08:00:01Z",
        "until": "2026-07-01T11:00:00Z",
    }
    assert isinstance(site.clock, ManualClock)
    site.clock.advance_to(START + timedelta(minutes=1))
    calm = client.request("PUT", "/api/profiles/in-force", key(profile=EVERYDAY, reason="误按")).json
    assert calm["in_force"]["profile"] == EVERYDAY
    ended = client.request("DELETE", "/api/profiles/in-force")
    assert (ended.status, ended.json["in_force"]["profile"]) == (HTTPStatus.OK, "summer")
    again = client.request("DELETE", "/api/profiles/in-force")
    assert (again.status, again.json["code"]) == (HTTPStatus.CONFLICT, "no_key")
    assert [(s["profile"], s["by"], s["ended_by"], s["reason"]) for s in ended.json["switches"]] == [
        (EVERYDAY, "王芳", "王芳", "误按"),
        ("race", "王芳", "王芳", "龙舟赛提前"),
    ]
    with site.store.read() as session:
        assert len(switches.load(session)) == 2, "what was said stays written"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"profile": "flood"}, "unknown_profile"),
        ({"until": START.isoformat()}, "bad_end"),
        ({"until": (START + timedelta(days=32)).isoformat()}, "bad_end"),
        ({"until": "2026-07-01T18:00:00"}, "invalid"),  # in which time zone?
        ({"reason": "  "}, "invalid"),
        ({"reason": "x" * 501}, "invalid"),
    ],
)
def test_a_key_without_a_reason_or_an_end_is_refused(
    site: Site, client: Client, changes: Data, code: str
) -> None:
    reply = client.request("PUT", "/api/profiles/in-force", key(**changes))
    assert reply.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert code == "invalid" or reply.json["code"] == code
    with site.store.read() as session:
        assert switches.load(session) == ()


def test_nobody_presses_it_who_is_not_logged_in(site: Site, tmp_path: Path) -> None:
    with serving(site.app(static=tmp_path)) as port:
        stranger = Client(port)
        for method, path in (("GET", ""), ("PUT", "/in-force"), ("DELETE", "/in-force")):
            reply = stranger.request(method, f"/api/profiles{path}", key() if method == "PUT" else None)
            assert reply.status == HTTPStatus.UNAUTHORIZED


def test_the_service_says_once_what_is_in_force_and_which_calendar_has_ended(tmp_path: Path) -> None:
    store, clock = Store(f"sqlite:///{tmp_path}/store.db"), ManualClock(START)
    last = START.date() + timedelta(days=1)
    config = with_profiles(tmp_path, f"date,until,kind\n{last},,holiday\n")
    seasons, registry = Seasons(Settings(config, store, clock), clock), CollectorRegistry()
    registry.register(seasons)

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, labels)

    with capture_logs() as logs:
        seasons.look()
        seasons.look()
        assert value("lianfang_profile_in_force", profile="summer") == 1
        assert value("lianfang_calendar_days_left", calendar="days.csv") == 1
        with store.write() as session:
            end = START + timedelta(days=3)
            switches.begin(session, "race", "key", "duty", START, reason="赛", until=end)
        clock.advance_to(START + timedelta(days=2))
        seasons.look()
        seasons.look()
        assert value("lianfang_profile_in_force", profile="race") == 1
        assert value("lianfang_profile_in_force", profile="summer") == 0
        assert value("lianfang_calendar_days_left", calendar="days.csv") == -1
    said = [(entry["event"], entry.get("profile") or entry.get("last")) for entry in logs]
    assert said == [
        ("profile_in_force", "summer"),
        ("profile_in_force", "race"),
        ("calendar_ended", str(date(2026, 7, 2))),
    ]
    store.close()


def test_a_calendar_that_has_ended_is_said_on_the_console_too(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    config = with_profiles(tmp_path, "date,until,kind\n2026-06-30,,holiday\n")
    with serving(Site(config, store, clock=ManualClock(START)).app(static=tmp_path)) as port:
        client = Client(port)
        client.login()
        ended = client.get("/api/profiles").json["calendars_ended"]
    assert ended == [{"calendar": "days.csv", "last": "2026-06-30"}]
    store.close()

"""Profiles in the real worker, over the real bus and store: in force by the time of the pictures."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from alerts.backtest.past import Span, raised
from alerts.evidence import EvidenceKeeper
from alerts.pipeline.books import Books
from alerts.store import Store, facts, switches
from alerts.store.schema import EvidenceRow, IncidentRow
from lianfang.bus import Bus
from lianfang.clock import ManualClock
from lianfang.config import Config
from lianfang.config.profiles import in_profile
from tests.e2e.installation import until
from tests.integration.test_alert_worker import IN, decided, publish, working
from tests.integration.test_readings import decided as readings_decided
from tests.integration.test_readings import publish as publish_readings
from tests.support.configs import loaded
from tests.support.observations import at, observation
from tests.support.readings import GAUGE, reading

RACE: dict[str, Any] = {"name": "龙舟", "priority": 30, "muted": ["entry"]}
CALM: dict[str, Any] = {"name": "平静", "priority": 10, "rules": {"entry": {"severity": "low"}}}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Return two cameras at points of their own, whose incidents end at once."""
    return loaded(
        tmp_path,
        ("cameras.cam2.point", "gate"),
        ("rules.entry.join_s", 1),
        ("profiles", {"race": RACE, "calm": CALM}),
    )


@pytest.fixture
def at_the_bank(bus: Bus) -> None:
    """Log somebody at the bank from 0 to 4 s, from 12 to 15 and from 17 on, and another at the gate alike."""
    spans = [(0, 4, 1), (12, 15, 2), (17, 26, 3)]
    for n in range(130):
        t = n / 5
        there: dict[str | int | None, tuple[float, float]] = {
            who: IN for begin, end, who in spans if begin <= t < end
        }
        publish(bus, observation(t, there), observation(t + 0.05, there, camera="cam2"))


def incidents(store: Store) -> list[IncidentRow]:
    with store.read() as session:
        return list(session.scalars(select(IncidentRow).order_by(IncidentRow.opened_at, IncidentRow.id)))


def press(store: Store, profile: str, seconds: float, end: float) -> None:
    """Let an operator press the key so that it takes effect after ``seconds``."""
    with store.write() as session:
        now = at(seconds) - switches.LEAD
        switches.begin(session, profile, "key", "chen", now, reason="演练", until=at(end))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(at(30))


@pytest.mark.usefixtures("at_the_bank")
def test_each_picture_is_judged_by_what_was_in_force_when_it_was_taken(
    config: Config, bus: Bus, store: Store, clock: ManualClock
) -> None:
    press(store, "race", 10, 20)
    press(store, "calm", 23, 60)
    with working(config, bus, store, clock):
        until("the end of the log", decided(bus, store))
    found = incidents(store)
    opened = [((row.opened_at - at(0)).total_seconds(), row.place, row.severity) for row in found]
    # Who came at 12 was gone before the key's end; who came at 17 was there, and counted at once.
    assert opened == [
        (0.4, "bank", "high"),
        (0.45, "gate", "high"),
        (20, "bank", "high"),
        (20.05, "gate", "high"),
    ]
    assert {row.settings_version for row in found} == {Books(config).everyday.version}


@pytest.mark.usefixtures("at_the_bank")
def test_a_backtest_finds_what_was_found(config: Config, bus: Bus, store: Store, clock: ManualClock) -> None:
    press(store, "race", 10, 20)
    with working(config, bus, store, clock):
        until("the end of the log", decided(bus, store))
    with store.read() as session:
        known = facts.load(session)
    replayed = raised(config, bus, Span(None, None), lambda _: None, known)
    assert [i.id for i in replayed] == [row.id for row in incidents(store)]
    alone = raised(config, bus, Span(None, None), lambda _: None)
    assert len(alone) == len(replayed) + 2, "without the key, who came at 12 is an incident of their own"


@pytest.mark.usefixtures("at_the_bank")
def test_the_decision_names_the_settings_of_its_profile(
    config: Config, bus: Bus, store: Store, clock: ManualClock
) -> None:
    press(store, "calm", -1, 60)
    with working(config, bus, store, clock):
        until("the end of the log", decided(bus, store))
    versions = {(row.severity, row.settings_version) for row in incidents(store)}
    (calm,) = versions
    assert calm[0] == "low"
    assert calm[1] not in {Books(config).everyday.version, Books(in_profile(config, "race")).everyday.version}


def test_a_picture_shows_the_zone_as_it_was_drawn_then(tmp_path: Path, bus: Bus, store: Store) -> None:
    left = [[0.2, 0.2], [0.5, 0.2], [0.5, 1.0]]
    redrawn = {**CALM, "cameras": {"cam": {"zones": {"water": {"polygon": left}}}}}
    books = Books(loaded(tmp_path, ("profiles", {"calm": redrawn})))
    keeper = EvidenceKeeper(store, bus, books, tmp_path / "evidence", ManualClock(at(100)))
    press(store, "calm", 10, 20)

    def corners(seconds: float) -> int:
        return len(keeper._polygon(EvidenceRow(camera="cam", zone="water", captured_at=at(seconds))))

    assert [corners(t) for t in (9, 10, 19, 20)] == [4, 3, 3, 4]


def test_a_new_key_ends_the_one_before_and_nothing_is_forgotten(store: Store) -> None:
    press(store, "race", 10, 100)
    press(store, "calm", 20, 50)
    with store.write() as session:
        ended = switches.end_key(session, "li", at(29))
        assert ended is not None
        assert (ended.profile, ended.until, ended.ended_by) == ("calm", at(30), "li")
        assert switches.end_key(session, "li", at(40)) is None
    with store.read() as session:
        known = switches.load(session)
        assert [(s.profile, s.since, s.until, s.by, s.reason) for s in known] == [
            ("race", at(10), at(20), "chen", "演练"),
            ("calm", at(20), at(30), "chen", "演练"),
        ]
        assert [row.ended_by for row in switches.rows(session, 10)] == ["li", "chen"]


def test_a_key_that_is_ended_before_it_took_effect_never_was(store: Store) -> None:
    press(store, "race", 10, 100)
    with store.write() as session:
        switches.end_key(session, "li", at(8))
    with store.read() as session:
        (known,) = switches.load(session)
    assert not any(known.holds(at(t)) for t in range(0, 200, 5))


def test_what_a_level_put_in_force_is_ended_by_it_and_not_by_a_key(store: Store) -> None:
    with store.write() as session:
        switches.begin(session, "race", "level", "gauge", at(0))
        switches.begin(session, "calm", "key", "chen", at(5), until=at(90))
        switches.end_key(session, "chen", at(10))
        assert switches.end_level(session, "calm", "gauge", at(20)) is None
        ended = switches.end_level(session, "race", "gauge", at(20))
        assert ended is not None
        assert (ended.since, ended.until) == (at(1), at(21))


def test_a_level_puts_a_profile_in_force_and_takes_it_back(tmp_path: Path, bus: Bus, store: Store) -> None:
    flood = {"name": "汛期", "priority": 40, "level": {"sensor": "gauge", "above": 3.2, "until": 3.0}}
    config = loaded(tmp_path, ("sensors", {"gauge": {**GAUGE, "high": 9}}), ("profiles", {"flood": flood}))

    clock = ManualClock(at(0))

    def level(seconds: float, *values: float | None) -> list[tuple[datetime, datetime | None]]:
        """Let the gauge say these values at a time; return from when until when it is a flood."""
        clock.advance_to(at(seconds))
        said = [reading(seconds + n / 10, value) for n, value in enumerate(values)]
        publish_readings(bus, *said)
        until("the end of the readings", readings_decided(bus, store))
        with store.read() as session:
            return [(s.since, s.until) for s in switches.load(session) if s.source == "level"]

    with working(config, bus, store, clock):
        assert level(1, 3.1, 3.19) == []
        assert level(2, 3.2, 3.1, 3.3) == [(at(3), None)], "a second later, for every worker alike"
        # A level in between, a silent gauge and one that says what it cannot measure switch nothing.
        assert level(3, 3.0, None, 99.0, -50.0) == [(at(3), None)]
        assert level(60, 2.99, 3.1) == [(at(3), at(61))]
    with working(config, bus, store, clock):
        assert level(70, 3.2, 3.4) == [(at(3), at(61)), (at(71), None)]
    with store.read() as session:
        (newest, _) = switches.rows(session, 10)
    assert (newest.by, newest.reason) == ("gauge", "3.2 m")


def test_old_switches_are_left_where_they_are(store: Store) -> None:
    press(store, "race", 0, 10)
    with store.read() as session:
        assert len(switches.load(session, at(0))) == 1
        assert switches.load(session, at(9 * 86400)) == ()
        assert len(switches.load(session)) == 1

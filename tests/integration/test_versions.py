"""Versions of the configuration in the real worker, over the real bus and store."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from alerts.backtest.past import Span, raised
from alerts.facts import NO_FACTS, Facts
from alerts.pipeline.books import Books
from alerts.store import Store, facts, versions
from alerts.store.schema import ChangeRow, IncidentRow
from alerts.store.switches import LEAD
from lianfang.bus import Bus
from lianfang.clock import ManualClock
from lianfang.config import Config
from lianfang.config.changes import Changes, Version, read
from tests.e2e.installation import until
from tests.integration.test_alert_worker import decided, publish, working
from tests.support.configs import BASE, loaded
from tests.support.observations import at, observation
from tests.unit.alerts.test_plate import car
from tests.unit.alerts.test_plate import config as plates

LEFT = [[0.0, 0.2], [0.2, 0.2], [0.2, 1.0], [0.0, 1.0]]
THERE = (0.1, 0.9)  # beside the zone that the file has
ENTRY: dict[str, Any] = {**BASE["rules"]["entry"], "cameras": ["cam"]}
DRAWN = read({"cameras": {"cam": {"zones": {"water": {"polygon": LEFT, "speakers": ["horn"]}}}}})


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return loaded(tmp_path, ("rules.entry.cameras", ["cam"]), ("rules.entry.join_s", 5))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(at(30))


def change(store: Store, changes: Changes, seconds: float) -> int:
    """Let somebody change the configuration so that it is in force after ``seconds``."""
    with store.write() as session:
        now = at(seconds) - LEAD
        return versions.add(session, changes, "chen", "试", versions.newest(session), now).number


def incidents(store: Store) -> list[IncidentRow]:
    with store.read() as session:
        return list(session.scalars(select(IncidentRow).order_by(IncidentRow.opened_at)))


def opened(store: Store) -> list[float]:
    return [(row.opened_at - at(0)).total_seconds() for row in incidents(store)]


def somebody(begin: float, end: float, *, camera: str = "cam") -> list[Any]:
    """Return somebody who stands beside the zone of the file, five pictures a second."""
    times = [begin + n / 5 for n in range(round((end - begin) * 5))]
    return [observation(t, {1: THERE}, camera=camera) for t in times]


def test_who_is_in_a_zone_drawn_just_now_is_an_incident_and_no_picture_is_lost(
    config: Config, bus: Bus, store: Store, clock: ManualClock
) -> None:
    with working(config, bus, store, clock):
        publish(bus, *somebody(0, 5))
        until("what was before", decided(bus, store))
        change(store, DRAWN, 10)
        publish(bus, *somebody(5, 15))  # half of it was taken before the change
        until("the end of the log", decided(bus, store))
    assert opened(store) == [10.4], "three pictures make somebody"
    (row,) = incidents(store)
    with store.read() as session:
        (version,) = versions.load(session)
    assert row.settings_version == Books(config).of(version).books["everyday"].version
    assert row.settings_version != Books(config).everyday.version


def test_a_restart_in_between_changes_nothing(
    config: Config, bus: Bus, store: Store, clock: ManualClock
) -> None:
    change(store, DRAWN, 10)
    for begin, end in pairwise((0, 7, 10.2, 10.4, 13)):
        with working(config, bus, store, clock):
            publish(bus, *somebody(begin, end))
            until(f"second {end}", decided(bus, store))
    assert opened(store) == [10.4]


def test_a_backtest_goes_by_the_versions_of_then_or_by_a_chosen_one(
    config: Config, bus: Bus, store: Store, clock: ManualClock
) -> None:
    publish(bus, *somebody(0, 20))
    change(store, DRAWN, 10)
    change(store, Changes(), 15)
    with working(config, bus, store, clock):
        until("the end of the log", decided(bus, store))
    with store.read() as session:
        known = facts.load(session)

    def found(facts: Facts) -> list[str]:
        return [i.id for i in raised(config, bus, Span(None, None), lambda _: None, facts)]

    assert found(known) == [row.id for row in incidents(store)]
    assert opened(store) == [10.4]
    assert found(NO_FACTS) == []


@pytest.mark.parametrize(
    ("after", "ended"),
    [
        (read({"rules": {"entry": {**ENTRY, "enabled": False}}}), {"entry", "more"}),
        (read({"cameras_off": ["cam"]}), {"entry", "more"}),
        (
            read(
                {
                    "cameras": {"cam": {"zones": {"other": {"polygon": LEFT, "place": "gate"}}}},
                    "rules": {"entry": {**ENTRY, "zones": ["other"]}},
                }
            ),
            {"entry", "more"},
        ),
        (DRAWN, {"more"}),  # a rule that is gone
    ],
)
def test_what_nobody_looks_at_any_more_ends(
    config: Config, bus: Bus, store: Store, clock: ManualClock, after: Changes, ended: set[str]
) -> None:
    change(store, DRAWN.model_copy(update={"rules": {"more": ENTRY}}), 1)
    change(store, after, 5)
    publish(bus, *somebody(0, 8))
    with working(config, bus, store, clock):
        until("the end of the log", decided(bus, store))
    at_the_bank = [row for row in incidents(store) if row.place == "bank"]
    assert {row.rule for row in at_the_bank} == {"entry", "more"}
    assert {row.rule for row in at_the_bank if row.ended_at == at(5)} == ended
    with store.read() as session:
        written = select(ChangeRow.incident_id).where(ChangeRow.kind == "ended")
        assert set(session.scalars(written)) == {row.id for row in at_the_bank if row.rule in ended}


def test_a_version_that_does_not_fit_the_file_leaves_the_file_and_cameras_off(
    config: Config,
) -> None:
    changes = read({"rules": {"entry": {**ENTRY, "cameras": ["gone"]}}, "cameras_off": ["cam2"]})
    books = Books(config)
    edition = books.of(Facts(versions=(Version(3, at(0), changes),)).version(at(1)))
    assert "version 3 does not fit" in edition.fault
    assert "cameras.0: found 'gone'; allowed: one of cam, cam2" in edition.fault
    assert edition.config.rules == config.rules
    assert not edition.config.cameras["cam2"].enabled


def test_whoever_changes_what_another_has_changed_meanwhile_is_told(store: Store) -> None:
    with store.write() as session:
        versions.add(session, DRAWN, "chen", "", 0, at(0))
    with pytest.raises(versions.Outdated, match="version 1 is the newest, not 0"), store.write() as session:
        versions.add(session, Changes(), "li", "", 0, at(1))
    with store.write() as session:
        versions.add(session, Changes(), "li", "", 1, at(-5))  # the clock was set back
    with store.read() as session:
        first, second = versions.load(session)
        assert (first.since, first.changes, second.changes) == (at(1), DRAWN, Changes())
        assert second.since > first.since
        assert versions.load(session, at(3)) == (second,)
        assert versions.load(session, at(0)) == (first, second)


def test_who_comes_onto_a_list_counts_from_then_on(
    bus: Bus, store: Store, clock: ManualClock, tmp_path: Path
) -> None:
    """A vehicle stands there; its plate is put on the list, and taken off it again."""
    listed = plates(tmp_path, "plate,from,until\n粤T99999,,\n")
    now_wanted = read({"lists": {"black.csv": "plate,from,until\n粤T12345,,\n"}})
    publish(bus, *(car(n / 2, "粤T12345") for n in range(40)))
    change(store, now_wanted, 10)
    change(store, Changes(), 15)
    with working(listed, bus, store, clock):
        until("the end of the log", decided(bus, store))
    assert opened(store) == [10]
    (row,) = incidents(store)
    assert row.subject == "粤T12345"
    assert row.last_seen_at < at(15)
    with store.read() as session:
        first, second = versions.load(session)
    books = Books(listed)
    assert books.of(first).books["everyday"].version != books.of(second).books["everyday"].version
    assert books.of(second).books["everyday"].version == books.everyday.version

"""What the police look for, in the real worker over the real bus and store, from its order to its end."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from alerts.actions import Doing, act
from alerts.backtest.past import Span, raised
from alerts.facts import NO_FACTS, Facts
from alerts.incidents.life import Action
from alerts.store import Store, facts
from alerts.store.schema import IncidentRow, OutboxRow
from lianfang.bus import Bus
from lianfang.clock import ManualClock
from lianfang.config import Config
from lianfang.errors import ConfigError
from lianfang.events import Observation
from tests.e2e.installation import until
from tests.integration.test_alert_worker import decided, publish, rows, working
from tests.support.configs import SECRETS
from tests.support.dispositions import LOOKS_LIKE, NUMBER, OTHER, PLATE, gate, order, ordered_site, revoke
from tests.support.observations import at, observation
from tests.support.viid import TOLLGATE
from tests.unit.alerts.test_incidents import A

END = 4 * 3600  # the script begins at 14:00 in Shanghai: 18:00:00


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    return ordered_site(tmp_path)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(at(0))


def car(seconds: float, plate: str = PLATE, track: int = 1, camera: str = "cam") -> Observation:
    read = {"plate": plate, "plate_accepted": True}
    return observation(seconds, {track: A}, label="car", attributes=read, camera=camera)


def passing(seconds: float, track: int, plate: str = PLATE, camera: str = "cam") -> list[Observation]:
    """Return somebody who drives by, and the empty road afterwards."""
    empty = [observation(seconds + 0.2 * n, {}, camera=camera) for n in range(1, 4)]
    return [car(seconds, plate, track, camera), *empty]


def hits(store: Store) -> list[tuple[float, str, bool]]:
    """Return (second, plate, for review) of every incident."""
    with store.read() as session:
        rows = session.scalars(select(IncidentRow).order_by(IncidentRow.opened_at)).all()
    return [((r.opened_at - at(0)).total_seconds(), r.subject, r.review) for r in rows]


def replayed(config: Config, bus: Bus, known: Facts) -> list[tuple[float, str, bool]]:
    found = raised(config, bus, Span(None, None), lambda _: None, known)
    return [((i.opened_at - at(0)).total_seconds(), i.subject, i.review) for i in found]


def test_p3_until_18_00_00_it_is_one_hit_also_with_a_restart_and_in_a_backtest(
    config: Config, bus: Bus, store: Store, clock: ManualClock
) -> None:
    order(store, 10, end_at=at(END))
    with working(config, bus, store, clock):
        publish(bus, *passing(9, 1), *passing(END - 1, 2))
        until("17:59:59", decided(bus, store))
    with working(config, bus, store, clock):
        publish(bus, *passing(END + 1, 3))
        until("18:00:01", decided(bus, store))
    assert hits(store) == [(END - 1, PLATE, False)]
    with store.read() as session:
        known = facts.load(session)
    assert replayed(config, bus, known) == hits(store)
    assert replayed(config, bus, NO_FACTS) == []


def test_a_rule_that_goes_by_orders_tells_who_gave_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match="'library'; allowed: a receiver among those in 'notify'"):
        ordered_site(tmp_path, ("rules.entry.notify", []))


def test_p2_what_only_looks_like_it_is_for_review(
    config: Config, bus: Bus, store: Store, clock: ManualClock
) -> None:
    order(store)
    with working(config, bus, store, clock):
        publish(bus, *passing(10, 1, LOOKS_LIKE))
        until("the end of the log", decided(bus, store))
    assert hits(store) == [(10, LOOKS_LIKE, True)]


def test_it_counts_while_the_service_runs_and_no_longer_than_it_was_wanted(
    config: Config, bus: Bus, store: Store, clock: ManualClock
) -> None:
    with working(config, bus, store, clock):
        publish(bus, *passing(10, 1))
        until("nobody looks for it", decided(bus, store))
        order(store, 20)
        publish(bus, *passing(15, 2), *passing(200, 3))
        until("it is looked for", decided(bus, store))
        revoke(store, 400)
        publish(bus, *passing(399, 4), *passing(600, 5))
        until("not any more", decided(bus, store))
    assert hits(store) == [(200, PLATE, False), (399, PLATE, False)]
    with store.read() as session:
        assert replayed(config, bus, facts.load(session)) == hits(store)


def test_it_is_looked_for_at_its_tollgates_only(
    config: Config, bus: Bus, store: Store, clock: ManualClock
) -> None:
    order(store, tollgates=[TOLLGATE])
    order(store, number=OTHER, plate="粤A98765")
    with working(config, bus, store, clock):
        publish(bus, *passing(10, 1, camera="cam2"))
        publish(bus, *passing(20, 2), *passing(30, 3, "粤A98765"))
        publish(bus, *passing(40, 4, "粤A98765", camera="cam2"))
        until("the end of the log", decided(bus, store))
    found = hits(store)
    assert [(plate, second) for second, plate, _ in found] == [(PLATE, 20), ("粤A98765", 30)]


def owed(store: Store) -> list[tuple[str, int, bool]]:
    """Return (receiver, version, whether it is the answer to an order) of all that is owed."""
    found = rows(store, OutboxRow)
    return sorted((row.receiver, row.incident_version, "disposition" in row.payload) for row in found)


def answers(store: Store) -> list[tuple[str, str]]:
    """Return (receiver, number of the order) of every answer that is owed."""
    found = [row for row in rows(store, OutboxRow) if "disposition" in row.payload]
    return [(row.receiver, row.payload["disposition"]["number"]) for row in found]


def do(store: Store, config: Config, clock: ManualClock, action: Action) -> None:
    (incident,) = rows(store, IncidentRow)
    act(store, config, clock, incident.id, Doing(action, "wang", "看过"))


def test_whoever_ordered_it_is_told_once_and_only_of_what_a_person_has_confirmed(
    tmp_path: Path, config: Config, bus: Bus, store: Store, clock: ManualClock
) -> None:
    both = [{"receiver": "library"}, {"receiver": "police", "mode": "drill"}]
    config = ordered_site(tmp_path, ("rules.entry", gate(notify=both)))
    order(store)
    order(store, number=OTHER, title="另案")
    order(store, number=OTHER[:-1] + "9", plate="粤A98765")
    with working(config, bus, store, clock):
        publish(bus, *passing(10, 1))
        until("the end of the log", decided(bus, store))
    assert {receiver for receiver, _, _ in owed(store)} == {"police"}
    do(store, config, clock, Action.CONFIRM)
    assert answers(store) == [("library", NUMBER), ("library", OTHER)]
    first = next(row for row in rows(store, OutboxRow) if row.receiver == "library")
    assert "disposition" not in first.payload, "the vehicle comes first, then what refers to it"
    do(store, config, clock, Action.HANDLE)
    do(store, config, clock, Action.CLOSE)
    library = [row for row in owed(store) if row[0] == "library"]
    assert len([one for one in library if one[2]]) == 2, "once an incident"
    assert len([one for one in library if not one[2]]) >= 2
    assert not any(answering for receiver, _, answering in owed(store) if receiver == "police")


def test_what_was_a_false_alarm_is_no_hit(config: Config, bus: Bus, store: Store, clock: ManualClock) -> None:
    order(store)
    with working(config, bus, store, clock):
        publish(bus, *passing(10, 1))
        until("the end of the log", decided(bus, store))
    do(store, config, clock, Action.FALSE_ALARM)
    assert owed(store) == []


def test_what_another_order_did_not_want_then_is_not_answered(
    config: Config, bus: Bus, store: Store, clock: ManualClock
) -> None:
    order(store, end_at=at(60))
    order(store, 30, OTHER)
    with working(config, bus, store, clock):
        publish(bus, *passing(10, 1))
        until("the end of the log", decided(bus, store))
    revoke(store, 50)
    do(store, config, clock, Action.CONFIRM)
    assert answers(store) == [("library", NUMBER)], "as it stood when the vehicle passed"

"""Several processes on one PostgreSQL: nobody overwrites, overtakes or waits for ever."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import select
from sqlalchemy.exc import ProgrammingError

from alerts import trials
from alerts.deadlines import Deadlines
from alerts.incidents.model import ChangeKind
from alerts.store import Store, receivers, suppressions
from alerts.store import postgresql as module
from alerts.store.incidents import add_change, hold, write_changes
from alerts.store.schema import Base, ChangeRow, IncidentRow, OutboxRow
from lianfang.clock import ManualClock
from lianfang.errors import LianfangError, TransientError
from tests.support.configs import loaded
from tests.support.decided import Desk
from tests.support.escalation import cases
from tests.support.observations import at, observation
from tests.support.outbox import T0, open_incident
from tests.support.postgresql import OWNER, USER, database, name_of, own_server, shared_server
from tests.support.stores import opener
from tests.unit.alerts.test_incidents import A

WAIT_S = 60.0


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[list[Store]]:
    with opener("postgresql", tmp_path) as another:
        yield [another(), another()]


def together(*works: Callable[[], None]) -> None:
    """Run works in threads; raise what the first of them raised."""
    failed: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - for the test to see
            failed.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
        assert not thread.is_alive()
    for error in failed:
        raise error


def test_two_that_start_at_once_begin_each_trial_once(stores: list[Store], tmp_path: Path) -> None:
    config, clock = loaded(tmp_path, ("community.trial_days", 7)), ManualClock(T0)
    together(*[partial(trials.begin, store, config, clock) for store in stores])
    with stores[0].write() as session:
        assert sorted(row.camera for row in suppressions.trials(session)) == ["cam", "cam2"]


def test_two_that_start_at_once_make_one_schema() -> None:
    where = shared_server().create(migrated=False)
    opened: list[Store] = []
    together(*[lambda: opened.append(Store(database(where)))] * 3)
    assert len(opened) == 3
    with opened[0].read() as session:
        assert session.scalars(select(IncidentRow)).all() == []
    for store in opened:
        store.close()


def test_whoever_follows_the_numbers_misses_no_change(stores: list[Store]) -> None:
    """One draws its number and dawdles; another must not commit a higher one before it."""
    with stores[0].write() as session:
        ids = [open_incident(session, name) for name in "ab"]

    def write() -> None:
        with stores[1].write() as session:
            add_change(session, ids[1], ChangeKind.RAISED, "system", {}, T0)

    def after(number: int) -> list[int]:
        with stores[0].read() as session:
            newer = select(ChangeRow.seq).where(ChangeRow.seq > number).order_by(ChangeRow.seq)
            return list(session.scalars(newer))

    other = threading.Thread(target=write)
    with stores[0].write() as session:
        add_change(session, ids[0], ChangeKind.RAISED, "system", {}, T0)
        write_changes(session)
        other.start()
        other.join(1)  # it is there by now, or waits
        seen = after(0)
    other.join(WAIT_S)
    seen += after(seen[-1] if seen else 0)
    assert seen == after(0)
    assert len(seen) == 2


def test_two_that_change_an_incident_both_count(stores: list[Store]) -> None:
    with stores[0].write() as session:
        incident_id = open_incident(session, "a")

    def write(store: Store) -> None:
        for _ in range(20):
            with store.write() as session:
                add_change(session, incident_id, ChangeKind.RAISED, "system", {}, T0)

    together(lambda: write(stores[0]), lambda: write(stores[1]))
    with stores[0].read() as session:
        assert sorted(session.scalars(select(ChangeRow.version))) == list(range(2, 42))
        assert session.scalar(select(IncidentRow.version)) == 41


def test_two_that_want_the_same_incidents_do_not_wait_for_each_other_for_ever(stores: list[Store]) -> None:
    with stores[0].write() as session:
        ids = [open_incident(session, f"i{i}") for i in range(10)]

    def write(store: Store, order: list[str]) -> None:
        for _ in range(20):
            with store.write() as session:
                hold(session, order)
                for incident_id in order:
                    add_change(session, incident_id, ChangeKind.RAISED, "system", {}, T0)

    together(lambda: write(stores[0], ids), lambda: write(stores[1], ids[::-1]))
    with stores[0].read() as session:
        assert set(session.scalars(select(IncidentRow.version))) == {41}


def test_two_may_disable_the_same_receiver(stores: list[Store]) -> None:
    def disable(store: Store) -> None:
        with store.write() as session:
            receivers.disable(session, "police", now=T0, reason="410")
            time.sleep(0.05)

    together(lambda: disable(stores[0]), lambda: disable(stores[1]))
    with stores[0].read() as session:
        assert receivers.disabled(session) == {"police"}


def test_one_that_stands_still_in_the_middle_of_a_write_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    where = shared_server().create()
    other = Store(database(where))
    with other.write() as session:
        ids = [open_incident(session, name) for name in "ab"]
    monkeypatch.setitem(module._SERVER, "idle_in_transaction_session_timeout", "300ms")
    still = Store(database(where))

    def stand_still() -> None:
        with still.write() as session:
            add_change(session, ids[0], ChangeKind.RAISED, "system", {}, T0)
            write_changes(session)
            with other.write() as second:  # waits for the numbers of the first, until that is cut
                add_change(second, ids[1], ChangeKind.RAISED, "system", {}, T0)

    with pytest.raises(TransientError, match="cannot write now"):
        stand_still()
    with other.read() as session:
        assert [c.incident_id for c in session.scalars(select(ChangeRow))] == [ids[1]]
    still.close()
    other.close()


def test_a_server_that_was_away_is_used_again() -> None:
    with own_server() as server:
        store = Store(database(server.create()))
        with store.write() as session:
            open_incident(session, "a")
        server.kill()
        for _ in range(2):
            with pytest.raises(TransientError, match="cannot write now"), store.write() as session:
                open_incident(session, "b")
            with pytest.raises(TransientError, match="cannot read now"), store.read() as session:
                session.scalars(select(IncidentRow)).all()
        with pytest.raises(TransientError, match="cannot be opened now"):
            Store(store._database)
        server.start()
        with store.write() as session:
            open_incident(session, "b")
        with store.read() as session:
            assert len(session.scalars(select(IncidentRow)).all()) == 2
        # A password never goes over the wire in clear, whatever the server asks for.
        server.add_rule("host all all 127.0.0.1/32 password")
        store.close()
        with pytest.raises(TransientError, match="cannot be opened now") as refused:
            Store(store._database)
        assert server.password not in str(refused.value)
        store.close()


def test_the_service_needs_no_right_to_change_tables() -> None:
    server = shared_server()
    where = server.create(OWNER, migrated=False)
    with server.admin(name_of(where)) as session:
        for right in ("SELECT, INSERT, UPDATE, DELETE ON TABLES", "USAGE ON SEQUENCES"):
            session.execute(f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT {right} TO {USER}")
    with pytest.raises(LianfangError, match="cannot be used: permission denied"):
        Store(database(where))
    Store(database(where.replace(USER, OWNER, 1))).close()
    store = Store(database(where))
    with store.write() as session:
        incident_id = open_incident(session, "a")
        add_change(session, incident_id, ChangeKind.RAISED, "system", {}, T0)
    with pytest.raises(ProgrammingError, match="must be owner"):
        Base.metadata.drop_all(store.engine)
    store.close()


def test_what_is_due_to_a_case_is_done_once(stores: list[Store], tmp_path: Path) -> None:
    """Two services look at the same moment; after that it is over for both."""
    config, clock = cases(tmp_path), ManualClock(at(0))
    desk = Desk(stores[0], config)
    desk(observation(0, {1: A}))
    services = [Deadlines(store, lambda: config, clock, CollectorRegistry()) for store in stores]
    together(*[service.begin for service in services])
    for seconds in (60, 120, 300, 1000):
        clock.advance_to(at(seconds))
        together(*[service.turn for service in services * 2])
    kinds = Counter(change.kind for change in desk.changes())
    assert {kind: kinds[kind] for kind in ("overdue", "forwarded", "tier_due")} == {
        "overdue": 1,
        "forwarded": 1,
        "tier_due": 1,
    }
    with stores[1].read() as session:
        assert session.scalars(select(OutboxRow.receiver)).all() == ["grid_app"]

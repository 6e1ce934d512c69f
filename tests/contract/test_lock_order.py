"""On PostgreSQL incidents are locked first and in one order: no two writers wait for each other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from alerts.channels.base import Receipt
from alerts.delivery.attempt import Attempt
from alerts.delivery.exchange import Asked, Exchange
from alerts.delivery.policy import Done
from alerts.store import Store, outbox, speakers, subscriptions
from alerts.store.incidents import hold
from alerts.store.schema import OutboxRow
from tests.support.outbox import T0, open_incident, owe_notice, owe_speech
from tests.support.stores import opener

WAIT_S = 60.0
SUBSCRIBER = "library:1"
Act = Callable[[Store], object]


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[list[Store]]:
    with opener("postgresql", tmp_path) as another:
        yield [another(), another(), another()]


def _lane(store: Store) -> Exchange:
    return Exchange(store, "lane", {"horn": None}, lease_s=600, commands=True)


def _ends_what_is_over(store: Store) -> Act:
    with store.write() as session:
        for name in _names(session)[::-1]:
            owe_speech(session, "horn", name)  # of 2025: nobody may say it any more
    nothing = Asked((), ["horn"], (), {"horn": 1})
    return lambda own: _lane(own)(nothing, T0)


def _writes_what_was_said(store: Store) -> Act:
    with store.write() as session:
        for name in _names(session)[::-1]:
            owe_speech(session, "horn", name, valid_s=1e9)
        session.flush()
        seqs = session.scalars(select(OutboxRow.seq)).all()
        rows = outbox.lease(session, seqs, owner="lane", now=store.now(session, T0), lease_s=600)
    said = [(Attempt(row, Receipt("finished", "")), Done("finished", "")) for row in rows]
    return lambda own: _lane(own)(Asked(said, (), (), {}), T0)


def _breaks_off_everything(store: Store) -> Act:
    with store.write() as session:
        for name in _names(session)[::-1]:
            owe_speech(session, "horn", name)

    def stop(own: Store) -> None:
        with own.write() as session:
            assert len(speakers.stopped(session, "standstill", now=T0)) == 2

    return stop


def _ends_a_subscription(store: Store) -> Act:
    with store.write() as session:
        for name in _names(session)[::-1]:
            owe_notice(session, SUBSCRIBER, name)

    def end(own: Store) -> None:
        with own.write() as session:
            assert subscriptions.end_owed(session, [SUBSCRIBER], T0) == 2

    return end


def _tells_many_at_once(store: Store) -> Act:
    with store.write() as session:
        along = [owe_notice(session, SUBSCRIBER, name) for name in _names(session)[::-1]]

    def told(own: Store) -> None:
        with own.write() as session:
            subscriptions.taken(session, SUBSCRIBER, "head", along, T0, "")

    return told


def _names(session: Session) -> list[str]:
    """Return the names of two incidents in the order in which they are locked."""
    return sorted("ab", key=lambda name: open_incident(session, name))


@pytest.mark.parametrize(
    "begin",
    [
        _ends_what_is_over,
        _writes_what_was_said,
        _breaks_off_everything,
        _ends_a_subscription,
        _tells_many_at_once,
    ],
)
@pytest.mark.parametrize("wanted", ["the other incident", "what is owed"])
def test_whoever_waits_for_an_incident_holds_nothing(
    stores: list[Store], begin: Callable[[Store], Act], wanted: str
) -> None:
    one, other, looker = stores
    act = begin(one)
    failed: list[BaseException] = []

    def run() -> None:
        try:
            act(other)
        except BaseException as error:  # noqa: BLE001 - for the test to see
            failed.append(error)

    beside = threading.Thread(target=run)
    with one.write() as session:
        first, last = (open_incident(session, name) for name in _names(session))
        hold(session, [first])
        beside.start()
        _until_it_waits(looker, beside)
        if wanted == "the other incident":
            hold(session, [last])
        else:
            session.scalars(select(OutboxRow).with_for_update()).all()
    beside.join(WAIT_S)
    assert not beside.is_alive()
    assert failed == []
    with looker.read() as session:
        assert "pending" not in session.scalars(select(OutboxRow.state)).all()


def _until_it_waits(store: Store, beside: threading.Thread) -> None:
    query = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline and beside.is_alive():
        with store.read() as session:
            if session.scalar(query):
                return
        time.sleep(0.01)
    pytest.fail("it did not wait for the incident")

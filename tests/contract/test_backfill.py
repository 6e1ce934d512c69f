"""What goes out late: its order, its share, its mark."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from alerts.delivery.attempt import Attempt
from alerts.delivery.backfill import Allowance, choose, mark
from alerts.delivery.policy import Again
from alerts.delivery.settle import settle
from alerts.incidents.model import State
from alerts.notice_settings import Backfill
from alerts.store import Store, again, outbox
from alerts.store.schema import IncidentRow, OutboxRow
from lianfang.errors import TransientError
from lianfang.ids import identify
from tests.support.outbox import T0, owe_notice, row

LATE_S = 600.0
HOW = {"police": Backfill(after_s=LATE_S, per_s=2)}
LIVE: dict[str, Any] = {"mode": "live", "confirmed_by": "operator", "confirmed_at": T0.isoformat()}


def _at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def _over(session: Session, incident: str, *, state: State = State.NEW, ended: bool = True) -> None:
    found = session.get_one(IncidentRow, identify("incident", incident))
    found.state, found.ended_at = state, T0 if ended else None


def _attempt(store: Store, at_s: float) -> OutboxRow:
    """Lease the one notice that is due, and mark it as the worker does."""
    with store.write() as session:
        limits = {"police": 1}
        (found,) = outbox.claim(session, owner="one", now=_at(at_s), lease_s=10, limit=1, receivers=limits)
        mark(session, [found], _at(at_s), HOW)
    return found


def _fails(store: Store, attempted: OutboxRow, *, untaken: bool) -> None:
    error = TransientError("busy", untaken=untaken)
    with store.write() as session:
        verdict = Again(attempted.due_at, "busy")
        settle(session, [(Attempt(attempted, error=error), verdict)], owner="one", now=T0, speakers=())


def test_what_is_new_comes_first_then_what_goes_on_then_the_rest(store: Store) -> None:
    with store.write() as session:
        for name in ("over 1", "over 2", "over 3", "judged", "open", "open too"):
            owe_notice(session, "police", name)
        owe_notice(session, "police", "new", now=_at(LATE_S + 60))
        owe_notice(session, "police", "new", version=2, now=_at(LATE_S + 61))
    with store.write() as session:
        for name in ("over 1", "over 2", "over 3"):
            _over(session, name)
        _over(session, "judged", state=State.FALSE_ALARM, ended=False)
    now = _at(LATE_S + 62)

    def chosen(room: int, allowed: int) -> list[str]:
        with store.read() as session:
            heads = choose(session, now, {"police": room}, {"police": allowed}, HOW)
            incidents = [session.get_one(OutboxRow, head.seq).about for head in heads]
        names = ("over 1", "over 2", "over 3", "judged", "open", "open too", "new")
        known = {identify("incident", name): name for name in names}
        return [known[incident] for incident in incidents]

    assert chosen(32, 2) == ["new", "open", "open too", "over 1", "over 2"]
    assert chosen(32, 9)[3:] == ["over 1", "over 2", "over 3", "judged"]
    assert chosen(32, 0) == ["new", "open", "open too"]
    assert chosen(2, 9) == ["new", "open"]
    assert chosen(0, 9) == []


@pytest.mark.parametrize(
    ("mode", "state", "ended", "at_s", "told"),
    [
        ("live", State.CLOSED, True, LATE_S, "backfill"),
        ("live", State.NEW, True, LATE_S, "backfill"),  # nobody is there any more
        ("live", State.FALSE_ALARM, False, LATE_S, "backfill"),  # a withdrawal, too
        ("live", State.NEW, True, LATE_S - 1, "live"),  # in time
        ("live", State.ACKNOWLEDGED, False, 86_400, "live"),  # somebody may still be in the water
        ("task", State.CLOSED, True, LATE_S, "task"),
        ("drill", State.CLOSED, True, LATE_S, "drill"),
    ],
)
def test_a_live_notice_that_is_late_is_marked_where_it_is_over(
    store: Store, mode: str, state: State, ended: bool, at_s: float, told: str
) -> None:
    with store.write() as session:
        delivery = owe_notice(session, "police", **LIVE | {"mode": mode})
    with store.write() as session:
        _over(session, "a", state=state, ended=ended)
    assert _attempt(store, at_s).payload["mode"] == told
    assert row(store, delivery).payload["mode"] == told  # before it is sent, and for every later attempt


@pytest.mark.parametrize(
    ("untaken", "told"),
    [
        (True, "backfill"),  # it said that it has not taken it, or was not reached: nothing was told yet
        (False, "live"),  # it may have it: under this id it is told the same
    ],
)
def test_what_it_may_have_been_told_stays(store: Store, untaken: bool, told: str) -> None:
    with store.write() as session:
        owe_notice(session, "police", **LIVE)
    first = _attempt(store, 0)
    assert first.payload["mode"] == "live"
    _fails(store, first, untaken=untaken)
    with store.write() as session:
        _over(session, "a")
    assert _attempt(store, 3 * LATE_S).payload["mode"] == told


def test_what_a_killed_service_sent_stays(store: Store) -> None:
    with store.write() as session:
        owe_notice(session, "police", **LIVE)
    _attempt(store, 0)
    with store.write() as session:
        _over(session, "a")
    assert _attempt(store, LATE_S + 20).payload["mode"] == "live"


def test_the_mark_stays(store: Store) -> None:
    with store.write() as session:
        owe_notice(session, "police", **LIVE)
    with store.write() as session:
        _over(session, "a")
    marked = _attempt(store, LATE_S)
    _fails(store, marked, untaken=False)
    with store.write() as session:
        session.get_one(IncidentRow, identify("incident", "a")).ended_at = None
    assert _attempt(store, 2 * LATE_S).payload["mode"] == "backfill"


def test_what_a_person_has_sent_again_is_written_anew(store: Store) -> None:
    with store.write() as session:
        delivery = owe_notice(session, "police", **LIVE)
    _attempt(store, 0)
    with store.write() as session:
        _over(session, "a")
        outbox.delivered(session, session.get_one(OutboxRow, 1), now=_at(1), outcome="200")
    with store.write() as session:
        again.replay(session, delivery, _at(86_400))
    assert _attempt(store, 86_400).payload["mode"] == "backfill"


def test_the_share_of_a_second() -> None:
    share = Allowance(2)
    assert share.room(10) == 2
    share.took(2)
    assert share.room(10.4) == 0
    assert share.room(10.6) == 1
    assert share.room(100) == 2  # no more at once, however long nothing went
    share.took(5)  # some of them need not wait
    assert share.room(100.5) == 1
    rare = Allowance(0.2)
    assert rare.room(0) == 1
    rare.took(1)
    assert [rare.room(at_s) for at_s in (4.9, 5.1, 60)] == [0, 1, 1]

"""Subscriptions in the store: kept by number, in force for a time, and nothing is sent when they are over."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from alerts.store import Store, subscriptions
from alerts.store.schema import ChangeRow, OutboxRow
from alerts.store.subscriptions import Wanted, name_of, receiver_of
from alerts.viid.inbound.settings import LONGEST_NAME
from tests.support.outbox import T0, owe_notice, row

NUMBER = "442000000000032025060108000000001"
NAME = name_of("library", NUMBER)


def wanted(**changed: object) -> Wanted:
    usual: dict[str, object] = {
        "title": "卡口过车",
        "kinds": [13],
        "resources": [],
        "organisation": "中山市公安局",
        "begin_at": T0,
        "end_at": T0 + timedelta(hours=1),
        "address": "http://10.20.3.4/VIID/SubscribeNotifications",
        "interval_s": 0,
    }
    return Wanted(**usual | changed)  # type: ignore[arg-type]


def put(store: Store, number: str = NUMBER, receiver: str = "library", **changed: object) -> None:
    with store.write() as session:
        subscriptions.put(session, receiver, number, wanted(**changed), T0)


def later(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def in_force(store: Store, at: datetime, receiver: str = "library") -> list[str]:
    with store.read() as session:
        return [one.title for one in subscriptions.in_force(session, receiver, at)]


def test_a_name_says_with_whom_it_is_kept() -> None:
    assert receiver_of(NAME) == "library"
    assert receiver_of("library") == "library"
    assert len(name_of("l" * LONGEST_NAME, NUMBER)) == 64


@pytest.mark.parametrize(
    ("at_s", "found"),
    [(-0.001, []), (0, ["卡口过车"]), (3599.999, ["卡口过车"]), (3600, [])],
)
def test_it_holds_from_its_begin_until_before_its_end(store: Store, at_s: float, found: list[str]) -> None:
    put(store)
    assert in_force(store, later(at_s)) == found
    assert in_force(store, later(at_s), "another") == []


def test_what_was_asked_for_last_under_a_number_holds(store: Store) -> None:
    put(store)
    put(store)
    put(store, title="新")
    assert in_force(store, T0) == ["新"]
    with store.write() as session:
        assert subscriptions.cancel(session, "library", NUMBER, T0)
        assert subscriptions.cancel(session, "library", NUMBER, later(1))
        assert subscriptions.over(session, NAME, T0) == "the subscription was cancelled"
    assert in_force(store, T0) == []
    put(store)
    assert in_force(store, T0) == ["卡口过车"]
    with store.write() as session:
        assert subscriptions.remove(session, "library", NUMBER)
        assert not subscriptions.remove(session, "library", NUMBER)
        assert not subscriptions.cancel(session, "library", NUMBER, T0)
        assert subscriptions.over(session, NAME, T0) == "the subscription was deleted"
        assert subscriptions.count(session, "library") == 0


@pytest.mark.parametrize(
    ("end", "at_s", "why"),
    [
        ("cancel", 1, "the subscription was cancelled"),
        ("remove", 1, "the subscription was deleted"),
        ("", 3600, "the subscription has expired"),
        ("", 3599, ""),
    ],
)
def test_what_is_owed_ends_with_it_and_says_why(store: Store, end: str, at_s: float, why: str) -> None:
    put(store)
    with store.write() as session:
        owed = [owe_notice(session, NAME, "a", 1), owe_notice(session, NAME, "a", 2)]
        other = owe_notice(session, "library", "a", 1)
    with store.write() as session:
        if end == "cancel":
            subscriptions.cancel(session, "library", NUMBER, T0)
        if end == "remove":
            subscriptions.remove(session, "library", NUMBER)
    with store.write() as session:
        names = subscriptions.served(session, ["library"], later(at_s))
        assert names == [NAME]
        assert subscriptions.served(session, ["another"], later(at_s)) == []
        assert subscriptions.end_owed(session, names, later(at_s)) == (2 if why else 0)
    ends = [(r.state, r.last_error) for r in (row(store, one) for one in owed)]
    assert ends == [("expired", why) if why else ("pending", "")] * 2
    assert row(store, other).state == "pending"
    with store.read() as session:
        said = [change.data["detail"] for change in session.scalars(select(ChangeRow))]
        assert said == ([why] * 2 if why else [])


def test_a_message_that_was_taken_takes_along_what_it_carried_and_holds_the_next_back(store: Store) -> None:
    put(store, interval_s=60)
    with store.write() as session:
        head, along, next_ = (owe_notice(session, NAME, one) for one in "abc")
        other = owe_notice(session, "library", "a")
    with store.write() as session:
        subscriptions.taken(session, NAME, head, [along], later(10), "N1")
    states = {one: (row(store, one).state, row(store, one).due_at) for one in (head, along, next_, other)}
    assert states == {
        head: ("pending", T0),
        along: ("delivered", T0),
        next_: ("pending", later(70)),
        other: ("pending", T0),
    }
    with store.read() as session:
        assert session.get_one(subscriptions.SubscriptionRow, NAME).next_at == later(70)


def test_only_what_was_never_tried_may_go_along(store: Store) -> None:
    put(store)
    with store.write() as session:
        first, second, third = (owe_notice(session, NAME, one) for one in "abc")
    with store.write() as session:
        session.scalars(select(OutboxRow).where(OutboxRow.id == second)).one().attempts = 1
    with store.read() as session:
        found = subscriptions.waiting(session, NAME, row(store, first).seq, 10)
        assert [one.id for one in found] == [third]


def test_one_service_at_a_time_tells_of_records(store: Store) -> None:
    put(store, interval_s=60)
    with store.write() as session:
        owed = owe_notice(session, NAME)
        assert subscriptions.begin_telling(session, NAME, T0, later(30)) == {}
        assert subscriptions.begin_telling(session, NAME, later(29), later(60)) is None
        assert subscriptions.begin_telling(session, "library:none", T0, later(30)) is None
    with store.write() as session:
        assert subscriptions.begin_telling(session, NAME, later(30), later(60)) == {}  # the other has died
        subscriptions.end_telling(session, NAME, {}, later(31))
        assert subscriptions.begin_telling(session, NAME, later(31), later(60)) == {}
        subscriptions.end_telling(session, NAME, {"a": "1"}, later(31))
        subscriptions.end_telling(session, "library:none", {"a": "1"}, later(31))
    assert row(store, owed).due_at == later(91)
    with store.write() as session:
        assert subscriptions.begin_telling(session, NAME, later(90), later(99)) is None  # the interval
        assert subscriptions.begin_telling(session, NAME, later(91), later(99)) == {"a": "1"}
        subscriptions.end_telling(session, NAME, {"b": "2"}, later(91))
        assert session.get_one(subscriptions.SubscriptionRow, NAME).told == {"a": "1", "b": "2"}


@pytest.mark.parametrize(("cancelled", "told"), [(False, {"a": "1"}), (True, {})])
def test_one_that_was_cancelled_begins_anew(store: Store, cancelled: bool, told: dict[str, str]) -> None:
    put(store)
    with store.write() as session:
        subscriptions.end_telling(session, NAME, {"a": "1"}, T0)
        if cancelled:
            subscriptions.cancel(session, "library", NUMBER, T0)
    put(store)
    with store.read() as session:
        assert session.get_one(subscriptions.SubscriptionRow, NAME).told == told

"""Answers that come when somebody else has taken the row over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.delivery.attempt import Attempt
from alerts.delivery.policy import Again, Dead, Done, Kept, Verdict
from alerts.delivery.settle import settle
from alerts.store import Store, outbox
from tests.support.outbox import T0, open_store, owe_notice, row


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def _settle(store: Store, verdict: Verdict, *, taken_over: bool) -> str:
    """Let ``slow`` claim a row, perhaps ``quick`` after it, and ``slow`` come back with ``verdict``."""
    with store.write() as session:
        delivery = owe_notice(session, "police")
    for owner, at_s in (("slow", 0), ("quick", 10))[: 2 if taken_over else 1]:
        with store.write() as session:
            claimed = outbox.claim(
                session,
                owner=owner,
                now=T0 + timedelta(seconds=at_s),
                lease_s=10,
                limit=1,
                receivers={"police": 1},
            )
            assert [r.id for r in claimed] == [delivery]
    with store.write() as session:
        settle(session, [(Attempt(claimed[0]), verdict)], owner="slow", now=T0, speakers=())
    return delivery


@pytest.mark.parametrize("verdict", [Again(T0, "busy"), Dead("no"), Kept("gone")])
def test_a_failure_counts_no_more(store: Store, verdict: Verdict) -> None:
    after = row(store, _settle(store, verdict, taken_over=True))
    assert (after.state, after.lease_owner, after.last_error) == ("pending", "quick", "")


def test_a_success_counts_always(store: Store) -> None:
    assert row(store, _settle(store, Done("200", ""), taken_over=True)).state == "delivered"


@pytest.mark.parametrize(
    ("verdict", "state"), [(Again(T0, "busy"), "pending"), (Dead("no"), "dead"), (Kept("gone"), "pending")]
)
def test_the_owner_of_the_lease_decides(store: Store, verdict: Verdict, state: str) -> None:
    after = row(store, _settle(store, verdict, taken_over=False))
    assert (after.state, after.lease_owner) == (state, "")
    assert after.last_error


def test_what_has_ended_does_not_end_again(store: Store) -> None:
    delivery = _settle(store, Done("200", ""), taken_over=True)
    with store.write() as session:
        late = Attempt(row(store, delivery))
        assert settle(session, [(late, Dead("no"))], owner="quick", now=T0, speakers=()) == []
    assert row(store, delivery).state == "delivered"

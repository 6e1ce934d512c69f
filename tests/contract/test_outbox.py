"""The outbox: heads only, leases, followers, validity, replay."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from alerts.store import Store, again, due, outbox, receivers, speakers
from alerts.store.schema import ChangeRow, IncidentRow, OutboxRow
from lianfang.errors import TransientError
from tests.support.outbox import T0, open_incident, owe_notice, owe_speech, row
from tests.support.stores import Opener

POLICE, LEASE_S = "police", 30.0


def _claim(store: Store, at_s: float = 0, owner: str = "one", **receivers: int) -> list[str]:
    with store.write() as session:
        rows = outbox.claim(
            session,
            owner=owner,
            now=T0 + timedelta(seconds=at_s),
            lease_s=LEASE_S,
            limit=100,
            receivers=receivers or {POLICE: 100},
        )
        return [r.id for r in rows]


def _taken(store: Store, delivery_id: str) -> int:
    return row(store, delivery_id).seq


def test_the_same_id_is_owed_once(store: Store) -> None:
    with store.write() as session:
        first = owe_notice(session, POLICE)
        assert owe_notice(session, POLICE, people=7) == first
    with store.read() as session:
        rows = session.scalars(select(OutboxRow)).all()
    assert [(r.id, r.payload["people"]) for r in rows] == [(first, 1)]


def test_only_heads_are_claimed(store: Store) -> None:
    with store.write() as session:
        a1, _a2 = owe_notice(session, POLICE, "a", 1), owe_notice(session, POLICE, "a", 2)
        b1 = owe_notice(session, POLICE, "b", 1)
        other = owe_notice(session, "city", "a", 2)
    assert _claim(store, police=100, city=100) == [a1, b1, other]
    assert _claim(store, police=100, city=100) == []


def test_a_delivered_head_releases_the_next(store: Store) -> None:
    with store.write() as session:
        a1, a2 = owe_notice(session, POLICE, "a", 1), owe_notice(session, POLICE, "a", 2)
    assert _claim(store) == [a1]
    with store.write() as session:
        (head,) = outbox.taken(session, [_taken(store, a1)]).values()
        outbox.delivered(session, head, now=T0, outcome="200")
    assert _claim(store) == [a2]


def test_a_dead_letter_releases_its_followers(store: Store) -> None:
    with store.write() as session:
        a1, a2 = owe_notice(session, POLICE, "a", 1), owe_notice(session, POLICE, "a", 2)
    assert _claim(store) == [a1]
    with store.write() as session:
        outbox.dead(session, outbox.taken(session, [_taken(store, a1)])[1], now=T0, error="answered 400")
    assert _claim(store) == [a2]
    ended = row(store, a1)
    assert (ended.state, ended.last_error, ended.finished_at) == ("dead", "answered 400", T0)


def test_a_head_that_waits_for_its_retry_holds_its_followers_back(store: Store) -> None:
    with store.write() as session:
        a1, _ = owe_notice(session, POLICE, "a", 1), owe_notice(session, POLICE, "a", 2)
    _claim(store)
    with store.write() as session:
        head = outbox.taken(session, [_taken(store, a1)])[1]
        outbox.retry(head, due_at=T0 + timedelta(seconds=60), error="timed out")
    assert _claim(store, at_s=59) == []
    with store.read() as session:
        assert due.next_due(session, T0, [POLICE]) == T0 + timedelta(seconds=60)
    assert _claim(store, at_s=60) == [a1]


@pytest.mark.parametrize(
    ("at_s", "again"),
    [
        (LEASE_S - 0.001, False),  # still leased
        (LEASE_S, True),  # its owner was killed: the same id, one attempt more
    ],
)
def test_a_lease_ends(store: Store, at_s: float, again: bool) -> None:
    with store.write() as session:
        a1 = owe_notice(session, POLICE)
    assert _claim(store, owner="killed") == [a1]
    assert _claim(store, at_s=at_s, owner="next") == ([a1] if again else [])
    claimed = row(store, a1)
    assert (claimed.attempts, claimed.lease_owner) == ((2, "next") if again else (1, "killed"))


def test_leases_and_words_of_one_that_has_ended_are_given_back(store: Store) -> None:
    with store.write() as session:
        a1, speech = owe_notice(session, POLICE), owe_speech(session, "gate")
    assert _claim(store, owner="killed") == [a1]
    with store.write() as session:
        seq = row(store, speech).seq
        assert outbox.lease(session, [seq], owner="killed", now=T0, lease_s=LEASE_S)
        assert speakers.take(session, "gate", seq, owner="killed", now=T0, lease_s=LEASE_S)
    with store.write() as session:
        assert not speakers.turns(session, T0, {"gate": 1}, owner="next").next
        assert not speakers.take(session, "gate", seq, owner="next", now=T0, lease_s=LEASE_S)
        speakers.predecessor_ended(session)
        assert speakers.turns(session, T0, {"gate": 1}, owner="next").next == [seq]
        assert speakers.take(session, "gate", seq, owner="next", now=T0, lease_s=LEASE_S)
    assert _claim(store, owner="next") == [a1]
    assert row(store, a1).attempts == 2


def test_a_renewed_lease_holds(store: Store) -> None:
    with store.write() as session:
        a1 = owe_notice(session, POLICE)
    _claim(store)
    with store.write() as session:
        outbox.renew(session, owner="one", seqs=[1], until=T0 + timedelta(seconds=90))
        outbox.renew(session, owner="two", seqs=[1], until=T0 + timedelta(seconds=900))
    assert _claim(store, at_s=89) == []
    assert _claim(store, at_s=90) == [a1]


def test_each_receiver_gets_no_more_than_its_share(store: Store) -> None:
    with store.write() as session:
        for i in range(5):
            owe_notice(session, POLICE, f"i{i}")
            owe_notice(session, "city", f"i{i}")
    assert len(_claim(store, police=2, city=0)) == 2
    assert len(_claim(store, police=1, city=4)) == 5


def test_what_is_due_longest_comes_first(store: Store) -> None:
    with store.write() as session:
        late = owe_notice(session, POLICE, "late", now=T0 - timedelta(seconds=1))
        early = owe_notice(session, POLICE, "early", now=T0 - timedelta(seconds=9))
    assert _claim(store, police=1) == [early]
    assert _claim(store, police=1) == [late]


@pytest.mark.parametrize(("at_s", "sent"), [(29.999, True), (30, False), (3000, False)])
def test_a_command_is_never_sent_after_its_validity(store: Store, at_s: float, sent: bool) -> None:
    with store.write() as session:
        speech = owe_speech(session, "gate", valid_s=30)
    assert _claim(store, at_s=at_s, gate=1) == ([speech] if sent else [])
    now = T0 + timedelta(seconds=at_s)
    with store.write() as session:
        for late in outbox.overdue(session, now, ["gate"]):
            outbox.expire(session, late, now=now)
    assert row(store, speech).state == ("pending" if sent else "expired")


def test_the_timeline_says_what_became_of_it(store: Store) -> None:
    with store.write() as session:
        first, second = owe_notice(session, POLICE, "a", 1), owe_notice(session, POLICE, "a", 2)
    _claim(store)
    with store.write() as session:
        outbox.delivered(session, outbox.taken(session, [1])[1], now=T0, outcome="200", detail="ok")
    _claim(store)
    with store.write() as session:
        outbox.dead(session, outbox.taken(session, [2])[2], now=T0, error="answered 400: no")
    with store.read() as session:
        changes = session.scalars(select(ChangeRow).order_by(ChangeRow.seq)).all()
        assert session.scalars(select(IncidentRow.version)).one() == 3
    assert [(c.kind, c.version, c.data) for c in changes] == [
        ("delivered", 2, _timeline(first, "200", "ok")),
        ("delivery_failed", 3, _timeline(second, "dead", "answered 400: no")),
    ]


def _timeline(delivery: str, outcome: str, detail: str) -> dict[str, object]:
    return {
        "receiver": POLICE,
        "delivery": delivery,
        "outbox_kind": "notice",
        "outcome": outcome,
        "attempts": 1,
        "detail": detail,
    }


def test_a_dead_letter_is_replayed_under_its_id(store: Store) -> None:
    with store.write() as session:
        a1 = owe_notice(session, POLICE)
    _claim(store)
    with store.write() as session:
        outbox.dead(session, outbox.taken(session, [1])[1], now=T0, error="answered 400")
    later = T0 + timedelta(hours=3)
    with store.write() as session:
        assert again.replay(session, a1, later).id == a1
    assert _claim(store, at_s=3 * 3600) == [a1]
    assert (row(store, a1).attempts, row(store, a1).owed_since) == (1, later)


@pytest.mark.parametrize(
    ("delivered", "expected"), [(False, ["pending", "delivered"]), (True, ["pending", "pending"])]
)
def test_a_time_is_replayed_to_one_receiver(store: Store, expected: list[str], *, delivered: bool) -> None:
    with store.write() as session:
        mine = [owe_notice(session, POLICE, f"i{n}") for n in range(2)]
        others = [owe_notice(session, "city", "i0"), owe_speech(session, "gate")]
        for outbox_id in (mine[0], *others):
            gone = session.scalars(select(OutboxRow).where(OutboxRow.id == outbox_id)).one()
            outbox.dead(session, gone, now=T0, error="refused")
        taken = session.scalars(select(OutboxRow).where(OutboxRow.id == mine[1])).one()
        outbox.delivered(session, taken, now=T0, outcome="200")
    second = timedelta(seconds=1)
    with store.write() as session:
        assert again.replay_span(session, POLICE, T0 - second, T0, T0, delivered=True) == 0
        assert again.replay_span(session, "gate", T0, T0 + second, T0, delivered=True) == 0
        count = again.replay_span(session, POLICE, T0, T0 + second, T0, delivered=delivered)
    assert count == expected.count("pending")
    assert [row(store, outbox_id).state for outbox_id in mine] == expected
    assert [row(store, outbox_id).state for outbox_id in others] == ["dead", "dead"]


def test_only_a_dead_and_timely_delivery_is_replayed(store: Store) -> None:
    with store.write() as session:
        pending, speech = owe_notice(session, POLICE), owe_speech(session, "gate", valid_s=30)
        gone = session.scalars(select(OutboxRow).where(OutboxRow.id == speech)).one()
        outbox.dead(session, gone, now=T0, error="refused")
    with store.write() as session:
        with pytest.raises(LookupError):
            again.replay(session, "nothing", T0)
        with pytest.raises(ValueError, match="pending"):
            again.replay(session, pending, T0)
        with pytest.raises(ValueError, match="valid until"):
            again.replay(session, speech, T0 + timedelta(seconds=30))
        assert again.replay(session, speech, T0 + timedelta(seconds=29)).state == "pending"


def test_depths_count_what_is_pending_and_dead(store: Store) -> None:
    with store.write() as session:
        for i in range(3):
            owe_notice(session, POLICE, f"i{i}")
        owe_speech(session, "gate")
    _claim(store, police=2)
    with store.write() as session:
        rows = outbox.taken(session, [1, 2])
        outbox.dead(session, rows[1], now=T0, error="x")
        outbox.delivered(session, rows[2], now=T0, outcome="200")
    with store.read() as session:
        assert outbox.depths(session) == {(POLICE, "dead"): 1, (POLICE, "pending"): 1, ("gate", "pending"): 1}


def test_enabling_a_receiver_makes_what_waits_due(store: Store) -> None:
    with store.write() as session:
        a1 = owe_notice(session, POLICE)
    _claim(store)
    with store.write() as session:
        outbox.retry(outbox.taken(session, [1])[1], due_at=T0 + timedelta(hours=9), error="answered 410")
        receivers.disable(session, POLICE, now=T0, reason="answered 410")
        assert receivers.disabled(session) == {POLICE}
    with store.write() as session:
        assert receivers.enable(session, POLICE, now=T0)
        assert not receivers.enable(session, "city", now=T0)
        assert receivers.disabled(session) == frozenset()
    assert _claim(store) == [a1]


def test_two_claimers_never_get_the_same_row(another: Opener) -> None:
    count = 60
    stores = [another(), another()]
    with stores[0].write() as session:
        expected = {owe_notice(session, POLICE, f"i{i}") for i in range(count)}
    got: list[list[str]] = [[], []]

    def claim(index: int) -> None:
        while sum(map(len, got)) < count:
            try:
                got[index] += _claim(stores[index], owner=str(index), police=3)
            except TransientError:
                continue  # the other process wrote in between: SQLite refuses, nothing was claimed

    threads = [threading.Thread(target=claim, args=(i,), daemon=True) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(got[0] + got[1]) == sorted(expected)


def test_a_row_goes_in_with_the_incident_it_refers_to(store: Store) -> None:
    with store.write() as session:
        session.autoflush = False
        incident_id = open_incident(session, "new")
        outbox.enqueue(
            session,
            id="d" * 36,
            receiver=POLICE,
            incident_id=incident_id,
            incident_version=1,
            kind="notice",
            payload={},
            now=T0,
            captured_at=T0,
        )
    assert row(store, "d" * 36).incident_id == incident_id

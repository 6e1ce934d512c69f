"""The delivery worker: order, retries, kills, slow and dead receivers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import select
from structlog.testing import capture_logs

from alerts.channels.base import Delivery, Receipt
from alerts.store import Store, outbox, receivers
from alerts.store.schema import ChangeRow, OutboxRow
from lianfang.clock import ManualClock
from lianfang.errors import PermanentError, TransientError
from tests.support.delivery import Scripted, make_worker, played, running, until
from tests.support.outbox import T0, open_store, owe_notice, owe_speech, row

BUSY = TransientError("answered 500: busy")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0)


def _owe(store: Store, *versions: int, receiver: str = "police", incident: str = "a") -> list[str]:
    with store.write() as session:
        return [owe_notice(session, receiver, incident, version) for version in versions]


def _state(store: Store, delivery_id: str) -> str:
    return row(store, delivery_id).state


def test_notices_of_an_incident_arrive_in_order(store: Store, clock: ManualClock) -> None:
    police = Scripted()

    async def test() -> None:
        async with running(make_worker(store, clock, {"police": police})):
            first = _owe(store, 1, 2, 3)  # the commit alone wakes the worker
            await until(lambda: _state(store, first[-1]) == "delivered")
            assert police.ids == first

    played(test)
    assert police.closed
    assert [d.attempt for d in police.seen] == [1, 1, 1]


def test_retries_come_when_they_are_due(store: Store, clock: ManualClock) -> None:
    patience = TransientError("answered 429: slowly", retry_after_s=90)
    police = Scripted([BUSY, BUSY, patience])
    due: list[float] = []

    async def test() -> None:
        worker = make_worker(store, clock, {"police": police})
        async with running(worker):
            (delivery,) = _owe(store, 1)
            for attempts in (1, 2, 3):
                await until(lambda: row(store, delivery).attempts == attempts)  # noqa: B023 - awaited here
                await until(lambda: row(store, delivery).lease_until is None)
                wait = row(store, delivery).due_at - clock.now()
                due.append(wait.total_seconds())
                clock.advance_to(clock.now() + wait - timedelta(milliseconds=1))
                worker.wake()
                await asyncio.sleep(0.05)
                assert len(police.seen) == attempts  # not a moment early
                clock.advance_to(clock.now() + timedelta(milliseconds=1))
                worker.wake()
            await until(lambda: _state(store, delivery) == "delivered")
            assert police.ids == [delivery] * 4
            assert [d.attempt for d in police.seen] == [1, 2, 3, 4]

    played(test)
    assert due == [5, 10, 90]


def test_a_receiver_that_asks_for_patience_gets_it_for_everything(store: Store, clock: ManualClock) -> None:
    police = Scripted([TransientError("answered 503: later", retry_after_s=60)])

    async def test() -> None:
        worker = make_worker(store, clock, {"police": police})
        async with running(worker):
            (first,) = _owe(store, 1)
            await until(lambda: row(store, first).last_error)
            (second,) = _owe(store, 1, incident="b")
            await asyncio.sleep(0.1)
            assert police.ids == [first]
            clock.advance_to(T0 + timedelta(seconds=60))
            worker.wake()
            await until(lambda: _state(store, second) == "delivered")

    played(test)


def test_a_dead_letter_releases_what_follows(store: Store, clock: ManualClock) -> None:
    police = Scripted([PermanentError("answered 400: no such point")])

    async def test() -> None:
        async with running(make_worker(store, clock, {"police": police})):
            first, second = _owe(store, 1, 2)
            await until(lambda: _state(store, second) == "delivered")
            assert _state(store, first) == "dead"

    played(test)
    with store.read() as session:
        changes = session.scalars(select(ChangeRow).order_by(ChangeRow.seq)).all()
    assert [(c.kind, c.data["detail"]) for c in changes] == [
        ("delivery_failed", "answered 400: no such point"),
        ("delivered", ""),
    ]


def test_410_disables_the_receiver_until_a_person_enables_it(store: Store, clock: ManualClock) -> None:
    police = Scripted([PermanentError("answered 410: gone", disable=True)])

    async def test() -> None:
        worker = make_worker(store, clock, {"police": police})
        with capture_logs() as logs:
            async with running(worker):
                first, second = _owe(store, 1, 2)
                await until(lambda: _disabled(store))
                _owe(store, 1, incident="b")
                await asyncio.sleep(0.1)
                assert police.ids == [first]
                assert _state(store, first) == "pending"  # kept
                assert worker.enable("police")
                await until(lambda: _state(store, second) == "delivered")
        assert [(e["event"], e["receiver"]) for e in logs if e["event"] == "receiver_disabled"] == [
            ("receiver_disabled", "police")
        ]

    played(test)


def _disabled(store: Store) -> frozenset[str]:
    with store.read() as session:
        return receivers.disabled(session)


def test_a_slow_receiver_delays_nobody_else(store: Store, clock: ManualClock) -> None:
    async def test() -> None:
        never = asyncio.Event()
        slow, fast = Scripted(always=never), Scripted()
        with store.write() as session:
            for i in range(50):
                owe_notice(session, "slow", f"i{i}")
            fast_ids = [owe_notice(session, "fast", f"i{i}") for i in range(50)]
        async with running(make_worker(store, clock, {"slow": slow, "fast": fast})):
            await until(lambda: len(fast.seen) == 50)
            await until(lambda: all(_state(store, i) == "delivered" for i in fast_ids[-3:]))
            await until(lambda: len(slow.seen) == 32)
            await asyncio.sleep(0.05)
            assert len(slow.seen) == 32  # bounded

    played(test)


def test_receivers_whose_names_nobody_finds_leave_a_thread_to_the_speaker(
    store: Store, clock: ManualClock
) -> None:
    found = threading.Event()

    class Nameless(Scripted):
        async def send(self, delivery: Delivery) -> Receipt:
            self.seen.append(delivery)
            await asyncio.to_thread(found.wait)
            return Receipt("200")

    class Horn(Scripted):
        async def send(self, delivery: Delivery) -> Receipt:
            await asyncio.to_thread(self.seen.append, delivery)
            return Receipt("finished")

    away, horn = Nameless(), Horn()

    async def test() -> None:
        with store.write() as session:
            for i in range(40):
                owe_notice(session, "away", f"i{i}")
        async with running(make_worker(store, clock, {"away": away, "horn": horn}, speakers=("horn",))):
            await until(lambda: len(away.seen) == 32)
            with store.write() as session:
                speech = owe_speech(session, "horn")
            await until(lambda: _state(store, speech) == "delivered")
            found.set()

    try:
        played(test)
    finally:
        found.set()


def test_after_a_kill_the_same_id_is_sent_again(store: Store, clock: ManualClock) -> None:
    async def test() -> None:
        before, after = Scripted(always=asyncio.Event()), Scripted()
        async with running(make_worker(store, clock, {"police": before})):
            (delivery,) = _owe(store, 1)
            await until(lambda: before.seen)
        # Killed between request and answer: nobody knows what the receiver did.
        next_worker = make_worker(store, clock, {"police": after})
        async with running(next_worker):
            await asyncio.sleep(0.1)
            assert after.seen == []  # the lease still runs
            clock.advance_to(T0 + timedelta(seconds=15))
            next_worker.wake()
            await until(lambda: _state(store, delivery) == "delivered")
        assert before.ids == after.ids == [delivery]
        assert after.seen[0].attempt == 2

    played(test)


def test_an_attempt_that_takes_long_keeps_its_lease(store: Store, clock: ManualClock) -> None:
    async def test() -> None:
        mine, other = Scripted(always=asyncio.Event()), Scripted()
        worker, rival = (make_worker(store, clock, {"police": channel}) for channel in (mine, other))
        async with running(worker):
            (delivery,) = _owe(store, 1)
            await until(lambda: mine.seen)
            async with running(rival):
                for _ in range(10):
                    lease = row(store, delivery).lease_until or T0
                    clock.advance_to(clock.now() + timedelta(seconds=5))
                    worker.wake()
                    await until(lambda: (row(store, delivery).lease_until or T0) > lease)  # noqa: B023
                rival.wake()
                await asyncio.sleep(0.05)
        assert (mine.ids, other.ids) == ([delivery], [])

    played(test)


def test_300_notices_behind_a_dead_receiver_do_not_delay_a_speech(store: Store, clock: ManualClock) -> None:
    log: list[str] = []

    async def test() -> None:
        police = Scripted(always=asyncio.Event(), log=log, name="police")
        gate = Scripted([Receipt("finished")], log=log, name="gate")
        with store.write() as session:
            for i in range(300):
                owe_notice(session, "police", f"i{i}")
            speech = owe_speech(session, "gate", "child")
        worker = make_worker(store, clock, {"police": police, "gate": gate}, speakers=("gate",))
        async with running(worker):
            await until(lambda: _state(store, speech) == "delivered")
            await until(lambda: len(police.seen) == 32)
            with store.write() as session:
                another = owe_speech(session, "gate", "second child")
            await until(lambda: _state(store, another) == "delivered")
            assert len(police.seen) == 32
        with store.read() as session:
            assert outbox.depths(session) == {("police", "pending"): 300}

    played(test)
    assert log.count("gate") == 2
    assert log.index("gate") <= 32  # owed last, behind none but those that were under way at once
    assert log[-1] == "gate"


def test_a_breaker_lets_one_probe_through_and_hastens_the_rest_on_recovery(
    store: Store, clock: ManualClock
) -> None:
    async def test() -> None:
        police = Scripted(always=BUSY)
        with store.write() as session:
            ids = [owe_notice(session, "police", f"i{i}") for i in range(40)]
        worker = make_worker(store, clock, {"police": police})
        with capture_logs() as logs:
            async with running(worker):
                await until(lambda: row(store, ids[31]).last_error)
                await asyncio.sleep(0.05)
                assert len(police.seen) == 32  # the first handful was under way together; then it opened
                police.always = None
                clock.advance_to(T0 + timedelta(seconds=5))
                worker.wake()
                await until(lambda: all(_state(store, i) == "delivered" for i in ids))
        probe = police.seen[32]
        assert [d.id for d in police.seen].count(probe.id) <= 2
        assert [e["event"] for e in logs if e.get("receiver") == "police"] == [
            "receiver_failed",
            "receiver_recovered",
        ]

    played(test)


def test_a_change_of_trouble_is_logged_and_each_attempt_is_not(store: Store, clock: ManualClock) -> None:
    script: list[Exception] = [
        TransientError("answered 500: request 17"),
        TransientError("answered 500: request 18"),
        TransientError("no connection: refused"),
        TransientError("no connection: refused"),
    ]

    async def test() -> list[str]:
        police = Scripted([*script])
        worker = make_worker(store, clock, {"police": police})
        with capture_logs() as logs:
            async with running(worker):
                (delivery,) = _owe(store, 1)
                for attempts in range(1, 5):
                    await until(lambda: row(store, delivery).attempts == attempts)  # noqa: B023
                    await until(lambda: row(store, delivery).lease_until is None)
                    clock.advance_to(row(store, delivery).due_at)
                    worker.wake()
                await until(lambda: _state(store, delivery) == "delivered")
        return [f"{e['event']} {e.get('error', e.get('after'))}" for e in logs]

    assert asyncio.run(test()) == [
        "receiver_failed answered 500: request 17",
        "receiver_failed no connection: refused",
        "receiver_recovered no connection",
    ]


def test_a_bug_in_a_channel_is_told_once_and_harms_nobody_else(store: Store, clock: ManualClock) -> None:
    async def test() -> None:
        broken, healthy = Scripted(always=KeyError("speech")), Scripted()
        worker = make_worker(store, clock, {"broken": broken, "healthy": healthy})
        with capture_logs() as logs:
            async with running(worker):
                bad = _owe(store, 1, receiver="broken") + _owe(store, 1, receiver="broken", incident="b")
                (good,) = _owe(store, 1, receiver="healthy")
                await until(lambda: _state(store, good) == "delivered")
                await until(lambda: all(row(store, i).last_error for i in bad))
        assert row(store, bad[0]).last_error == "the channel failed with KeyError"
        assert row(store, bad[0]).due_at == T0 + timedelta(seconds=5)  # transient: somebody may repair it
        (told,) = [e for e in logs if e["event"] == "receiver_failed"]
        assert isinstance(told["exc_info"], KeyError)

    played(test)


def test_a_store_that_is_away_loses_no_answer(
    store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test() -> None:
        answer = asyncio.Event()
        police = Scripted(always=answer)
        worker = make_worker(store, clock, {"police": police})
        with capture_logs() as logs:
            async with running(worker):
                (delivery,) = _owe(store, 1)
                await until(lambda: police.seen)
                with monkeypatch.context() as patched:
                    patched.setattr(store, "write", _away)
                    answer.set()
                    await until(lambda: "outbox_unavailable" in [e["event"] for e in logs])
                await until(lambda: "outbox_recovered" in [e["event"] for e in logs])
        assert _state(store, delivery) == "delivered"
        assert police.ids == [delivery]
        events = [e["event"] for e in logs]
        assert events.count("outbox_unavailable") == events.count("outbox_recovered") == 1

    played(test)


def _away() -> Store:
    raise TransientError("the store cannot write now: disk full")


def test_stop_lets_what_is_under_way_finish(store: Store, clock: ManualClock) -> None:
    async def test() -> None:
        answer = asyncio.Event()
        police = Scripted([answer])
        worker = make_worker(store, clock, {"police": police})
        async with running(worker) as task:
            first, second = _owe(store, 1, 2)
            await until(lambda: police.seen)
            worker.stop()
            await asyncio.sleep(0.05)
            assert not task.done()
            answer.set()
            await until(task.done)
            assert (_state(store, first), _state(store, second)) == ("delivered", "pending")
            assert police.ids == [first]
        assert police.closed

    played(test)


def test_stop_gives_leases_back_that_nobody_answers(
    store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alerts.delivery.lane._GRACE_S", 0.05)

    async def test() -> None:
        worker = make_worker(store, clock, {"police": Scripted(always=asyncio.Event())})
        async with running(worker) as task:
            (delivery,) = _owe(store, 1)
            await until(lambda: row(store, delivery).lease_until)
            worker.stop()
            await until(task.done)
        released = row(store, delivery)
        assert (released.state, released.lease_until, released.attempts) == ("pending", None, 1)

    played(test)


def test_a_way_that_is_kept_open_is_kept_until_the_end(store: Store, clock: ManualClock) -> None:
    class Open(Scripted):
        kept: list[str]

        async def keep(self) -> None:
            self.kept = ["begun"]
            try:
                await asyncio.Event().wait()
            finally:
                self.kept.append("closed before" if self.closed else "ended")

    library = Open()

    async def test() -> None:
        worker = make_worker(store, clock, {"library": library, "police": Scripted()})
        async with running(worker) as task:
            await until(lambda: hasattr(library, "kept"))
            worker.stop()
            await task

    played(test)
    assert library.kept == ["begun", "ended"]
    assert library.closed


def test_a_worker_that_never_ran_and_one_that_has_ended_ignore_commits(
    store: Store, clock: ManualClock
) -> None:
    async def test() -> None:
        make_worker(store, clock, {"police": Scripted()})
        worker = make_worker(store, clock, {"police": Scripted()})
        worker.stop()
        await worker.run()

    asyncio.run(test())
    (delivery,) = _owe(store, 1)  # both are told of this commit
    assert _state(store, delivery) == "pending"


def test_what_is_owed_to_a_receiver_that_is_configured_no_more_is_left_alone(
    store: Store, clock: ManualClock
) -> None:
    async def test() -> None:
        async with running(make_worker(store, clock, {"police": Scripted()})):
            (orphan,) = _owe(store, 1, receiver="former")
            (other,) = _owe(store, 1)
            await until(lambda: _state(store, other) == "delivered")
            assert row(store, orphan).attempts == 0

    played(test)


def test_metrics(store: Store, clock: ManualClock) -> None:
    registry = CollectorRegistry()
    police = Scripted([PermanentError("no"), BUSY])

    def counted(outcome: str) -> float | None:
        labels = {"receiver": "police", "outcome": outcome}
        return registry.get_sample_value("lianfang_deliveries_total", labels)

    async def test() -> None:
        worker = make_worker(store, clock, {"police": police}, registry=registry)
        async with running(worker):
            ids = _owe(store, 1, 2)
            await until(lambda: counted("retried"))
            assert row(store, ids[1]).due_at == T0 + timedelta(seconds=5)
            clock.advance_to(T0 + timedelta(seconds=5))
            worker.wake()
            await until(lambda: counted("delivered"))

    played(test)
    assert [counted(outcome) for outcome in ("delivered", "retried", "dead")] == [1, 1, 1]
    for hop in ("decided_to_delivered", "captured_to_delivered"):
        assert registry.get_sample_value("lianfang_hop_seconds_sum", {"hop": hop}) == 5
    spans = {"kind": "notice", "span": "sent"}
    assert registry.get_sample_value("lianfang_delivery_seconds_count", spans) == 2


def test_the_depth_of_each_queue_is_shown(store: Store, clock: ManualClock) -> None:
    registry = CollectorRegistry()
    _owe(store, 1, receiver="former")

    async def test() -> None:
        async with running(make_worker(store, clock, {"police": Scripted()}, registry=registry)):
            await until(lambda: _depth(registry, "former", "pending") is not None)

    played(test)
    assert _depth(registry, "former", "pending") == 1
    assert _depth(registry, "police", "pending") == _depth(registry, "police", "dead") == 0


def _depth(registry: CollectorRegistry, receiver: str, state: str) -> float | None:
    return registry.get_sample_value("lianfang_outbox_rows", {"receiver": receiver, "state": state})


def test_rows_stay_readable_after_their_transaction(store: Store) -> None:
    _owe(store, 1)
    with store.write() as session:
        (claimed,) = outbox.claim(session, owner="one", now=T0, lease_s=5, limit=1, receivers={"police": 1})
    assert isinstance(claimed, OutboxRow)
    assert claimed.payload["version"] == 1

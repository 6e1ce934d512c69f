"""A receiver that was away: what it is told when it is back, in which mode and how fast."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from alerts.delivery import DeliveryWorker
from alerts.delivery.backoff import Backoff
from alerts.delivery.lane import LaneSettings
from alerts.delivery.policy import NoticePolicy
from alerts.metrics import DeliveryMetrics
from alerts.store import Store, again
from alerts.store.schema import IncidentRow, OutboxRow
from deploy.demo.site import free_port
from deploy.simulators.police import PoliceReceiver
from lianfang.clock import ManualClock, SystemClock
from lianfang.ids import identify
from tests.support.channels import KEYS, silent, webhook_channel
from tests.support.delivery import Scripted, make_worker, played, running, until
from tests.support.outbox import T0, open_store, owe_notice, row

HOUR = timedelta(hours=1)
_QUICK = Backoff(0.01, 0.05, lambda: 1.0)
_NOTICE = LaneSettings(NoticePolicy(_QUICK), _QUICK, 8, lease_s=0.6, timeout_s=60, commands=False)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def _owe(store: Store, incident: str, at: datetime, *, over: bool) -> str:
    confirmed: dict[str, Any] = {"mode": "live", "confirmed_by": "operator", "confirmed_at": at.isoformat()}
    with store.write() as session:
        delivery = owe_notice(session, "police", incident, now=at, **confirmed)
    with store.write() as session:
        session.get_one(IncidentRow, identify("incident", incident)).ended_at = at if over else None
    return delivery


def test_a_receiver_that_was_away_is_told_what_is_over_as_backfill(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test() -> None:
        now, port = datetime.now(UTC), free_port(0)
        over = [_owe(store, f"over {i}", now - HOUR, over=True) for i in range(3)]
        live = [_owe(store, "open", now - HOUR, over=False), _owe(store, "new", now, over=True)]
        worker = DeliveryWorker(
            store,
            {"police": webhook_channel(f"http://127.0.0.1:{port}/alerts", monkeypatch)},
            {"police": "notice"},
            clock=SystemClock(),
            metrics=DeliveryMetrics(CollectorRegistry()),
            notice=_NOTICE,
        )
        async with running(worker):
            await until(lambda: all("no connection" in row(store, one).last_error for one in live))
            async with PoliceReceiver(KEYS[:1], port=port, say=silent) as police:
                await until(lambda: all(row(store, one).state == "delivered" for one in over + live))
        assert police.refused == police.altered == police.repeats == []
        modes = {entry.id: entry.notice.mode for entry in police.received}
        assert modes == dict.fromkeys(over, "backfill") | dict.fromkeys(live, "live")

    played(test)


def test_what_is_over_goes_out_by_and_by(store: Store) -> None:
    clock, police = ManualClock(T0), Scripted()
    over = [_owe(store, f"over {i}", T0, over=True) for i in range(7)]
    clock.advance_to(T0 + HOUR)

    async def test() -> None:
        worker = make_worker(store, clock, {"police": police})
        async with running(worker):
            await until(lambda: len(police.seen) == 2)
            new = _owe(store, "new", clock.now(), over=False)
            await until(lambda: row(store, new).state == "delivered")  # it waits for none of them
            for second in (1, 2):
                clock.advance_to(T0 + HOUR + timedelta(seconds=second))
                worker.wake()
                await until(lambda: _count(store, "delivered") == 3 + 2 * second)  # noqa: B023
                for _ in range(5):  # turns, in which the clock stands still
                    worker.wake()
                    await asyncio.sleep(0.02)
                assert len(police.seen) == 3 + 2 * second

    played(test)
    assert [d.id for d in police.seen if d.id in over] == over[:6]


def _count(store: Store, state: str) -> int:
    with store.read() as session:
        return session.query(OutboxRow).filter_by(state=state).count()


def test_what_was_sent_again_waits_its_turn_too(store: Store) -> None:
    clock, police = ManualClock(T0), Scripted()
    taken = [_owe(store, f"over {i}", T0, over=True) for i in range(5)]

    async def test() -> None:
        worker = make_worker(store, clock, {"police": police})
        async with running(worker):
            await until(lambda: _count(store, "delivered") == 5)
            clock.advance_to(T0 + HOUR)
            with store.write() as session:
                span = T0, T0 + timedelta(seconds=1)
                again.replay_span(session, "police", *span, clock.now(), delivered=True)
            await until(lambda: _count(store, "delivered") == 2)

    played(test)
    assert [d.payload["mode"] for d in police.seen] == ["live"] * 5 + ["backfill"] * 2
    assert [d.id for d in police.seen] == taken + taken[:2]

"""A view library as it runs: worker, store and channel against the strict platform, over sockets."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from alerts.channels import gat1400
from alerts.delivery import DeliveryWorker
from alerts.delivery.backoff import Backoff
from alerts.delivery.lane import LaneSettings
from alerts.delivery.policy import NoticePolicy
from alerts.metrics import DeliveryMetrics
from alerts.store import Store
from deploy.simulators.gat1400 import ViewLibrary
from lianfang.clock import SystemClock
from tests.support.channels import silent
from tests.support.delivery import running, until
from tests.support.outbox import open_store, owe_notice, row
from tests.support.viid import scene, stanza

_QUICK = Backoff(0.01, 0.05, lambda: 1.0)
_NOTICE = LaneSettings(NoticePolicy(_QUICK), _QUICK, 8, lease_s=0.6, timeout_s=60, commands=False)


def _worker(store: Store, library: ViewLibrary, monkeypatch: pytest.MonkeyPatch) -> DeliveryWorker:
    clock = SystemClock()
    return DeliveryWorker(
        store,
        {"library": gat1400.build(stanza(library.url, monkeypatch, keepalive_s=1), clock)},
        {"library": "notice"},
        clock=clock,
        metrics=DeliveryMetrics(CollectorRegistry()),
        pictures=lambda _: ((scene(),), ""),
        notice=_NOTICE,
    )


def test_it_is_registered_before_anything_happens_and_reports_what_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(tmp_path)

    async def test() -> None:
        async with ViewLibrary(say=silent) as library:
            worker = _worker(store, library, monkeypatch)
            async with running(worker) as task:
                await until(lambda: library.registered and library.keepalives)
                library.codes.extend([2, 8])  # busy, then not as it is; the next about the incident goes on
                with store.write() as session:
                    now = datetime.now(UTC)
                    owed = [owe_notice(session, "library", "a", version, now=now) for version in (1, 2)]
                await until(lambda: all(row(store, one).state != "pending" for one in owed))
                worker.stop()
                await task
            ends = [(r.state, r.attempts, r.outcome) for r in (row(store, one) for one in owed)]
            assert ends == [("dead", 2, "dead"), ("delivered", 1, "taken")]
            assert len(library.objects["Persons"]) == 1
            assert (library.registrations, library.unregistrations) == (1, 1)

    asyncio.run(test())
    store.close()

"""A video platform (GB/T 28181) as it runs: worker, store and channel against the strict platform."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from alerts.channels import gb28181
from alerts.delivery import DeliveryWorker
from alerts.delivery.backoff import Backoff
from alerts.delivery.lane import LaneSettings
from alerts.delivery.policy import NoticePolicy
from alerts.metrics import DeliveryMetrics
from alerts.site import StoredSite
from alerts.store import Store
from alerts.store.schema import CameraStateRow
from deploy.simulators.gb28181 import Platform
from lianfang.clock import SystemClock
from tests.support.channels import silent
from tests.support.delivery import running, until
from tests.support.gb28181 import KnownSite, stanza
from tests.support.outbox import open_store, owe_notice, row

_QUICK = Backoff(0.01, 0.05, lambda: 1.0)
_NOTICE = LaneSettings(NoticePolicy(_QUICK), _QUICK, 8, lease_s=0.6, timeout_s=60, commands=False)


def _worker(
    store: Store, platform: Platform, monkeypatch: pytest.MonkeyPatch, known: KnownSite, **changes: object
) -> DeliveryWorker:
    clock = SystemClock()
    config = stanza(platform, monkeypatch, timeout_s=0.5, **changes)
    return DeliveryWorker(
        store,
        {"platform": gb28181.build(config, clock, StoredSite("platform", store, known.config))},
        {"platform": "notice"},
        clock=clock,
        metrics=DeliveryMetrics(CollectorRegistry()),
        pictures=lambda _: ((), ""),
        notice=_NOTICE,
    )


def _owed(store: Store, *incidents: str, version: int = 1, change: str = "opened") -> list[str]:
    with store.write() as session:
        now = datetime.now(UTC)
        return [owe_notice(session, "platform", i, version, now=now, change=change) for i in incidents]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_platform_that_dies_and_comes_back_without_memory_gets_every_alarm_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    store, known = open_store(tmp_path), KnownSite(tmp_path, monkeypatch)
    first = Platform(transport=transport, say=silent)  # type: ignore[arg-type]

    async def test() -> None:
        async with first:
            worker = _worker(store, first, monkeypatch, known)
            task = asyncio.create_task(worker.run())
            await until(lambda: first.keepalives)
            before = _owed(store, *"abc")
            await until(lambda: all(row(store, one).state == "delivered" for one in before))
        after = _owed(store, *"defgh")  # while nobody is there
        await until(lambda: any(row(store, one).attempts for one in after))
        second = Platform(transport=transport, port=first.port, say=silent)  # type: ignore[arg-type]
        async with second:
            await until(lambda: all(row(store, one).state == "delivered" for one in after))
            worker.stop()
            await task
        assert (len(first.alarms), len(second.alarms)) == (3, 5)
        assert (second.registrations, second.unregistrations) == (1, 1)
        outcomes = {row(store, one).outcome for one in before + after}
        assert outcomes == {"OK"}

    asyncio.run(test())
    store.close()


def test_what_was_refused_and_what_was_never_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, known = open_store(tmp_path), KnownSite(tmp_path, monkeypatch)

    async def test() -> None:
        async with Platform(say=silent) as platform:
            worker = _worker(store, platform, monkeypatch, known)
            async with running(worker) as task:
                platform.results.append("ERROR")
                (refused,) = _owed(store, "a")
                await until(lambda: row(store, refused).state == "dead")
                assert row(store, refused).last_error == "the platform says 'ERROR' of the alarm"
                (unsent,) = _owed(store, "b", change="false_alarm")
                await until(lambda: row(store, unsent).state == "delivered")
                assert row(store, unsent).outcome == "not needed"
                worker.stop()
                await task
            assert platform.alarms == {}

    asyncio.run(test())
    store.close()


def test_its_cameras_are_what_the_store_knows_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, known = open_store(tmp_path), KnownSite(tmp_path, monkeypatch)
    with store.write() as session:
        session.add(CameraStateRow(camera="cam2", condition="online", since=datetime.now(UTC)))

    async def test() -> None:
        async with Platform(say=silent) as platform:
            worker = _worker(store, platform, monkeypatch, known)
            async with running(worker) as task:
                await until(lambda: platform.registered)
                assert await platform.ask("Catalog") == 200
                await until(lambda: len(platform.catalogue) == 2)
                worker.stop()
                await task
            pages = [body.decode("gb18030") for body in platform.messages if b"<SumNum>" in body]
            assert [page.partition("<Status>")[2][:3] for page in pages] == ["OFF", "ON<"]

    asyncio.run(test())
    store.close()

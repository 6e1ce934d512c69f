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
from alerts.site import StoredSite
from alerts.store import Store, again
from alerts.store.schema import CameraStateRow
from alerts.viid import upload
from deploy.simulators.gat1400 import ViewLibrary
from lianfang.clock import SystemClock
from lianfang.config import Config
from lianfang.ids import identify
from tests.support.channels import silent
from tests.support.configs import SECRETS
from tests.support.delivery import running, until
from tests.support.outbox import open_store, owe_notice, row
from tests.support.records import CAMERA, GATE, complete
from tests.support.viid import scene, stanza

_QUICK = Backoff(0.01, 0.05, lambda: 1.0)
_NOTICE = LaneSettings(NoticePolicy(_QUICK), _QUICK, 8, lease_s=0.6, timeout_s=60, commands=False)


def _worker(
    store: Store, library: ViewLibrary, monkeypatch: pytest.MonkeyPatch, known: Config
) -> DeliveryWorker:
    clock = SystemClock()
    site = StoredSite("library", store, lambda: known)
    return DeliveryWorker(
        store,
        {
            "library": gat1400.build(
                stanza(library.url, monkeypatch, keepalive_s=1, tollgates={"cam": GATE}), clock, site
            )
        },
        {"library": "notice"},
        clock=clock,
        metrics=DeliveryMetrics(CollectorRegistry()),
        pictures=lambda _: ((scene(),), ""),
        notice=_NOTICE,
    )


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    return complete(tmp_path)


def test_it_is_registered_before_anything_happens_and_reports_what_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: Config
) -> None:
    store = open_store(tmp_path)

    async def test() -> None:
        async with ViewLibrary(say=silent) as library:
            worker = _worker(store, library, monkeypatch, known)
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


def test_what_it_has_is_changed_and_withdrawn_also_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: Config
) -> None:
    store = open_store(tmp_path)

    async def tell(library: ViewLibrary, *versions: int, change: str = "updated") -> None:
        worker = _worker(store, library, monkeypatch, known)
        async with running(worker) as task:
            with store.write() as session:
                now = datetime.now(UTC)
                owed = [owe_notice(session, "library", "a", v, now=now, change=change) for v in versions]
            await until(lambda: all(row(store, one).state != "pending" for one in owed))
            await until(lambda: library.objects["APEs"].get(CAMERA, {}).get("IsOnline") == "2")
            worker.stop()
            await task

    monkeypatch.setattr(upload.Upload.keep, "__defaults__", (0.02,))

    async def test() -> None:
        async with ViewLibrary(say=silent) as library:
            with store.write() as session:
                session.add(CameraStateRow(camera="cam", condition="offline", since=datetime.now(UTC)))
            await tell(library, 1, 2)
            await tell(library, 3)
            persons = [[c for c, _ in sent].count("Persons") for sent in (library.posts, library.puts)]
            assert persons == [1, 2]
            await tell(library, 4, change="false_alarm")
            assert library.objects["Persons"] == {}
            with store.write() as session:  # somebody sends an old one again
                old = row(store, identify("notice", "library", identify("incident", "a"), 2))
                again.replay(session, old.id, datetime.now(UTC))
            worker = _worker(store, library, monkeypatch, known)
            async with running(worker):
                await until(lambda: row(store, old.id).state != "pending")
            assert row(store, old.id).last_error == "not sent: it has been withdrawn since"
            assert library.objects["Persons"] == {}

    asyncio.run(test())
    store.close()

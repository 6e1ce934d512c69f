"""Those who subscribe with a view library of a configuration, and what they are owed because of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy.orm import Session

from alerts.channels import gat1400
from alerts.delivery import DeliveryWorker
from alerts.metrics import DeliveryMetrics
from alerts.payload import notice_of
from alerts.pipeline import subscribers
from alerts.site import StoredSite
from alerts.store import Store, subscriptions
from alerts.store.schema import OutboxRow
from alerts.store.subscriptions import Wanted, name_of
from deploy.simulators.gat1400 import DEVICE, PASSWORD, USERNAME
from deploy.simulators.viid_asking import PASSWORD as ASKING
from deploy.simulators.viid_asking import PLATFORM
from deploy.simulators.viid_subscriber import Desk, subscription
from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.ids import identify
from tests.support.configs import SECRETS, loaded
from tests.support.delivery import FullJitter, running
from tests.support.outbox import T0, notice, open_incident
from tests.support.viid import TOLLGATE, scene

CAMERA = "44200000001190000001"
ADDRESS = "http://library.test:8120/VIID/SubscribeNotifications"


def number(n: int = 1) -> str:
    """Return the ``n``-th SubscribeID."""
    return f"44200000000003202607010000{n:07}"


def name(n: int = 1) -> str:
    """Return the name of the ``n``-th subscription."""
    return name_of("library", number(n))


def site(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    url: str = "http://library.test:8120",
    *changes: tuple[str, Any],
    port: int = 8905,
    **changed: object,
) -> Config:
    """Return a configuration with a receiver ``library`` at ``url``, with which one subscribes at ``port``.

    ``changed`` is what is other in its stanza, ``changes`` in all the rest.
    """
    for secret, value in (SECRETS | {"TEST_LIBRARY": PASSWORD, "TEST_ASKING": ASKING}).items():
        monkeypatch.setenv(secret, value)
    answers = {
        "port": port,
        "device_code": PLATFORM,
        "username": "library",
        "password": {"env": "TEST_ASKING"},
    }
    library = {
        "kind": "gat1400",
        "base_url": url,
        "device_code": DEVICE,
        "username": USERNAME,
        "password": {"env": "TEST_LIBRARY"},
        "tollgates": {"cam": TOLLGATE},
        "takes_trials": True,
        "answers": answers,
        **changed,
    }
    return loaded(folder, ("receivers.library", library), ("cameras.cam.device_code", CAMERA), *changes)


def subscribe(store: Store, desk: Desk | None, address: str, n: int = 1, **changed: Any) -> None:  # noqa: ANN401
    """Keep the ``n``-th subscription, from the day of ``T0`` on; ``desk`` knows of it."""
    wanted: dict[str, Any] = {
        "title": "社区事件",
        "kinds": [11, 13, 14],
        "resources": [],
        "organisation": "中山市公安局",
        "begin_at": T0 - timedelta(hours=1),
        "end_at": T0 + timedelta(days=3650),
        "address": address,
        "interval_s": 0,
    }
    with store.write() as session:
        subscriptions.put(session, "library", number(n), Wanted(**wanted | changed), T0)
    if desk is not None:
        desk.subscriptions[number(n)] = subscription(number(n), address) | {
            "SubscribeDetail": ",".join(map(str, (wanted | changed)["kinds"]))
        }


def tell(
    store: Store,
    config: Config,
    incident: str = "a",
    version: int = 1,
    *,
    now: datetime = T0,
    **changed: Any,  # noqa: ANN401
) -> None:
    """Let subscribers be owed what the library is told of an incident at camera ``cam``."""
    with store.write() as session:
        tell_in(session, config, incident, version, now, **changed)


def tell_in(
    session: Session,
    config: Config,
    incident: str,
    version: int = 1,
    now: datetime = T0,
    **changed: Any,  # noqa: ANN401
) -> None:
    """As ``tell``, in the caller's transaction."""
    payload = notice(open_incident(session, incident), version, **changed)
    payload["place"] |= {"camera": "cam"}
    subscribers.owe(session, config, "library", notice_of(payload), now, now)


def owed(store: Store, n: int = 1) -> list[OutboxRow]:
    """Return the rows of the ``n``-th subscription."""
    with store.read() as session:
        return session.query(OutboxRow).filter_by(receiver=name(n)).order_by(OutboxRow.seq).all()


def states(store: Store, n: int = 1) -> list[str]:
    """Return how they are."""
    return [row.state for row in owed(store, n)]


def incident_id(incident: str) -> str:
    """Return the id of an incident."""
    return identify("incident", incident)


@asynccontextmanager
async def telling(store: Store, config: Config, clock: Clock) -> AsyncIterator[DeliveryWorker]:
    """Deliver what is owed to the library of ``config`` and to its subscribers."""
    stanza = config.receivers["library"]
    assert isinstance(stanza, gat1400.Config)
    channels = {"library": gat1400.build(stanza, clock, StoredSite("library", store, lambda: config))}
    worker = DeliveryWorker(
        store,
        channels,
        {"library": "notice"},
        clock=clock,
        metrics=DeliveryMetrics(CollectorRegistry()),
        pictures=lambda _: ((scene(),), ""),
        jitter=FullJitter(),
    )
    async with running(worker):
        yield worker

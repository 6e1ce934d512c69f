"""Somebody at the water while the database is away: they are spoken to, once, and the store knows it later.

The whole alert service, in this process, over a real bus, a speaker that answers over HTTP, and a database
that is killed, stands still, or is locked.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from alerts.service import AlertService
from alerts.store import Store, open_store
from alerts.store.schema import ChangeRow, IncidentRow, OutboxRow
from deploy.demo.site import free_port
from deploy.simulators.speaker import SpeakerSimulator
from lianfang import codec
from lianfang.bus import Bus
from lianfang.clock import SystemClock
from lianfang.config import Config
from lianfang.events import OBSERVATIONS
from tests.e2e.installation import until
from tests.integration.test_alert_worker import rows
from tests.support.configs import SECRETS, loaded
from tests.support.http_camera import in_thread
from tests.support.observations import observation
from tests.support.postgresql import PASSWORD_ENV, own_server

IN = (0.5, 0.9)
Outage = Callable[[], AbstractContextManager[None]]


def speaker() -> AbstractContextManager[SpeakerSimulator]:
    return in_thread(SpeakerSimulator(SECRETS["TEST_TOKEN"], say=lambda _: None))


@dataclass
class Camera:
    """A camera at the water: five pictures a second, with somebody in them or without."""

    bus: Bus
    somebody: bool = False
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Publish until stopped."""
        now = SystemClock().now
        while not self.stop.wait(0.2):
            seen = observation(0, {1: IN} if self.somebody else {})
            moments = dict.fromkeys(("captured_at", "published_at", "detected_at"), now())
            value, headers = codec.encode_event(seen.model_copy(update=moments))
            self.bus.publish(OBSERVATIONS, "cam", value, headers).result(10)


def config(folder: Path, horn: SpeakerSimulator, store: str) -> Config:
    access = {"password": {"env": PASSWORD_ENV}} if store != "sqlite" else {}
    return loaded(
        folder,
        ("store", store),
        ("postgresql", access),
        ("api", {"port": free_port(0)}),
        ("receivers.horn.base_url", horn.url),
        ("rules.entry.life_safety", True),
        ("rules.entry.notify", []),
        ("rules.entry.speech", {"text": "水深危险，请离开{place}", "again_s": 4, "times": 2}),
    )


@contextmanager
def working(config: Config, bus: Bus, store: Store) -> Iterator[None]:
    registry = CollectorRegistry()
    service = AlertService(config, bus, store, SystemClock(), registry, registry)
    stop = threading.Event()
    thread = threading.Thread(target=service.run, args=(stop,))
    thread.start()
    try:
        until("a service that is ready", lambda: set(service.ready().values()) == {"ok"})
        yield
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()


def comes_and_stays(
    config: Config, bus: Bus, horn: SpeakerSimulator, outage: Outage, outage_s: float
) -> None:
    """Let somebody come while the store is away and stay until after it is back; check what is known then."""
    store, camera = open_store(config), Camera(bus)
    pictures = threading.Thread(target=camera.run)
    try:
        with working(config, bus, store):
            pictures.start()
            with outage():
                began = time.monotonic()
                camera.somebody = True
                until("a word from the speaker", lambda: horn.received)
                until("another word", lambda: len(horn.received) == 2)
                while time.monotonic() - began < outage_s:
                    time.sleep(0.1)
            until("the incident", lambda: rows(store, IncidentRow))
            until("both speeches", lambda: [r.state for r in rows(store, OutboxRow)] == ["delivered"] * 2)
            until("escalation", lambda: rows(store, IncidentRow)[0].escalated_at)
            camera.somebody = False
            until("its end", lambda: not rows(store, IncidentRow)[0].occupied)
        assert [one.id for one in horn.received] == [row.id for row in rows(store, OutboxRow)]
        assert len({one.id for one in horn.received}) == 2, "each was said once"
        (incident,) = rows(store, IncidentRow)
        assert incident.spoken == 2
        kinds = [row.kind for row in rows(store, ChangeRow)]
        assert kinds[0] == "opened"
        assert kinds.count("delivered") == 2
        details = [row.data["detail"] for row in rows(store, ChangeRow) if row.kind == "delivered"]
        assert all(detail.startswith("said from memory by horn") for detail in details)
    finally:
        camera.stop.set()
        pictures.join()
        store.close()


@pytest.mark.parametrize("how", ["killed", "stands still"])
def test_without_postgresql(tmp_path: Path, bus: Bus, how: str) -> None:
    with own_server() as server, speaker() as horn:

        @contextmanager
        def outage() -> Iterator[None]:
            if how == "killed":
                server.kill()
            else:
                server.pause()
            yield
            if how == "killed":
                server.start()
            else:
                server.resume()

        comes_and_stays(config(tmp_path, horn, server.create()), bus, horn, outage, 8)


@pytest.mark.e2e
@pytest.mark.chaos  # its first eight seconds stand above
def test_a_minute_without_postgresql(tmp_path: Path, bus: Bus) -> None:
    with own_server() as server, speaker() as horn:

        @contextmanager
        def outage() -> Iterator[None]:
            server.kill()
            yield
            server.start()

        comes_and_stays(config(tmp_path, horn, server.create()), bus, horn, outage, 60)


def test_while_somebody_else_locks_the_file(tmp_path: Path, bus: Bus) -> None:
    with speaker() as horn:
        site = config(tmp_path, horn, "sqlite")

        @contextmanager
        def outage() -> Iterator[None]:
            other = sqlite3.connect(site.data_dir / "store.sqlite3", isolation_level=None)
            other.execute("PRAGMA busy_timeout=10000")
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")
            other.close()

        comes_and_stays(site, bus, horn, outage, 8)

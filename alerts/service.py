"""The alert service: the one place where its parts are put together.

It owns the embedded bus and the store. Threads: the alert worker, the evidence keeper, and one event loop
with delivery, API and console. A part that fails ends the process, and its supervisor starts it anew: all
that it owes is in the store.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from alerts import actions
from alerts.api.app import create_app
from alerts.api.dependencies import Dependencies
from alerts.api.server import ApiServer
from alerts.channels.base import Channel, ChannelConfig, Role
from alerts.delivery.worker import DeliveryWorker
from alerts.evidence import EvidenceKeeper
from alerts.metrics import DeliveryMetrics
from alerts.pipeline.worker import AlertWorker
from alerts.store import Store
from lianfang import plugins
from lianfang.bus import Bus
from lianfang.bus.connect import own
from lianfang.clock import Clock, SystemClock
from lianfang.config import Config
from lianfang.errors import LianfangError
from lianfang.service import service_main

_log = structlog.get_logger()

_STUCK_S = 10.0  # a worker that has not turned its loop for so long is not working


def main(argv: Sequence[str]) -> int:
    """Run the alert service from its command line."""

    def body(config: Config, _cameras: Sequence[str], stop: threading.Event) -> None:
        clock = SystemClock()
        with own(config, clock) as bus:
            store = Store(f"sqlite:///{config.data_dir / 'store.sqlite3'}")
            try:
                AlertService(config, bus, store, clock, *_registries()).run(stop)
            finally:
                store.close()

    return service_main("alerts", "Rules, delivery, API and console.", argv, body)


class AlertService:
    """The parts of the alert service over a bus and a store."""

    def __init__(
        self,
        config: Config,
        bus: Bus,
        store: Store,
        clock: Clock,
        registry: CollectorRegistry,
        exported: CollectorRegistry,
    ) -> None:
        self._config, self._store, self._clock = config, store, clock
        self._worker = AlertWorker(config, settings_version(config), bus, store, clock, registry)
        evidence_dir = config.data_dir / "evidence"
        self._evidence = EvidenceKeeper(store, bus, config, evidence_dir, clock)
        self._metrics = DeliveryMetrics(registry)
        self._dependencies = Dependencies(
            config=config,
            store=store,
            clock=clock,
            act=partial(actions.act, store, config, clock),
            evidence_dir=evidence_dir,
            registry=exported,
            ready=self.ready,
        )
        self._failed: BaseException | None = None

    def ready(self) -> Mapping[str, str]:
        """Return per component "ok", or what is wrong with it."""
        return {"alerts": self._worker_state(), "store": self._store_state()}

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop``; LianfangError names the part that failed."""
        threads = [
            self._thread("alerts", self._worker.run, stop),
            self._thread("evidence", self._evidence.run, stop),
            self._thread("outside", lambda s: asyncio.run(self._outside(s)), stop),
        ]
        for thread in threads:
            thread.start()
        stop.wait()
        for thread in threads:
            thread.join()
        if self._failed is not None:
            raise LianfangError(f"a part of the alert service failed: {self._failed!r}") from self._failed

    def _thread(
        self, name: str, work: Callable[[threading.Event], None], stop: threading.Event
    ) -> threading.Thread:
        def run() -> None:
            try:
                work(stop)
            except BaseException as error:  # noqa: BLE001 - a worker's outermost loop
                _log.exception("part_failed", part=name)
                self._failed = error
            finally:
                stop.set()

        return threading.Thread(target=run, name=name)

    async def _outside(self, stop: threading.Event) -> None:
        """Run everything that talks to the outside world: delivery, API, console."""
        channels, roles = self._channels()
        delivery = DeliveryWorker(
            self._store,
            channels,
            roles,
            clock=self._clock,
            metrics=self._metrics,
            pictures=self._evidence.pictures,
        )
        api = self._config.api
        server = ApiServer(create_app(self._dependencies), host=api.host, port=api.port)

        async def end() -> None:
            await asyncio.to_thread(stop.wait)
            server.should_exit = True
            delivery.stop()

        async def serve() -> None:
            # uvicorn ends the process where it cannot bind: say why, as an error of this service.
            try:
                await server.serve()
            except SystemExit as error:
                raise LianfangError(f"the API cannot listen on {api.host}:{api.port}") from error
            stop.set()

        async with asyncio.TaskGroup() as group:
            group.create_task(end())
            group.create_task(delivery.run())
            group.create_task(serve())

    def _channels(self) -> tuple[dict[str, Channel], dict[str, Role]]:
        receivers = {
            name: stanza
            for name, stanza in self._config.receivers.items()
            if isinstance(stanza, ChannelConfig)
        }
        channels = {
            name: plugins.build("alerts.channels", stanza, self._clock) for name, stanza in receivers.items()
        }
        return channels, {name: stanza.role for name, stanza in receivers.items()}

    def _worker_state(self) -> str:
        if self._worker.last_poll is None:
            return "starting"
        silent = self._clock.monotonic() - self._worker.last_poll
        return "ok" if silent < _STUCK_S else f"no turn for {silent:.0f} s"

    def _store_state(self) -> str:
        try:
            with self._store.read() as session:
                session.execute(text("SELECT 1"))
        except SQLAlchemyError as error:
            return f"{type(error).__name__}: {error}"
        return "ok"


def settings_version(config: Config) -> str:
    """Return a name for the settings that decide (cameras, rules): equal settings have an equal name."""
    deciding = config.model_dump_json(include={"points", "cameras", "detectors", "rules"})
    return hashlib.sha256(deciding.encode()).hexdigest()[:12]


def _registries() -> tuple[CollectorRegistry, CollectorRegistry]:
    """Return the registry that this process counts in, and the one that is exported.

    Under a supervisor that is the sum over all its processes, which prometheus_client keeps in files.
    """
    counted = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return counted, counted
    exported = CollectorRegistry()
    MultiProcessCollector(exported)  # type: ignore[no-untyped-call]
    return counted, exported

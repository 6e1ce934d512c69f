"""The alert service: the one place where its parts are put together.

It owns the store, and the bus where that is embedded. Threads: the alert worker, the keepers of evidence and
clips, the deadlines, and one event loop with delivery, API and console. A part that fails ends the process,
and its supervisor starts it anew: all that it owes is in the store.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial

import structlog
from prometheus_client import CollectorRegistry
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from alerts import actions, microphone, trials
from alerts.api.app import create_app
from alerts.api.dependencies import Dependencies
from alerts.api.server import ApiServer
from alerts.channels.base import Channel, ChannelConfig, Role, SpeakerConfig
from alerts.clip.keeper import ClipKeeper
from alerts.deadlines import Deadlines
from alerts.deadman import report_alive
from alerts.delivery.aloud import Aloud
from alerts.delivery.worker import DeliveryWorker
from alerts.digests import Digests
from alerts.evidence import EvidenceKeeper
from alerts.guests.book import GuestBook
from alerts.guests.looking import newest_picture
from alerts.guests.upkeep import Upkeep
from alerts.intake import writer
from alerts.metrics import DeliveryMetrics, registries
from alerts.notice_settings import NoticeConfig
from alerts.pipeline.escalate import unsaid
from alerts.pipeline.garbage import look_seldom
from alerts.pipeline.seasons import Seasons
from alerts.pipeline.speaker_states import SpeakerStates
from alerts.pipeline.switchboard import Switchboard
from alerts.pipeline.watch import Canaries, Watch
from alerts.pipeline.worker import AlertWorker
from alerts.predecessor import own_at_last
from alerts.receivers import channel_to
from alerts.reports.collector import EffectsCollector
from alerts.settings import Settings
from alerts.site import StoredSite
from alerts.store import Store, offsets, open_store
from alerts.viid.inbound.platforms import Platforms
from alerts.voice.clips import Clips
from alerts.voice.microphone import Voices
from alerts.voice.server import serving
from lianfang.bus import Bus
from lianfang.bus.connect import join
from lianfang.clock import Clock, SystemClock
from lianfang.config import Config
from lianfang.errors import LianfangError, TransientError
from lianfang.events import OBSERVATIONS
from lianfang.patience import wait_for
from lianfang.service import Run, service_main

_log = structlog.get_logger()

_STILL = timedelta(seconds=30)  # a partition without even a canary for so long is read by nobody
_STUCK_S = 10.0  # a worker that has not turned its loop for so long is not working


def main(argv: Sequence[str]) -> int:
    """Run the alert service from its command line."""

    def body(run: Run) -> None:
        look_seldom()
        clock = SystemClock()
        reach = own_at_last if run.config.bus_is_embedded else join
        with reach(run.config, clock, run.stop) as bus:
            if bus is None:
                return
            store = wait_for("store", partial(open_store, run.config), clock, run.stop)
            if store is None:
                return
            try:
                AlertService(run.config, bus, store, clock, *registries()).run(run.stop)
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
        self._settings = settings = Settings(config, store, clock)
        books = settings.books
        # Also for rules that only some profile has: who is blind must be known before the flood comes.
        self._watch = Watch(books.everyday.config, clock, bus.partition_of, settings.config)
        exported.register(self._watch)
        self._seasons = Seasons(settings, clock)
        exported.register(self._seasons)
        exported.register(EffectsCollector(store, config, clock))
        self._switchboard = Switchboard(settings, bus, clock)
        self._canaries = Canaries(bus, self._watch, clock)
        self._speaker_states = SpeakerStates(config, bus, clock)
        self._aloud = Aloud(clock)
        self._worker = AlertWorker(config, books, bus, store, clock, registry, self._watch, self._aloud)
        evidence_dir = config.evidence_folder
        self._evidence = EvidenceKeeper(store, bus, books, evidence_dir, clock)
        self._clips = ClipKeeper.of(config, settings.config, store, bus, clock)
        self._deadlines = Deadlines(store, settings.config, clock, registry)
        self._digests = Digests(store, settings.config, clock)
        self._guests = Upkeep(GuestBook(store, settings, clock, evidence_dir, bus.forget), clock)
        self._voices = Voices(clock)
        self._metrics = DeliveryMetrics(registry)
        self._platforms = Platforms(config, store, clock, settings.config, registry)
        self._dependencies = Dependencies(
            settings=settings,
            store=store,
            clock=clock,
            act=lambda *what: actions.act(store, settings.config(), clock, *what),
            evidence_dir=evidence_dir,
            registry=exported,
            ready=self.ready,
            write=writer(config, bus),
            voices=self._voices,
            newest=lambda camera, since: newest_picture(bus, camera, since),
            bus=bus,
            forget=bus.forget,
        )
        self._failed: LianfangError | None = None

    def ready(self) -> Mapping[str, str]:
        """Return per component "ok", or what is wrong with it."""
        return {
            "alerts": self._worker_state(),
            "bus": "out of reach" if self._worker.bus_lost else "ok",
            "store": self._store_state(),
            "canary": self._watch.state(),
            "settings": self._settings.fault() or "ok",
            **self._platforms.ready(),
        }

    def alive(self) -> Mapping[str, str]:
        """Return ``ready``, and whether every partition of the log goes on, whoever reads it."""
        return {**self.ready(), "log": self._log_state()}

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop``; LianfangError says which part failed, or what keeps it from starting."""
        newest = self._settings.books.of(self._settings.newest()).config
        trials.begin(self._store, newest, self._clock)  # before the first picture is decided on
        threads = [
            self._thread("alerts", self._worker.run, stop),
            self._thread("evidence", self._evidence.run, stop),
            self._thread("clips", self._clips.run, stop),
            self._thread("canaries", self._canaries.run, stop),
            self._thread("switchboard", self._switchboard.run, stop),
            self._thread("seasons", self._seasons.run, stop),
            self._thread("deadlines", self._deadlines.run, stop),
            self._thread("digests", self._digests.run, stop),
            self._thread("guests", self._guests.run, stop),
            self._thread("voices", partial(microphone.forget, self._config, self._clock), stop),
            self._thread("outside", lambda s: asyncio.run(self._outside(s)), stop),
        ]
        for thread in threads:
            thread.start()
        stop.wait()
        for thread in threads:
            thread.join()
        if self._failed is not None:
            raise self._failed

    def _thread(
        self, name: str, work: Callable[[threading.Event], None], stop: threading.Event
    ) -> threading.Thread:
        def run() -> None:
            try:
                work(stop)
            except BaseException as error:  # noqa: BLE001 - a worker's outermost loop
                self._failed = self._failed or _failure(name, error)
            finally:
                stop.set()

        return threading.Thread(target=run, name=name)

    async def _outside(self, stop: threading.Event) -> None:
        """Run everything that talks to the outside world: delivery, platforms, API, console."""
        clips = Clips.of(self._config, self._voices)
        receivers, (channels, roles) = self._config.receivers, self._channels(clips)
        delivery = DeliveryWorker(
            self._store,
            channels,
            roles,
            clock=self._clock,
            metrics=self._metrics,
            pictures=self._evidence.pictures,
            films=self._clips.film,
            ask_every_s={n: r.status_s for n, r in receivers.items() if isinstance(r, SpeakerConfig)},
            tell=self._speaker_states.tell,
            stanzas={n: r for n, r in receivers.items() if isinstance(r, NoticeConfig)},
            unsaid=lambda *said: unsaid(self._settings.config(), *said),
            aloud=self._aloud,
            alone=self._config.bus_is_embedded,
        )
        servers: list[ApiServer] = []

        async def end() -> None:
            await asyncio.to_thread(stop.wait)
            for server in servers:
                server.should_exit = True
            delivery.stop()
            recordings.cancel()
            if dead_man is not None:
                dead_man.cancel()

        try:
            async with (
                serving(self._config.voice.serve, clips, self._clock),
                self._platforms.serving(),
                asyncio.TaskGroup() as group,
            ):
                settings = self._config.dead_man
                dead_man = group.create_task(report_alive(settings, self.alive)) if settings else None
                recordings = group.create_task(clips.recordings.follow(self._store))
                group.create_task(end())
                group.create_task(delivery.run())
                group.create_task(self._serve(servers, stop))
        finally:
            stop.set()  # for the thread of `end`, which asyncio.run waits for

    async def _serve(self, servers: list[ApiServer], stop: threading.Event) -> None:
        """Serve API and console until ``stop``; add the server to ``servers``, for whoever ends it."""
        api = self._config.api
        # Its routes take seconds to build: speakers do not wait for that.
        app = await asyncio.to_thread(create_app, self._dependencies)
        server = ApiServer(app, host=api.host, port=api.port)
        servers.append(server)
        server.should_exit = stop.is_set()
        # uvicorn ends the process where it cannot bind: say why, as an error of this service.
        try:
            await server.serve()
        except SystemExit as error:
            raise LianfangError(f"the API cannot listen on {api.host}:{api.port}") from error
        stop.set()

    def _channels(self, clips: Clips) -> tuple[dict[str, Channel], dict[str, Role]]:
        receivers = {
            name: stanza
            for name, stanza in self._config.receivers.items()
            if isinstance(stanza, ChannelConfig)
        }
        site = partial(StoredSite, store=self._store, config=self._settings.config)
        channels = {n: channel_to(stanza, self._clock, clips, site(n)) for n, stanza in receivers.items()}
        return channels, {name: stanza.role for name, stanza in receivers.items()}

    def _worker_state(self) -> str:
        if self._worker.last_poll is None:
            return "starting"
        silent = self._clock.monotonic() - self._worker.last_poll
        return "ok" if silent < _STUCK_S else f"no turn for {silent:.0f} s"

    def _log_state(self) -> str:
        try:
            with self._store.read() as session:
                now = self._store.now(session, self._clock.now())
                still = offsets.standing_still(session, OBSERVATIONS, now - _STILL)
        except (TransientError, SQLAlchemyError) as error:
            return f"{type(error).__name__}: {error}"
        return f"partitions {', '.join(map(str, still))} stand still" if still else "ok"

    def _store_state(self) -> str:
        try:
            with self._store.read() as session:
                session.execute(text("SELECT 1"))
        except (TransientError, SQLAlchemyError) as error:
            return f"{type(error).__name__}: {error}"
        return "ok"


def _failure(part: str, error: BaseException) -> LianfangError:
    """Return what ended a part: its own clear word, or after a fault of ours that the next start may help."""
    cause = error
    while isinstance(cause, BaseExceptionGroup) and len(cause.exceptions) == 1:
        cause = cause.exceptions[0]
    if isinstance(cause, LianfangError):
        return cause
    _log.error("part_failed", part=part, exc_info=error)
    return TransientError(f"{part} failed: {cause!r}")

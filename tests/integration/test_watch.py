"""Canaries through the real bus and store, blindness, and the dead-man's switch over HTTP."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from alerts.deadman import report_alive
from alerts.pipeline import watch as module
from alerts.pipeline.books import Books
from alerts.pipeline.watch import Canaries, Watch
from alerts.pipeline.worker import AlertWorker
from alerts.store import Store
from lianfang.bus import TopicPartition
from lianfang.bus.embedded import EmbeddedBus
from lianfang.clock import ManualClock, SystemClock
from lianfang.config.runtime import DeadMan
from lianfang.events import OBSERVATIONS, READINGS, Canary
from tests.e2e.installation import until
from tests.support.configs import loaded
from tests.support.observations import at, observation
from tests.support.readings import GAUGE

WHERE = TopicPartition(OBSERVATIONS, 0)


@contextmanager
def running(*works: object) -> Iterator[None]:
    stop = threading.Event()
    threads = [threading.Thread(target=work.run, args=(stop,)) for work in works]  # type: ignore[attr-defined]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)


def test_a_canary_goes_through_bus_worker_and_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CANARY_EVERY_S", 0.1)
    config = loaded(tmp_path, ("sensors", {"gauge": GAUGE}))
    registry, clock = CollectorRegistry(), SystemClock()
    bus, store = EmbeddedBus.own(tmp_path / "bus"), Store(f"sqlite:///{tmp_path / 's.sqlite3'}")
    watch = Watch(config, clock)
    registry.register(watch)
    worker = AlertWorker(config, Books(config), bus, store, clock, CollectorRegistry(), watch)
    with running(worker, Canaries(bus, watch, clock)):
        for topic in (OBSERVATIONS, READINGS):
            labels = {"topic": topic, "partition": "0"}
            took = until("a canary", partial(registry.get_sample_value, "lianfang_canary_seconds", labels))
            assert took >= 0
    assert watch.partitions() == [WHERE, TopicPartition(READINGS, 0)]
    store.close()
    bus.close()


def test_a_partition_whose_canaries_do_not_arrive_is_named(tmp_path: Path) -> None:
    clock = ManualClock(at(0))
    watch = Watch(loaded(tmp_path), clock)
    watch.turned([WHERE, TopicPartition(OBSERVATIONS, 1)])
    assert watch.state() == "ok", "they have just been taken over"
    clock.advance_to(at(15))
    watch.heard(WHERE, Canary(sent_at=at(14)))
    clock.advance_to(at(21))
    assert watch.state() == "observations.v1/1: no canary for 21 s"
    watch.turned([WHERE])
    assert watch.state() == "ok", "somebody else reads that partition now"


def test_how_long_a_camera_has_been_blind(tmp_path: Path) -> None:
    clock, registry = ManualClock(at(0)), CollectorRegistry()
    watch = Watch(loaded(tmp_path), clock)
    registry.register(watch)
    watch.turned([WHERE])

    def blind(camera: str) -> float | None:
        return registry.get_sample_value("lianfang_camera_blind_seconds", {"rule": "entry", "camera": camera})

    clock.advance_to(at(7))
    watch.saw(observation(6, {}))
    assert blind("cam") == 1
    assert blind("cam2") == 7, "never seen: since the start"


def test_a_worker_looks_after_the_cameras_that_it_is_given_and_no_others(tmp_path: Path) -> None:
    clock, registry = ManualClock(at(0)), CollectorRegistry()
    config = loaded(tmp_path, ("points.far", {"name": "远桥"}), ("cameras.cam2.point", "far"))
    watch = Watch(config, clock, lambda _topic, key: {"cam": 0, "cam2": 1}[key])
    registry.register(watch)
    other = TopicPartition(OBSERVATIONS, 1)

    def blind(camera: str) -> float | None:
        return registry.get_sample_value("lianfang_camera_blind_seconds", {"rule": "entry", "camera": camera})

    assert watch.turned([WHERE]) == []
    clock.advance_to(at(40))
    assert [said.source for said in watch.turned([WHERE])] == ["cam"], (
        "another worker reads the events of the other camera"
    )
    assert blind("cam2") is None
    watch.saw(observation(40, {}))
    assert watch.turned([WHERE, other]) == []
    clock.advance_to(at(100))
    assert [said.source for said in watch.turned([other])] == ["cam2"], (
        "in its charge for 60 s, and never seen"
    )
    assert watch.turned([WHERE, other]) == [], "it comes back: whoever had it meanwhile has seen it"
    assert blind("cam") == 0


def switch() -> DeadMan:
    return DeadMan(url="http://127.0.0.1:1/", every_s=1)


def test_the_switch_is_called_while_all_is_well_and_only_then() -> None:
    methods: set[str] = set()
    state = {"alerts": "ok", "canary": "ok"}

    async def play() -> None:
        calls: asyncio.Queue[None] = asyncio.Queue()

        async def called(request: web.Request) -> web.Response:
            methods.add(request.method)
            calls.put_nowait(None)
            return web.Response()

        app = web.Application()
        app.router.add_route("*", "/alive", called)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        settings = DeadMan(url=f"http://127.0.0.1:{port}/alive", every_s=1).model_copy(
            update={"every_s": 0.02}
        )
        task = asyncio.create_task(report_alive(settings, lambda: dict(state)))
        for _ in range(3):
            await calls.get()
        state["canary"] = "partition 3: no canary for 21 s"
        await asyncio.sleep(0.2)  # what was under way is done
        while not calls.empty():
            calls.get_nowait()
        await asyncio.sleep(0.3)
        assert calls.empty()
        state["canary"] = "ok"
        await calls.get()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await runner.cleanup()

    asyncio.run(asyncio.wait_for(play(), 30))
    assert methods == {"POST"}


def test_a_switch_that_is_away_ends_nothing() -> None:
    async def play() -> None:
        settings = switch().model_copy(update={"every_s": 0.01})
        task = asyncio.create_task(report_alive(settings, lambda: {"alerts": "ok"}))
        await asyncio.sleep(0.3)
        assert not task.done()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(play())


@pytest.mark.parametrize("url", ["ftp://h/x", "http://user:secret@h/x", "http://h/a b", ""])
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="url"):
        DeadMan(url=url)

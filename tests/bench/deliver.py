"""Deliveries to a receiver that answers in 20 ms, and how soon after an alert its speech is on the wire.

Worker and store share one core, the receivers have another. The bare limit is the same client, signature and
concurrency without anything being remembered.
"""

from __future__ import annotations

import asyncio
import base64
import multiprocessing
import os
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.queues import Queue
from pathlib import Path

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry

from alerts.channels import speaker_http, webhook
from alerts.channels.base import Channel, Delivery, Role
from alerts.delivery import DeliveryWorker
from alerts.metrics import DeliveryMetrics
from alerts.payload import Speech
from alerts.store import Store, outbox
from lianfang.clock import SystemClock
from lianfang.config import Secret
from tests.support.delivery import running
from tests.support.outbox import T0, notice, open_store, owe_notice, owe_speech

NOTICES, SPEECHES, BEHIND = 2000, 300, 1000
PAUSE_S = 0.05  # between two alerts
ANSWER_S, IN_FLIGHT = 0.02, 32
_KEY, _TOKEN = "LIANFANG_BENCH_KEY", "LIANFANG_BENCH_TOKEN"
_VALID = timedelta(seconds=30)
Alert = Callable[[int], Awaitable[str]]
"""Raises the n-th alert and returns the id of its speech."""


def measure(folder: Path) -> dict[str, float]:
    """Return deliveries a second and p99 of a speech in ms, with their ratios to the bare client's."""
    os.environ |= {_KEY: f"whsec_{base64.b64encode(bytes(32)).decode()}", _TOKEN: "bench"}
    cores = os.sched_getaffinity(0)
    first, last = min(cores), max(cores)
    with _receivers(last) as url:
        os.sched_setaffinity(0, {first})
        try:
            return asyncio.run(_measure(folder, url))
        finally:
            os.sched_setaffinity(0, cores)


async def _measure(folder: Path, url: str) -> dict[str, float]:
    bare = await _bare(_police(url))
    store = open_store(folder)
    roles: dict[str, Role] = {"police": "notice", "dead": "notice", "gate": "speaker"}
    channels: dict[str, Channel] = {
        "police": _police(url),
        "dead": _police(url, "dead"),
        "gate": _speaker(url),
    }
    metrics = DeliveryMetrics(CollectorRegistry())
    worker = DeliveryWorker(store, channels, roles, clock=SystemClock(), metrics=metrics)
    async with aiohttp.ClientSession(url) as session:
        speaker = _speaker(url)
        bare_ms = await _p99_ms(session, _bare_speech(speaker))
        await speaker.close()
        _owe(store, "police", "first", NOTICES)
        async with running(worker):
            start = time.perf_counter()
            while await asyncio.to_thread(_pending, store):  # noqa: ASYNC110 - the store fires no event
                await asyncio.sleep(0.1)
            rate = NOTICES / (time.perf_counter() - start)
            found = {"per_s": rate, "bare_per_s": bare, "ratio_to_bare": rate / bare}
            found["speaker_p99_ms_idle"] = await _p99_ms(session, _alert(store, "idle"))
            # All of them are about other incidents: nothing but the receiver itself holds them back.
            _owe(store, "dead", "waiting", BEHIND)
            behind_ms = await _p99_ms(session, _alert(store, "behind", "dead"))
            found |= {"speaker_p99_ms_behind_dead_receiver": behind_ms, "speaker_bare_p99_ms": bare_ms}
            found["speaker_ratio_to_bare"] = behind_ms / bare_ms
            _owe(store, "police", "second", NOTICES)
            found["speaker_p99_ms_while_2000_go_out"] = await _p99_ms(session, _alert(store, "loaded"))
    store.close()
    return found


async def _bare(channel: Channel) -> float:
    """Return requests a second of the channel alone."""
    numbers = iter(range(NOTICES))

    async def send() -> None:
        for i in numbers:
            delivery = Delivery(f"bare{i}", f"i{i}", 1, 1, notice(f"i{i}", 1), T0)
            await channel.send(delivery)

    start = time.perf_counter()
    await asyncio.gather(*(send() for _ in range(IN_FLIGHT)))
    rate = NOTICES / (time.perf_counter() - start)
    await channel.close()
    return rate


async def _p99_ms(session: aiohttp.ClientSession, alert: Alert) -> float:
    """Return the p99 in ms from an alert to its speech, as the speaker saw it arrive."""
    raised = {}
    for i in range(SPEECHES):
        at = time.time()
        raised[await alert(i)] = at
        await asyncio.sleep(PAUSE_S)
    await asyncio.sleep(1)
    async with session.get("/heard") as answer:
        heard: dict[str, float] = await answer.json()
    waits_ms = [(heard[speech] - at) * 1000 for speech, at in raised.items()]
    return statistics.quantiles(waits_ms, n=100, method="inclusive")[98]


def _bare_speech(channel: Channel) -> Alert:
    async def say(i: int) -> str:
        now = datetime.now(UTC)
        speech = Speech(id=f"bare{i}", text="请远离水边", volume_pct=70, repeat=1, valid_until=now + _VALID)
        await channel.send(Delivery(speech.id, f"i{i}", 1, 1, speech.model_dump(mode="json"), now))
        return speech.id

    return say


def _alert(store: Store, name: str, receiver: str = "") -> Alert:
    """Return what owes, in one transaction, a speech and a notice to ``receiver`` ("" for none)."""

    def commit(i: int) -> str:
        now = datetime.now(UTC)
        with store.write() as session:
            if receiver:
                owe_notice(session, receiver, f"{name} {i}", now=now)
            return owe_speech(session, "gate", f"{name} {i}", now=now)

    return lambda i: asyncio.to_thread(commit, i)


def _owe(store: Store, receiver: str, name: str, count: int) -> None:
    with store.write() as session:
        for i in range(count):
            owe_notice(session, receiver, f"{name} {i}", now=datetime.now(UTC))


def _pending(store: Store) -> int:
    with store.read() as session:
        return outbox.depths(session).get(("police", "pending"), 0)


def _police(url: str, path: str = "alerts") -> Channel:
    stanza = {
        "kind": "webhook",
        "url": f"{url}/{path}",
        "secrets": [Secret(env=_KEY)],
        "networks": ["127.0.0.0/8"],
    }
    return webhook.build(webhook.Config.model_validate(stanza), SystemClock())


def _speaker(url: str) -> Channel:
    stanza = {
        "kind": "speaker_http",
        "base_url": url,
        "token": Secret(env=_TOKEN),
        "networks": ["127.0.0.0/8"],
    }
    return speaker_http.build(speaker_http.Config.model_validate(stanza), SystemClock())


@contextmanager
def _receivers(core: int) -> Iterator[str]:
    """Run the receivers in a process of their own; the value is their URL."""
    context = multiprocessing.get_context("spawn")
    ports: Queue[int] = context.Queue()
    process = context.Process(target=_serve, args=(core, ports), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ports.get(timeout=60)}"
    finally:
        process.kill()
        process.join()


def _serve(core: int, ports: Queue[int]) -> None:
    """Answer notices after 20 ms or, at ``/dead``, never; speeches at once; ``/heard``: when each arrived."""
    os.sched_setaffinity(0, {core})
    heard: dict[str, float] = {}

    async def alerts(request: web.Request) -> web.Response:
        await request.read()
        await asyncio.sleep(ANSWER_S)
        return web.json_response({"outcome": "taken"})

    async def never(_request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async def say(request: web.Request) -> web.Response:
        now = time.time()
        speech = (await request.json())["id"]
        heard[speech] = now
        return web.json_response({"id": speech, "outcome": "finished"})

    async def tell(_request: web.Request) -> web.Response:
        return web.json_response(heard)

    async def main() -> None:
        app = web.Application()
        posts = {"/alerts": alerts, "/dead": never, "/v1/say": say}
        app.add_routes([*(web.post(path, answer) for path, answer in posts.items()), web.get("/heard", tell)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ports.put(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(main())

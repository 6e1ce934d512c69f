"""Deliveries to a receiver that answers in 20 ms, and how soon after its commit a speech is on the wire.

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
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.queues import Queue
from pathlib import Path

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry

from alerts.channels import speaker_http, webhook
from alerts.channels.base import Channel, Delivery
from alerts.delivery import DeliveryWorker
from alerts.metrics import DeliveryMetrics
from alerts.store import Store, outbox
from lianfang.clock import SystemClock
from lianfang.config import Secret
from tests.support.delivery import running
from tests.support.outbox import T0, notice, open_store, owe_notice, owe_speech

NOTICES, SPEECHES = 2000, 60
ANSWER_S, IN_FLIGHT = 0.02, 32
_KEY, _TOKEN = "LIANFANG_BENCH_KEY", "LIANFANG_BENCH_TOKEN"


def measure(folder: Path) -> dict[str, float]:
    """Return deliveries a second, their ratio to the bare client's, and p50 and p95 in ms of a speech."""
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
    channels: dict[str, Channel] = {"police": _police(url), "gate": _speaker(url)}
    worker = DeliveryWorker(
        store,
        channels,
        {"police": "notice", "gate": "speaker"},
        clock=SystemClock(),
        metrics=DeliveryMetrics(CollectorRegistry()),
    )
    _owe(store, "first")
    async with running(worker), aiohttp.ClientSession(url) as session:
        start = time.perf_counter()
        while await asyncio.to_thread(_pending, store):  # noqa: ASYNC110 - the store fires no event
            await asyncio.sleep(0.1)
        rate = NOTICES / (time.perf_counter() - start)
        found = {"per_s": rate, "bare_per_s": bare, "ratio_to_bare": rate / bare}
        found |= await _speeches(store, session, "idle")
        _owe(store, "second")
        found |= await _speeches(store, session, "loaded")
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


async def _speeches(store: Store, session: aiohttp.ClientSession, name: str) -> dict[str, float]:
    """Return milliseconds from the commit of a speech to its request, as the speaker saw it arrive."""
    committed = {}
    for i in range(SPEECHES):
        speech, at = await asyncio.to_thread(_commit_speech, store, f"{name} {i}")
        committed[speech] = at
        await asyncio.sleep(0.03)
    await asyncio.sleep(1)
    async with session.get("/heard") as answer:
        heard: dict[str, float] = await answer.json()
    waits_ms = sorted((heard[speech] - at) * 1000 for speech, at in committed.items())
    cuts = statistics.quantiles(waits_ms, n=20, method="inclusive")
    return {f"speech_{name}_p50_ms": cuts[9], f"speech_{name}_p95_ms": cuts[18]}


def _commit_speech(store: Store, incident: str) -> tuple[str, float]:
    with store.write() as session:
        speech = owe_speech(session, "gate", incident, now=datetime.now(UTC))
    return speech, time.time()


def _owe(store: Store, name: str) -> None:
    with store.write() as session:
        for i in range(NOTICES):
            owe_notice(session, "police", f"{name} {i}", now=datetime.now(UTC))


def _pending(store: Store) -> int:
    with store.read() as session:
        return outbox.depths(session).get(("police", "pending"), 0)


def _police(url: str) -> Channel:
    stanza = {
        "kind": "webhook",
        "url": f"{url}/alerts",
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
    """Answer notices after 20 ms, speeches at once, and ``/heard`` with when each speech arrived."""
    os.sched_setaffinity(0, {core})
    heard: dict[str, float] = {}

    async def alerts(request: web.Request) -> web.Response:
        await request.read()
        await asyncio.sleep(ANSWER_S)
        return web.json_response({"outcome": "taken"})

    async def say(request: web.Request) -> web.Response:
        now = time.time()
        speech = (await request.json())["id"]
        heard[speech] = now
        return web.json_response({"id": speech, "outcome": "finished"})

    async def tell(_request: web.Request) -> web.Response:
        return web.json_response(heard)

    async def main() -> None:
        app = web.Application()
        app.add_routes([web.post("/alerts", alerts), web.post("/v1/say", say), web.get("/heard", tell)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ports.put(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(main())

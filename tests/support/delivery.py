"""A delivery worker with scripted channels, on a clock that moves only when told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry

from alerts.channels.base import Channel, Delivery, Receipt, Role
from alerts.delivery import DeliveryWorker
from alerts.delivery.attempt import PictureSource
from alerts.delivery.exchange import Unsaid
from alerts.metrics import DeliveryMetrics
from alerts.store import Store
from alerts.store.speakers import Health
from lianfang.clock import Clock

_PATIENCE_S = 30.0  # until a condition that should come at once counts as not coming

Answer = Receipt | Exception | asyncio.Event


class FullJitter(random.Random):
    """Jitter without chance: always the longest pause."""

    def random(self) -> float:
        """Return 1."""
        return 1.0


@dataclass
class Scripted:
    """A channel that answers as written, then ``Receipt("200")``; an Event is silence until it is set."""

    script: list[Answer] = field(default_factory=list)
    always: Answer | None = None
    seen: list[Delivery] = field(default_factory=list)
    log: list[str] | None = None
    name: str = ""
    closed: bool = False

    async def send(self, delivery: Delivery) -> Receipt:
        """Answer as written."""
        self.seen.append(delivery)
        if self.log is not None:
            self.log.append(self.name)
        answer = self.always or (self.script.pop(0) if self.script else Receipt("200"))
        if isinstance(answer, asyncio.Event):
            await answer.wait()
            answer = Receipt("200")
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        """Take note of it."""
        self.closed = True

    @property
    def ids(self) -> list[str]:
        """The ids of all attempts, in order."""
        return [delivery.id for delivery in self.seen]


def make_worker(
    store: Store,
    clock: Clock,
    channels: Mapping[str, Channel],
    *,
    speakers: tuple[str, ...] = (),
    pictures: PictureSource | None = None,
    registry: CollectorRegistry | None = None,
    unsaid: Unsaid | None = None,
    ask_every_s: Mapping[str, float] | None = None,
    tell: Callable[[str, Health, str], None] | None = None,
) -> DeliveryWorker:
    """Return a worker over ``channels``; those in ``speakers`` are speakers."""
    roles: dict[str, Role] = {name: "speaker" if name in speakers else "notice" for name in channels}
    return DeliveryWorker(
        store,
        channels,
        roles,
        clock=clock,
        metrics=DeliveryMetrics(registry or CollectorRegistry()),
        pictures=pictures,
        jitter=FullJitter(),
        unsaid=unsaid,
        ask_every_s=ask_every_s,
        tell=tell,
    )


@asynccontextmanager
async def running(worker: DeliveryWorker) -> AsyncIterator[asyncio.Task[None]]:
    """Run ``worker``, and kill it at the end if it has not ended by itself."""
    task = asyncio.create_task(worker.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], object]) -> None:
    """Wait until ``condition`` holds."""
    async with asyncio.timeout(_PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - a condition of the store fires no event
            await asyncio.sleep(0.01)


def played(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run the coroutine of a test to its end."""
    asyncio.run(test())

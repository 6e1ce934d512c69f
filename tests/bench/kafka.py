"""The bus over a real Kafka broker against the bare client with the same settings."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kafka import KafkaProducer

from deploy.kafka import Broker, jars
from lianfang import codec
from lianfang.bus import Position
from lianfang.bus.kafka import Access, KafkaBus, topics_of
from lianfang.bus.kafka.publisher import EVENTS_TERMS, FRAMES_TERMS
from lianfang.config.kafka import Kafka
from lianfang.events import FRAMES, OBSERVATIONS, Frame

ROUNDS, EVENTS, EVENT_BATCH = 5, 4000, 100
VALUE = b"x" * 600  # an observation of a few objects
FRAME_BYTES, FRAME_COUNT, FRAME_BATCH = 90_000, 1000, 40  # a 720p JPEG
SETTINGS = Kafka(frame_partitions=4, event_partitions=4)


@contextmanager
def started(folder: Path) -> Iterator[str]:
    """Give the address of a broker of this bench."""
    with Broker(folder, jars()) as broker:
        yield broker.address


def measure(folder: Path) -> dict[str, float]:
    """Return events and MB of frames a second, and their ratios to the bare client (medians of rounds)."""
    rates: dict[str, list[float]] = {
        "bare_events_per_s": [],
        "events_per_s": [],
        "bare_frames_mb_s": [],
        "frames_mb_s": [],
    }
    with started(folder) as address:
        access = Access.of(f"kafka://{address}", SETTINGS)
        bus = KafkaBus.connect(access, topics_of(SETTINGS), timeout_s=30)
        events = KafkaProducer(**access.arguments, **EVENTS_TERMS.settings)
        frames = KafkaProducer(**access.arguments, **FRAMES_TERMS.settings)
        for _ in range(ROUNDS):
            rates["bare_events_per_s"].append(_bare_events(events))
            rates["events_per_s"].append(_events(bus))
            rates["bare_frames_mb_s"].append(_bare_frames(frames))
            rates["frames_mb_s"].append(_frames(bus))
        for producer in (events, frames):
            producer.close()
        bus.close()
    found = {name: statistics.median(values) for name, values in rates.items()}
    for ours in ("events_per_s", "frames_mb_s"):
        pairs = zip(rates[ours], rates[f"bare_{ours}"], strict=True)
        found[f"{ours.split('_', maxsplit=1)[0]}_ratio_to_bare"] = statistics.median(o / b for o, b in pairs)
    return found


def _rate(batches: int, send: Callable[[int], list[Any]], wait: Callable[[Any], object]) -> float:
    """Return batches a second; each is waited for before the next, as every publisher of ours does."""
    start = time.perf_counter()
    for batch in range(batches):
        for future in send(batch):
            wait(future)
    return batches / (time.perf_counter() - start)


def _taken(future: Future[Position]) -> object:
    return future.result(30)


def _bare_events(producer: KafkaProducer) -> float:
    headers = [("schema", b"x/1.0")]

    def send(_: int) -> list[Any]:
        return [
            producer.send(OBSERVATIONS, VALUE, key=b"cam%d" % (i % 8), headers=headers)
            for i in range(EVENT_BATCH)
        ]

    return EVENT_BATCH * _rate(EVENTS // EVENT_BATCH, send, lambda future: future.get(30))


def _events(bus: KafkaBus) -> float:
    def send(_: int) -> list[Future[Position]]:
        return [
            bus.publish(OBSERVATIONS, f"cam{i % 8}", VALUE, {"schema": "x/1.0"}) for i in range(EVENT_BATCH)
        ]

    return EVENT_BATCH * _rate(EVENTS // EVENT_BATCH, send, _taken)


def _bare_frames(producer: KafkaProducer) -> float:
    pixels, headers = bytes(FRAME_BYTES), [("schema", b"frame/1.0")]

    def send(_: int) -> list[Any]:
        return [
            producer.send(FRAMES, pixels, key=b"cam%d" % (i % 8), headers=headers) for i in range(FRAME_BATCH)
        ]

    batches = _rate(FRAME_COUNT // FRAME_BATCH, send, lambda future: future.get(30))
    return FRAME_BYTES * FRAME_BATCH * batches / 1e6


def _frames(bus: KafkaBus) -> float:
    pixels, now = bytes(FRAME_BYTES), datetime.now(UTC)

    def send(batch: int) -> list[Future[Position]]:
        sent = []
        for i in range(FRAME_BATCH):
            frame = Frame(f"cam{i % 8}", "e", batch * FRAME_BATCH + i, now, now, 1280, 720, "jpeg", pixels)
            sent.append(bus.publish(FRAMES, frame.camera_id, *codec.encode_frame(frame)))
        return sent

    return FRAME_BYTES * FRAME_BATCH * _rate(FRAME_COUNT // FRAME_BATCH, send, _taken) / 1e6

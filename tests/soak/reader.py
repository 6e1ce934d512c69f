"""Ingest in a process of its own: ``python -m tests.soak.reader CAMERAS.json [LEAK_KB]``.

It says each state of a camera as a line of JSON, and forgets frames. With LEAK_KB it holds so much of every
connection for ever: a soak that does not see that sees nothing.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path

from prometheus_client import CollectorRegistry

from ingest.metrics import IngestMetrics
from ingest.worker import IngestWorker
from lianfang import logs
from lianfang.bus import Position
from lianfang.clock import SystemClock
from lianfang.codec import decode_event
from lianfang.events import OBSERVATIONS, CameraState
from lianfang.service import stop_when_told
from tests.support.fake_bus import FakeBus
from tests.support.reading import configured


class SayingBus(FakeBus):
    """Says states, keeps nothing, and leaks where it is told to."""

    def __init__(self, leak_kb: int) -> None:
        super().__init__()
        self._leak, self._held = leak_kb * 1024, list[bytearray]()
        self._lock = threading.Lock()

    def publish(self, topic: str, key: str, value: bytes, headers: Mapping[str, str]) -> Future[Position]:
        """Take the record."""
        del key
        if topic == OBSERVATIONS:
            event = decode_event(value, headers)
            assert isinstance(event, CameraState)
            with self._lock:
                if event.condition == "online":
                    self._held.append(bytearray(b"x" * self._leak))
                print(event.model_dump_json(), flush=True)
        done: Future[Position] = Future()
        done.set_result(Position(topic, 0, 0))
        return done


def main(file: str, leak_kb: str = "0") -> None:
    """Read until SIGTERM."""
    logs.configure("soak", "error")
    stop = threading.Event()
    stop_when_told(stop)
    cameras = json.loads(Path(file).read_text(encoding="utf-8"))
    bus, metrics = SayingBus(int(leak_kb)), IngestMetrics(CollectorRegistry())
    IngestWorker(configured(cameras), list(cameras), bus, SystemClock(), metrics).run(stop)


if __name__ == "__main__":
    main(*sys.argv[1:])

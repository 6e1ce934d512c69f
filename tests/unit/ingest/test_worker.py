"""How many cameras are opened at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from ingest.sources.base import Asked, LiveSource, Pictures, SourceLost
from ingest.worker import AT_ONCE, OPENING_S
from lianfang.clock import ManualClock
from lianfang.events import CameraReason
from tests.support.bus_processes import eventually
from tests.support.reading import reading

COUNT = 2 * AT_ONCE + 3
CAMERAS = {f"c{n}": {"source": {"kind": "rtsp", "url": "rtsp://127.0.0.1"}} for n in range(COUNT)}


class Gate(LiveSource):
    """Cameras that stand at a gate while they are opened, and are refused behind it."""

    def __init__(self) -> None:
        self.begun = self.most = 0
        self._now = 0
        self._lock, self.gate = threading.Lock(), threading.Semaphore(0)

    def has_begun(self, count: int) -> bool:
        return self.begun == count

    def open(self, stop: threading.Event, asked: Asked) -> Pictures:
        del stop, asked
        with self._lock:
            self.begun, self._now = self.begun + 1, self._now + 1
            self.most = max(self.most, self._now)
        self.gate.acquire()
        with self._lock:
            self._now -= 1
        raise SourceLost(CameraReason.REFUSED)
        yield


@contextmanager
def opening(monkeypatch: pytest.MonkeyPatch, clock: ManualClock) -> Iterator[Gate]:
    source = Gate()
    monkeypatch.setattr("ingest.worker.plugins.build", lambda *_: source)
    with reading(CAMERAS, clock=clock):
        try:
            yield source
        finally:
            source.gate.release(COUNT)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2025, 3, 1, 12, tzinfo=UTC))


def test_some_are_opened_at_once_and_the_others_as_these_have_answered(
    monkeypatch: pytest.MonkeyPatch, clock: ManualClock
) -> None:
    with opening(monkeypatch, clock) as source:
        for begun in (AT_ONCE, 2 * AT_ONCE, COUNT):
            eventually(partial(source.has_begun, begun), f"{begun} begun")
            source.gate.release(AT_ONCE)
    assert source.most == AT_ONCE


def test_those_that_do_not_answer_keep_no_other_waiting(
    monkeypatch: pytest.MonkeyPatch, clock: ManualClock
) -> None:
    with opening(monkeypatch, clock) as source:
        for begun in (AT_ONCE, 2 * AT_ONCE, COUNT):
            eventually(partial(source.has_begun, begun), f"{begun} begun")
            clock.advance_to(clock.now() + timedelta(seconds=OPENING_S))
    assert source.most == COUNT

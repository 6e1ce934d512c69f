"""What becomes of a frame handed to the bus: counted, said once, and told to who asks for readiness."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from ingest.metrics import IngestMetrics
from ingest.publisher import FramePublisher
from lianfang.bus import Position
from lianfang.errors import TransientError
from lianfang.events import FRAMES, Frame
from tests.support.fake_bus import FakeBus

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
FRAME = Frame("gate", "e", 0, NOON, NOON, 64, 48, "jpeg", b"jpeg")


class SlowBus(FakeBus):
    """Takes frames and lets the test say what became of them."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Future[Position]] = []

    def publish(self, topic: str, key: str, value: bytes, headers: Mapping[str, str]) -> Future[Position]:
        del topic, key, value, headers
        future: Future[Position] = Future()
        self.sent.append(future)
        return future


def test_frames_that_are_lost_on_the_way_are_counted_and_that_is_said_once() -> None:
    bus, registry = SlowBus(), CollectorRegistry()
    publisher = FramePublisher("gate", bus, IngestMetrics(registry))
    with capture_logs() as logs:
        for _ in range(4):
            publisher.publish(FRAME, patient=False)
        assert not publisher.losing, "nothing is known yet"
        bus.sent[0].set_exception(TransientError("no answer in 1.5 s"))
        bus.sent[1].cancel()
        bus.sent[1].set_running_or_notify_cancel()
        assert publisher.losing
        bus.sent[2].set_result(Position(FRAMES, 0, 0))
        bus.sent[3].set_result(Position(FRAMES, 0, 1))
    assert not publisher.losing
    assert [line["event"] for line in logs] == ["frames_lost", "frames_taken_again"]
    assert logs[0]["reason"] == "no answer in 1.5 s"
    dropped = {"camera": "gate", "reason": "bus"}
    assert registry.get_sample_value("lianfang_frames_dropped_total", dropped) == 2
    assert registry.get_sample_value("lianfang_frames_published_total", {"camera": "gate"}) == 2


@pytest.mark.parametrize("patient", [True, False])
def test_a_bus_that_refuses_a_frame_loses_it(patient: bool) -> None:
    bus = FakeBus(lambda _topic, _key: True)
    publisher = FramePublisher("gate", bus, IngestMetrics(CollectorRegistry()))
    publisher.publish(FRAME, patient)
    assert publisher.losing

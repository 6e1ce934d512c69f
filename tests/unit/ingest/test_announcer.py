from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from datetime import UTC, datetime

from ingest.announcer import Announcer
from lianfang.bus import Position
from lianfang.codec import decode_event
from lianfang.errors import TransientError
from lianfang.events import CameraCondition, CameraState
from tests.support.fake_bus import FakeBus


class LazyBus(FakeBus):
    """Takes records and lets the test say what became of them."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[str, Future[Position]]] = []

    def publish(self, topic: str, key: str, value: bytes, headers: Mapping[str, str]) -> Future[Position]:
        del topic, key
        event = decode_event(value, headers)
        assert isinstance(event, CameraState)
        future: Future[Position] = Future()
        self.sent.append((event.condition.value, future))
        return future


def state(condition: CameraCondition) -> CameraState:
    return CameraState(camera_id="gate", condition=condition, captured_at=datetime.now(UTC))


ONLINE, OFFLINE = state(CameraCondition.ONLINE), state(CameraCondition.OFFLINE)


def test_a_state_is_sent_once() -> None:
    bus = FakeBus()
    announcer = Announcer(bus, "gate")
    announcer.announce(ONLINE)
    for _ in range(3):
        announcer.flush()
    assert bus.conditions("gate") == ["online"]


def test_a_state_that_the_bus_refuses_is_sent_again() -> None:
    refusing = [True]
    bus = FakeBus(lambda _topic, _key: refusing[0])
    announcer = Announcer(bus, "gate")
    announcer.announce(OFFLINE)
    announcer.flush()
    assert bus.conditions("gate") == []
    refusing[0] = False
    announcer.flush()
    announcer.flush()
    assert bus.conditions("gate") == ["offline"]


def test_a_state_that_was_lost_on_the_way_is_sent_again() -> None:
    bus = LazyBus()
    announcer = Announcer(bus, "gate")
    announcer.announce(OFFLINE)
    announcer.flush()
    assert [condition for condition, _ in bus.sent] == ["offline"]  # still on its way: not sent twice
    bus.sent[0][1].set_exception(TransientError("the broker went away"))
    announcer.flush()
    assert [condition for condition, _ in bus.sent] == ["offline", "offline"]


def test_a_newer_state_waits_for_the_one_on_its_way() -> None:
    bus = LazyBus()
    announcer = Announcer(bus, "gate")
    announcer.announce(OFFLINE)
    announcer.announce(ONLINE)
    assert [condition for condition, _ in bus.sent] == ["offline"]
    bus.sent[0][1].set_result(Position("observations.v1", 0, 0))
    announcer.flush()
    assert [condition for condition, _ in bus.sent] == ["offline", "online"]
    bus.sent[1][1].set_result(Position("observations.v1", 0, 1))
    announcer.flush()
    assert len(bus.sent) == 2

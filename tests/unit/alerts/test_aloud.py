"""What may save a life is said from memory, but only where the store has not taken it in time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.channels.base import Channel
from alerts.delivery.aloud import Aloud, Urgent
from alerts.facts import NO_FACTS
from alerts.payload import Speech
from alerts.pipeline.books import Books
from alerts.pipeline.vital import Vital
from alerts.store.speakers import Health
from alerts.suppression.reasons import Reason
from lianfang.clock import ManualClock
from lianfang.errors import PermanentError, TransientError
from lianfang.ids import identify
from tests.support.configs import loaded
from tests.support.delivery import Scripted, until
from tests.support.observations import at
from tests.unit.alerts.test_incidents import A, Play, stay

DEAD = TransientError("no answer")


def urgent(n: int = 1, seconds: float = 0) -> Urgent:
    valid_until = at(seconds + 30)
    speech = Speech(id=f"s{n}", text="请离开", volume_pct=70, repeat=1, valid_until=valid_until)
    return Urgent(f"s{n}", "i1", "cam", at(seconds), valid_until, (("near", speech), ("far", speech)))


class Square:
    """Two speakers, and what says something through them."""

    def __init__(self, near: Scripted | None = None, health: dict[str, Health] | None = None) -> None:
        self.near, self.far = near or Scripted(), Scripted()
        self.clock = ManualClock(at(0))
        self.aloud = Aloud(self.clock)
        channels: dict[str, Channel] = {"near": self.near, "far": self.far}
        self.aloud.bind(channels, health or {})

    @property
    def heard(self) -> tuple[list[str], list[str]]:
        return self.near.ids, self.far.ids


def test_it_is_said_once_by_the_nearest() -> None:
    async def run() -> None:
        square = Square()
        for _ in range(2):
            square.aloud.expect([urgent()], 0)
        await until(lambda: square.aloud.said_by("s1"))
        ending = square.aloud.ending("s1")
        assert ending is not None
        assert (await ending).detail == "said from memory by near; "
        square.aloud.expect([urgent()], 0)
        await asyncio.sleep(0.05)
        assert square.heard == (["s1"], [])

    asyncio.run(run())


def test_what_was_expected_before_anybody_could_speak_is_said_then() -> None:
    async def run() -> None:
        near, aloud = Scripted(), Aloud(ManualClock(at(0)))
        aloud.expect([urgent(1), urgent(2)], 0)
        aloud.written({"cam2": at(9)})
        channels: dict[str, Channel] = {"near": near, "far": Scripted()}
        aloud.bind(channels, {})
        await until(lambda: len(near.ids) == 2)
        assert near.ids == ["s1", "s2"]

    asyncio.run(run())


def test_what_the_store_has_taken_is_left_to_it() -> None:
    async def run() -> None:
        square = Square()
        square.aloud.expect([urgent(1, 5), urgent(2, 6)], 0.02)
        square.aloud.written({"cam": at(5), "cam2": at(9)})
        await until(lambda: square.near.ids)
        assert square.heard == (["s2"], [])
        assert square.aloud.ending("s1") is None

    asyncio.run(run())


def test_what_the_store_holds_back_is_not_said_while_that_is_committed() -> None:
    async def run() -> None:
        square = Square()
        square.aloud.expect([urgent(1), urgent(2)], 0.02)
        square.aloud.leave("s1")
        await until(lambda: square.near.ids)
        square.aloud.leave("s2")  # it is said already
        assert square.heard == (["s2"], [])
        assert square.aloud.said_by("s2") == "near"

    asyncio.run(run())


@pytest.mark.parametrize(
    ("near", "health", "heard"),
    [
        (Scripted(), {"near": "silent"}, ([], ["s1"])),
        (Scripted([DEAD]), {}, (["s1"], ["s1"])),
        (Scripted([PermanentError("422")]), {}, (["s1"], ["s1"])),
        (Scripted(), {"near": "silent", "far": "faulty"}, (["s1"], [])),
    ],
)
def test_another_speaks_where_the_nearest_cannot(
    near: Scripted, health: dict[str, Health], heard: tuple[list[str], list[str]]
) -> None:
    async def run() -> None:
        square = Square(near, health)
        square.aloud.expect([urgent()], 0)
        await until(lambda: square.heard == heard)
        await until(lambda: square.aloud.said_by("s1") == ("far" if heard[1] else "near"))

    asyncio.run(run())


def test_what_nobody_could_say_in_time_was_not_said() -> None:
    async def run() -> None:
        square = Square(Scripted(always=DEAD))
        square.far.always = DEAD
        square.aloud.expect([urgent()], 0)
        await until(lambda: square.far.ids)
        ending = square.aloud.ending("s1")
        square.clock.advance_to(at(31))
        assert ending is not None
        with pytest.raises(PermanentError, match="no speaker could say it from memory: far: no answer"):
            await ending
        assert square.aloud.said_by("s1") is None

    asyncio.run(run())


class Listening(Aloud):
    """Takes note of what is expected."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.expected: list[tuple[float, str, list[str]]] = []

    def expect(self, speeches: object, after_s: float) -> None:
        """Write it down."""
        assert after_s == 0.3
        for one in speeches:  # type: ignore[attr-defined]
            assert isinstance(one, Urgent)
            seconds = (one.captured_at - at(0)).total_seconds()
            self.expected.append((seconds, one.id, [name for name, _ in one.speeches]))


SPEECH = {"text": "水深危险", "again_s": 4, "times": 2}


def test_it_is_decided_in_memory_what_is_decided_with_the_store(tmp_path: Path) -> None:
    vital = ("rules.entry.life_safety", True), ("rules.entry.speech", SPEECH)
    config, clock = loaded(tmp_path, *vital), ManualClock(at(0))
    events, played = stay(0, 10, {1: A}), Play(config)
    aloud = Listening(clock)
    memory = Vital(Books(config), aloud, clock)
    assert memory.speaks(NO_FACTS)
    for event in (*events, *events):  # what is heard twice is decided once
        memory.hear([event], NO_FACTS)
    (incident,) = played(events).incidents.values()
    ids = [identify("speech", incident.id, str(n)) for n in (1, 2)]
    assert aloud.expected == [(1.0, ids[0], ["horn"]), (5.0, ids[1], ["horn"])]


def test_what_is_too_late_or_saves_nobody_is_left_to_the_store(tmp_path: Path) -> None:
    speaks = ("rules.entry.speech", SPEECH)
    saving = ("rules.entry.life_safety", True)
    for config, seconds in ((loaded(tmp_path, speaks), 0), (loaded(tmp_path, speaks, saving), 60)):
        clock = ManualClock(at(seconds))
        aloud = Listening(clock)
        memory = Vital(Books(config), aloud, clock)
        memory.hear(stay(0, 10, {1: A}), NO_FACTS)
        assert aloud.expected == []


def test_what_an_operator_hushed_stays_so(tmp_path: Path) -> None:
    """Only the store knows who wants silence: what it said last holds."""
    config = loaded(tmp_path, ("rules.entry.life_safety", True), ("rules.entry.speech", SPEECH))
    clock = ManualClock(at(0) + timedelta(seconds=1))
    aloud = Listening(clock)
    memory = Vital(Books(config), aloud, clock)
    play = Play(config)
    events = stay(0, 20, {1: A})
    for event in events[:6]:
        memory.hear([event], NO_FACTS)
        decisions = play.decider.decide(event, lambda *_: Reason.AN_OPERATOR_WANTS_SILENCE)
        memory.written([event], play.decider, [(event, decisions)])
    begun = len(aloud.expected)
    memory.hear(events[6:], NO_FACTS)
    assert len(aloud.expected) == begun

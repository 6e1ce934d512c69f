"""A speaker says one thing at a time, the most urgent first; what is broken off is verified."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from alerts import standstill
from alerts.channels.base import Channel, EmergencyOnAir
from alerts.store import Store, speakers
from alerts.store.postgresql import PostgreSql
from alerts.store.schema import ChangeRow, OutboxRow
from alerts.store.speakers import Why
from lianfang.clock import ManualClock
from lianfang.errors import PermanentError, TransientError
from lianfang.ids import identify
from tests.support.api import config
from tests.support.delivery import Scripted, make_worker, running, until
from tests.support.horns import Horn
from tests.support.outbox import T0, owe_call, owe_speech, row


@dataclass
class Site:
    """A horn named ``gate`` over a store, and what is owed to it."""

    store: Store
    clock: ManualClock = field(default_factory=lambda: ManualClock(T0))
    horn: Horn = field(default_factory=Horn)
    unsaid: list[str] = field(default_factory=list)

    def owe(self, incident: str, priority: int = 60, **keys: Any) -> str:  # noqa: ANN401
        """Owe a speech that says the name of its incident."""
        with self.store.write() as session:
            now = self.clock.now()
            return owe_speech(session, "gate", incident, text=incident, priority=priority, now=now, **keys)

    def call(self, words: str) -> str:
        """Owe what a person says at no incident."""
        with self.store.write() as session:
            return owe_call(session, "gate", words, now=self.clock.now())

    def stop(self, incident: str, why: Why = "operator") -> int:
        """Break off what is said about an incident."""
        with self.store.write() as session:
            return speakers.stop(session, identify("incident", incident), why, now=self.clock.now())

    def states(self) -> list[tuple[str, str]]:
        """Return state and outcome of every speech, in the order in which they were owed."""
        with self.store.read() as session:
            return [(r.state, r.outcome) for r in session.scalars(select(OutboxRow).order_by(OutboxRow.seq))]

    def told(self) -> list[tuple[str, str]]:
        """Return (kind, detail) of the timelines."""
        with self.store.read() as session:
            changes = session.scalars(select(ChangeRow).order_by(ChangeRow.seq))
            return [(c.kind, c.data["detail"]) for c in changes]

    def run(
        self,
        test: Callable[[], Coroutine[Any, Any, None]],
        channels: dict[str, Channel] | None = None,
        workers: int = 1,
    ) -> None:
        """Run ``test`` beside delivery workers."""

        async def all_of_it() -> None:
            async with AsyncExitStack() as stack:
                for _ in range(workers):
                    named = {"gate": self.horn, **(channels or {})}
                    worker = make_worker(
                        self.store,
                        self.clock,
                        named,
                        speakers=tuple(named),
                        unsaid=lambda _session, speech, _now: self.unsaid.append(speech.id),
                    )
                    await stack.enter_async_context(running(worker))
                await test()

        asyncio.run(all_of_it())


@pytest.fixture
def site(store: Store, monkeypatch: pytest.MonkeyPatch) -> Site:
    # Leases are judged by the database's own time: here that is the test's.
    monkeypatch.setattr(PostgreSql, "now", lambda _self, _session, ours: ours)
    return Site(store)


@pytest.mark.parametrize("workers", [1, 2])
def test_one_at_a_time_the_most_urgent_first(site: Site, workers: int) -> None:
    async def test() -> None:
        site.owe("first", 60)
        await until(lambda: site.horn.playing)
        for incident, priority in (("low", 20), ("same", 60), ("also low", 20)):
            site.owe(incident, priority)
        for _ in range(4):
            await until(lambda: site.horn.playing)
            site.horn.end()
            await until(lambda: not site.horn.playing)
        await until(lambda: all(state == "delivered" for state, _ in site.states()))

    site.run(test, workers=workers)
    assert site.horn.heard == ["first", "same", "low", "also low"]
    assert site.horn.at_once == 1
    assert site.horn.stopped == []


def test_the_more_urgent_breaks_off_what_is_said_and_that_is_said_afterwards(site: Site) -> None:
    async def test() -> None:
        low = site.owe("low", 40)
        await until(lambda: site.horn.playing == [low])
        high = site.owe("high", 90)
        await until(lambda: site.horn.playing == [high])
        assert row(site.store, low).outcome == "pre_empted"
        site.horn.end()
        await until(lambda: site.horn.playing == [f"{low}.1"])  # the speaker is done with the first id
        site.horn.end()
        await until(lambda: site.states() == [("delivered", "finished")] * 2)

    site.run(test)
    assert site.horn.heard == ["low", "high", "low"]
    assert site.horn.at_once == 1
    assert site.told()[0] == ("stopped", "pre_empted: the speaker says stopped")
    assert [kind for kind, _ in site.told()] == ["stopped", "delivered", "delivered"]


def test_what_gave_way_and_is_late_afterwards_is_never_said(site: Site) -> None:
    async def test() -> None:
        low = site.owe("low", 40)
        await until(lambda: site.horn.playing == [low])
        high = site.owe("high", 90)
        await until(lambda: site.horn.playing == [high])
        site.clock.advance_to(T0 + timedelta(seconds=30))
        site.horn.end()
        await until(lambda: site.states()[0][0] == "expired")

    site.run(test)
    assert site.states() == [("expired", "pre_empted"), ("delivered", "finished")]
    assert site.horn.heard == ["low", "high"]
    assert site.unsaid == [], "the speaker is there: the loop goes on"


def test_a_stop_that_nobody_confirms_does_not_hold_up_the_warning(site: Site) -> None:
    site.horn.stop_answers = [TransientError("answered 503: x"), TransientError("still playing")]

    async def test() -> None:
        low = site.owe("low", 40)
        await until(lambda: site.horn.playing)
        high = site.owe("high", 90)
        await until(lambda: high in site.horn.ids)
        assert site.horn.stopped == [low, low]
        site.horn.end()
        await until(lambda: row(site.store, high).state == "delivered")

    site.run(test)
    assert site.told()[0] == ("stopped", "pre_empted: stop not confirmed: still playing")


@pytest.mark.parametrize("how", ["has no stop", "refuses"])
def test_what_cannot_be_stopped_is_waited_for(site: Site, how: str) -> None:
    end = asyncio.Event()
    plain = Scripted([end])
    site.horn.stop_answers = [PermanentError("answered 404: x")] * 2

    async def test() -> None:
        low = site.owe("low", 40)
        channel: Scripted | Horn = plain if how == "has no stop" else site.horn
        await until(lambda: channel.ids == [low])
        high = site.owe("high", 90)
        await until(lambda: row(site.store, low).stop == "pre_empted")
        if how == "refuses":
            await until(lambda: len(site.horn.stopped) == 2)
        assert channel.ids == [low]
        end.set()
        site.horn.end()
        await until(lambda: len(channel.ids) == 2)
        site.horn.end()
        await until(lambda: row(site.store, high).state == "delivered")
        assert row(site.store, low).state == "delivered"

    site.run(test, {"gate": plain} if how == "has no stop" else None)


def test_an_operator_stops_what_is_said_and_what_waits(site: Site) -> None:
    async def test() -> None:
        playing = site.owe("a")
        await until(lambda: site.horn.playing == [playing])
        with site.store.write() as session:
            waiting = owe_speech(session, "gate", "a", speech_id="waiting")
        other = site.owe("b")
        assert site.stop("a") == 2
        await until(lambda: site.horn.playing == [other])
        assert [row(site.store, s).state for s in (playing, waiting)] == ["stopped", "stopped"]
        site.horn.end()

    site.run(test)
    assert site.horn.heard == ["a", "b"]
    assert site.told()[:2] == [
        ("stopped", "operator: before it began"),
        ("stopped", "operator: the speaker says stopped"),
    ]


def test_another_service_holds_the_word_until_its_lease_ends(site: Site) -> None:
    with site.store.write() as session:
        assert speakers.take(session, "gate", 99, owner="dead service", now=T0, lease_s=5)

    async def test() -> None:
        site.owe("a")
        await asyncio.sleep(0.3)  # in which nothing may happen
        assert site.horn.heard == []
        site.clock.advance_to(T0 + timedelta(seconds=5))
        await until(lambda: site.horn.playing)

    site.run(test)


def test_only_one_of_two_gets_the_word(site: Site) -> None:
    with site.store.write() as session:
        got = [speakers.take(session, "gate", n, owner=f"o{n}", now=T0, lease_s=5) for n in (1, 2)]
        assert got == [True, False]
        speakers.release(session, [2])  # not theirs
        assert not speakers.take(session, "gate", 2, owner="o2", now=T0, lease_s=5)
        speakers.release(session, [1])
        assert speakers.take(session, "gate", 2, owner="o2", now=T0, lease_s=5)


def test_nothing_is_said_while_an_emergency_programme_is_on_the_air(site: Site) -> None:
    def on_air(health: speakers.Health) -> None:
        with site.store.write() as session:
            speakers.heard(session, "gate", health, detail="", now=site.clock.now())

    async def test() -> None:
        on_air("emergency")
        late = site.owe("late", 95)
        await asyncio.sleep(0.3)  # in which nothing may happen
        assert site.horn.heard == []
        site.clock.advance_to(T0 + timedelta(seconds=30))
        await until(lambda: row(site.store, late).state == "expired")
        assert row(site.store, late).last_error == "an emergency programme was on the air"
        site.owe("in time")
        on_air("ready")
        await until(lambda: site.horn.heard == ["in time"])

    site.run(test)


def test_a_speaker_that_turns_out_to_be_on_the_air_hands_on(site: Site) -> None:
    gate, bridge = Scripted([EmergencyOnAir("the speaker says emergency")]), Scripted()

    async def test() -> None:
        site.owe("a", fallbacks=("bridge",))
        await until(lambda: site.states() == [("dead", "dead"), ("delivered", "200")])
        with site.store.read() as session:
            assert speakers.health(session, ["gate", "bridge"], T0) == {
                "gate": "emergency",
                "bridge": "ready",
            }

    site.run(test, {"gate": gate, "bridge": bridge})
    assert site.unsaid == []


def test_whoever_no_speaker_could_speak_to_is_told_of(site: Site) -> None:
    gate, bridge = Scripted(always=PermanentError("no")), Scripted(always=PermanentError("no"))

    async def test() -> None:
        site.owe("a", fallbacks=("bridge",))
        await until(lambda: site.states() == [("dead", "dead")] * 2)

    site.run(test, {"gate": gate, "bridge": bridge})
    assert len(site.unsaid) == 1


def test_a_speaker_that_answers_no_more_is_known_as_silent_until_it_answers(site: Site) -> None:
    silent, back = TransientError("no answer within 3 s"), asyncio.Event()
    gate = Scripted([silent, silent, back])

    def known() -> speakers.Health:
        with site.store.read() as session:
            return speakers.health(session, ["gate"], site.clock.now())["gate"]

    async def test() -> None:
        site.owe("a")
        while known() != "silent":
            site.clock.advance_to(site.clock.now() + timedelta(seconds=0.5))
            await asyncio.sleep(0.02)
        back.set()
        while known() != "ready":
            site.clock.advance_to(site.clock.now() + timedelta(seconds=0.5))
            await asyncio.sleep(0.02)
        assert len(gate.seen) == 3

    site.run(test, {"gate": gate})


def test_what_a_person_says_waits_its_turn_and_stands_in_no_timeline(site: Site) -> None:
    async def test() -> None:
        rule = site.owe("rule", 60)
        await until(lambda: site.horn.playing == [rule])
        words = site.call("words")
        await until(lambda: site.horn.playing == [words])
        vital = site.owe("vital", 90)
        await until(lambda: site.horn.playing == [vital])
        site.horn.end()
        await until(lambda: site.horn.playing == [f"{words}.1"])
        site.horn.end()
        await until(lambda: site.horn.playing == [f"{rule}.1"])
        site.horn.end()
        await until(lambda: site.states() == [("delivered", "finished")] * 3)

    site.run(test)
    assert site.horn.heard == ["rule", "words", "vital", "words", "rule"]
    assert len(site.told()) == 3, "of the two incidents"


def test_what_of_a_person_no_speaker_says_ends_and_nobody_else_says_it(site: Site) -> None:
    gate = Scripted([PermanentError("no")])

    async def test() -> None:
        refused = site.call("refused")
        await until(lambda: row(site.store, refused).state == "dead")
        with site.store.write() as session:
            speakers.heard(session, "gate", "emergency", detail="", now=T0)
        late = site.call("late")
        site.clock.advance_to(T0 + timedelta(seconds=60))
        await until(lambda: row(site.store, late).state == "expired")

    site.run(test, {"gate": gate})
    assert (site.unsaid, site.told()) == ([], [])


@pytest.mark.parametrize("full", [False, True])
def test_a_standstill_breaks_off_everything_and_lets_begin_what_may_save_a_life(
    site: Site, full: bool, tmp_path: Path
) -> None:
    known = config(tmp_path)

    async def test() -> None:
        playing = site.owe("playing", 90)
        await until(lambda: site.horn.playing == [playing])
        waiting = site.call("waiting")
        wanted = standstill.Wanted(5, "test", full)
        assert standstill.begin(site.store, known, site.clock, "duty", wanted)[1] == 2
        await until(lambda: row(site.store, waiting).state == row(site.store, playing).state == "stopped")
        site.owe("polite", 60)
        vital = site.owe("vital", 90)
        if full:
            await asyncio.sleep(0.3)  # in which nothing may happen
            assert site.horn.playing == []
            assert standstill.end(site.store, site.clock, "duty")
        await until(lambda: site.horn.playing == [vital])

    site.run(test)
    assert site.horn.heard == ["playing", "vital"]

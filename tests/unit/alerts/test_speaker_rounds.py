"""Speakers are asked how they are, and what they say is known to whoever chooses one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from alerts.channels.base import Channel, SpeakerStatus
from alerts.store import Store, speakers
from alerts.store.schema import SpeakerRow
from lianfang.clock import ManualClock
from lianfang.errors import PermanentError, TransientError
from tests.support.delivery import Scripted, make_worker, running, until
from tests.support.horns import Horn
from tests.support.outbox import T0, open_store

READY, SILENT = SpeakerStatus("ready"), TransientError("no answer within 3 s")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def row(store: Store) -> SpeakerRow | None:
    with store.read() as session:
        return session.get(SpeakerRow, "gate")


def ask(store: Store, gate: Channel, enough: Callable[[], object], clock: ManualClock | None = None) -> None:
    """Let the speaker be asked, 50 times a second, until it is enough."""

    async def run() -> None:
        worker = make_worker(
            store, clock or ManualClock(T0), {"gate": gate}, speakers=("gate",), ask_every_s={"gate": 0.02}
        )
        async with running(worker):
            await until(enough)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ([READY], "ready"),
        ([SpeakerStatus("playing", "another")], "ready"),
        ([SpeakerStatus("emergency")], "emergency"),
        ([SpeakerStatus("faulty", "", "amplifier")], "faulty"),
        ([SILENT, SILENT], "silent"),
        ([SILENT, SILENT, READY], "ready"),
    ],
)
def test_what_a_speaker_says_is_known(
    store: Store, said: list[SpeakerStatus | Exception], known: str
) -> None:
    gate = Horn(statuses=[*said])

    def enough() -> bool:
        found = row(store)
        return gate.asked > len(said) + 1 and found is not None and found.health == known

    ask(store, gate, enough)


def test_one_question_without_an_answer_is_not_death(store: Store) -> None:
    gate = Horn(statuses=[SILENT, READY, SILENT, READY])
    seen: set[str] = set()

    def enough() -> bool:
        found = row(store)
        seen.update([found.health] if found else [])
        return gate.asked > 5

    ask(store, gate, enough)
    assert seen == {"ready"}


def test_a_speaker_that_cannot_say_is_not_asked_again(store: Store) -> None:
    gate = Horn(statuses=[PermanentError("answered 404: no such path")])
    other = Horn()

    async def run() -> None:
        channels: dict[str, Channel] = {"gate": gate, "other": other, "plain": Scripted()}
        every_s = dict.fromkeys(channels, 0.02)
        clock = ManualClock(T0)
        async with running(
            make_worker(store, clock, channels, speakers=tuple(channels), ask_every_s=every_s)
        ):
            await until(lambda: other.asked > 5)

    asyncio.run(run())
    assert gate.asked == 1
    with store.read() as session:
        assert speakers.health(session, ["gate"], T0) == {"gate": "ready"}


def test_a_state_that_stays_is_written_now_and_then(store: Store) -> None:
    gate, clock = Horn(statuses=[SpeakerStatus("faulty")]), ManualClock(T0)

    def heard_at() -> datetime | None:
        found = row(store)
        return found.heard_at if found else None

    def enough() -> bool:
        if heard_at() == T0:
            clock.advance_to(T0.replace(minute=5))
        return heard_at() == T0.replace(minute=5)

    ask(store, gate, enough, clock)
    found = row(store)
    assert found is not None
    assert found.since == T0

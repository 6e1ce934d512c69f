"""Notices wait for their picture, but not for ever, and say the same on every attempt."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.channels.base import Picture, Receipt
from alerts.delivery.attempt import Pictures
from alerts.store import Store
from lianfang.clock import ManualClock
from lianfang.errors import TransientError
from tests.support.delivery import Scripted, make_worker, played, running, until
from tests.support.outbox import T0, open_store, owe_notice, owe_speech, row

PICTURE = Picture("original", b"jpeg", "0" * 64, T0, "evidence-1")
BUSY = TransientError("answered 500: busy")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0)


class _Evidence:
    """Pictures that are not known until they are set."""

    def __init__(self) -> None:
        self.found: Pictures | Exception | None = None
        self.asked: list[str] = []

    def __call__(self, incident_id: str) -> Pictures | None:
        self.asked.append(incident_id)
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


def test_a_notice_goes_with_its_picture_when_it_is_there(store: Store, clock: ManualClock) -> None:
    evidence, police = _Evidence(), Scripted()

    async def test() -> None:
        async with running(make_worker(store, clock, {"police": police}, pictures=evidence)):
            with store.write() as session:
                delivery = owe_notice(session, "police")
            await until(lambda: len(evidence.asked) > 2)
            assert police.seen == []
            evidence.found = ((PICTURE,), "")
            await until(lambda: row(store, delivery).state == "delivered")

    played(test)
    (sent,) = police.seen
    assert (sent.pictures, sent.payload["pictures_missing"]) == ((PICTURE,), "")
    assert set(evidence.asked) == {sent.incident_id}


def test_a_picture_that_does_not_come_is_said_to_be_missing(store: Store, clock: ManualClock) -> None:
    evidence, police = _Evidence(), Scripted([BUSY])

    async def test() -> None:
        worker = make_worker(store, clock, {"police": police}, pictures=evidence)
        async with running(worker):
            with store.write() as session:
                delivery = owe_notice(session, "police")
            await until(lambda: len(evidence.asked) > 1)
            clock.advance_to(T0 + timedelta(seconds=4.999))
            asked = len(evidence.asked)
            await until(lambda: len(evidence.asked) > asked + 1)
            assert police.seen == []
            clock.advance_to(T0 + timedelta(seconds=5))
            await until(lambda: row(store, delivery).last_error)
            evidence.found = ((PICTURE,), "")  # too late: under this id the receiver has been told
            clock.advance_to(T0 + timedelta(seconds=10))
            worker.wake()
            await until(lambda: row(store, delivery).state == "delivered")

    played(test)
    first, second = police.seen
    assert first.payload["pictures_missing"] == "no picture within 5 s"
    assert (second.payload, second.pictures) == (first.payload, ())


def test_what_was_told_of_pictures_outlives_the_service(store: Store, clock: ManualClock) -> None:
    evidence, police = _Evidence(), Scripted()

    async def test() -> None:
        police.script = [asyncio.Event()]  # the service dies while it waits for the answer
        with store.write() as session:
            delivery = owe_notice(session, "police")
        clock.advance_to(T0 + timedelta(seconds=5))
        async with running(make_worker(store, clock, {"police": police}, pictures=evidence)):
            await until(lambda: police.seen)
        evidence.found = ((PICTURE,), "")
        clock.advance_to(T0 + timedelta(seconds=30))  # its lease is over
        async with running(make_worker(store, clock, {"police": police}, pictures=evidence)):
            await until(lambda: row(store, delivery).state == "delivered")

    played(test)
    first, second = police.seen
    assert first.payload["pictures_missing"] == "no picture within 5 s"
    assert (second.id, second.payload, second.pictures) == (first.id, first.payload, ())


@pytest.mark.parametrize(
    ("found", "missing"),
    [
        (((), "the frame is no longer kept"), "the frame is no longer kept"),
        (((PICTURE,), "one of two is gone"), "one of two is gone"),
        (OSError("disk"), "the pictures could not be read"),
    ],
)
def test_what_is_missing_is_said(
    store: Store, clock: ManualClock, found: Pictures | Exception, missing: str
) -> None:
    evidence, police = _Evidence(), Scripted([BUSY])
    evidence.found = found

    async def test() -> None:
        worker = make_worker(store, clock, {"police": police}, pictures=evidence)
        async with running(worker):
            with store.write() as session:
                delivery = owe_notice(session, "police")
            await until(lambda: row(store, delivery).last_error)
            clock.advance_to(T0 + timedelta(seconds=5))
            worker.wake()
            await until(lambda: row(store, delivery).state == "delivered")

    played(test)
    first, second = police.seen
    assert first.payload["pictures_missing"] == second.payload["pictures_missing"] == missing
    assert first.pictures == second.pictures == (found[0] if isinstance(found, tuple) else ())


def test_a_speech_waits_for_no_picture(store: Store, clock: ManualClock) -> None:
    evidence, gate = _Evidence(), Scripted([Receipt("finished")])

    async def test() -> None:
        worker = make_worker(store, clock, {"gate": gate}, speakers=("gate",), pictures=evidence)
        async with running(worker):
            with store.write() as session:
                speech = owe_speech(session, "gate")
            await until(lambda: row(store, speech).state == "delivered")

    asyncio.run(test())
    assert evidence.asked == []

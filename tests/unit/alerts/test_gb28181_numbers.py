"""Serial numbers: they grow, also over restarts, and a delivery keeps its own."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from alerts.gb28181 import numbers
from alerts.gb28181.numbers import Numbers
from lianfang.clock import ManualClock

START = datetime(2026, 7, 1, tzinfo=UTC)


def test_they_grow_also_over_a_restart() -> None:
    clock = ManualClock(START)
    before = Numbers(clock)
    seen = [before.next() for _ in range(200)]
    clock.advance_to(START + timedelta(seconds=60))
    after = Numbers(clock)
    seen += [after.next() for _ in range(10)]
    assert seen == sorted(set(seen))


def test_they_are_numbers_for_long() -> None:
    assert Numbers(ManualClock(datetime(2041, 12, 31, tzinfo=UTC))).next() < 2**31


def test_a_delivery_keeps_its_number_until_it_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbers, "_REMEMBERED", 2)

    async def run() -> None:
        some = Numbers(ManualClock(START))
        first = some.of("a")
        assert some.of("a") == first
        assert some.of("b") != first
        some.of("c")  # the oldest is not remembered for ever
        assert some.of("a") > first
        some.forget("nothing")

    asyncio.run(run())


def test_the_first_word_stands_and_others_say_nothing() -> None:
    async def run() -> None:
        some = Numbers(ManualClock(START))
        number = some.of("a")
        for said in ("", "x", "٣", "9" * 5000, str(number + 1)):
            some.answered(said, "ERROR")
        assert not some.is_answered(number)
        with pytest.raises(TimeoutError):
            await some.said(number, 0.01)
        some.answered(str(number), "OK")
        some.answered(str(number), "ERROR")
        assert await some.said(number, 1) == "OK"

    asyncio.run(run())

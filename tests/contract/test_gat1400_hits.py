"""Answers to dispositions: what a platform is told of a vehicle that it looks for, and what it says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from alerts.channels import gat1400
from alerts.channels.base import Delivery, Receipt
from alerts.channels.gat1400 import Gat1400Channel
from alerts.publishing import Message
from deploy.simulators.server import Fault
from deploy.simulators.viid_asking import disposition
from deploy.simulators.viid_orders import OrderingLibrary
from lianfang.clock import SystemClock
from lianfang.errors import PermanentError, TransientError
from tests.support.channels import silent
from tests.support.dispositions import NUMBER, PLATE
from tests.support.viid import about, answer, stanza

ORDER = disposition(NUMBER, PLATE, BeginTime="20200101000000")


def hit(number: str = NUMBER, address: str = "", incident: str = "incident-1", **changed: object) -> Delivery:
    """Return the first attempt to answer an order."""
    by = {"number": number, "title": ORDER["Title"], "address": address}
    return about("plate", incident, subject=PLATE, disposition=by, **changed)  # type: ignore[arg-type]


def with_ordering(
    test: Callable[[OrderingLibrary, Gat1400Channel], Awaitable[None]],
    monkeypatch: pytest.MonkeyPatch,
    **changed: object,
) -> OrderingLibrary:
    """Run ``test`` with a library that looks for a plate, and a channel that has reported the vehicle."""
    library = OrderingLibrary(say=silent)
    library.orders[NUMBER] = ORDER

    async def run() -> None:
        async with library:
            channel = gat1400.build(stanza(library.url, monkeypatch, **changed), SystemClock())
            try:
                await answer(channel, about("plate", subject=PLATE))
                await test(library, channel)
            finally:
                await channel.close()

    asyncio.run(run())
    return library


def only_hit(library: OrderingLibrary) -> Any:  # noqa: ANN401 - JSON
    (found,) = library.hits.values()
    return found


def test_whoever_looks_for_a_vehicle_is_told_with_its_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: OrderingLibrary, channel: Gat1400Channel) -> None:
        got = await answer(channel, hit())
        told = only_hit(library)
        assert got == Receipt("taken", told["NotificationID"])
        assert told["NotificationID"].startswith(f"{NUMBER[:12]}0420250601160000")
        assert told["MotorVehicleObject"] == library.objects["MotorVehicles"][told["CntObjectID"]]
        assert len(told["MotorVehicleObject"]["SubImageList"]["SubImageInfoObject"]) == 2

    library = with_ordering(test, monkeypatch)
    assert set(library.refused) == {"log in"}, "the digest asks, and nothing is wrong"


@pytest.mark.parametrize(
    ("codes", "error"),
    [([2], TransientError), ([9], TransientError), ([8], PermanentError), ([4], PermanentError)],
)
def test_what_its_word_means(
    monkeypatch: pytest.MonkeyPatch, codes: list[int], error: type[Exception]
) -> None:
    async def test(library: OrderingLibrary, channel: Gat1400Channel) -> None:
        library.codes.extend(codes)
        assert isinstance(await answer(channel, hit()), error)
        assert isinstance(await answer(channel, hit()), Receipt)
        assert len(library.told) == 2
        assert len(set(library.told)) == 1, "the number is the same at every attempt"

    with_ordering(test, monkeypatch)


@pytest.mark.parametrize("kind", ["lost", "close", "garbage"])
def test_an_answer_that_gets_lost_is_no_second_hit(monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:  # noqa: ANN401
    async def test(library: OrderingLibrary, channel: Gat1400Channel) -> None:
        library.misbehave(Fault(kind))
        assert isinstance(await answer(channel, hit()), TransientError)
        assert isinstance(await answer(channel, hit()), Receipt)
        assert len(library.hits) == 1

    with_ordering(test, monkeypatch)


def test_two_incidents_and_two_orders_have_numbers_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    other = f"{NUMBER[:-1]}9"

    async def test(library: OrderingLibrary, channel: Gat1400Channel) -> None:
        library.orders[other] = {**ORDER, "DispositionID": other}
        await answer(channel, about("plate", "incident-2", subject=PLATE))
        deliveries = [hit(), hit(other), hit(incident="incident-2")]
        assert all([isinstance(await answer(channel, one), Receipt) for one in deliveries])
        assert len(library.hits) == 3

    with_ordering(test, monkeypatch)


def test_a_platform_that_has_forgotten_us_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: OrderingLibrary, channel: Gat1400Channel) -> None:
        library.forget()
        assert isinstance(await answer(channel, hit()), Receipt)
        assert library.registrations == 2

    with_ordering(test, monkeypatch)


def test_it_is_told_where_it_wants_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: OrderingLibrary, channel: Gat1400Channel) -> None:
        async with OrderingLibrary(say=silent) as other:
            other.orders, other.objects, other.registered = library.orders, library.objects, True
            other._heard_s = asyncio.get_running_loop().time()
            address = f"{other.url}/VIID/DispositionNotifications"
            assert isinstance(await answer(channel, hit(address=address)), Receipt)
            assert (len(other.hits), len(library.hits)) == (1, 0)
        own = f"{library.url}/VIID/DispositionNotifications"
        library.forget()
        assert isinstance(await answer(channel, hit(address=own)), Receipt), "as the device that it knows"
        assert len(library.hits) == 1

    with_ordering(test, monkeypatch)


def test_no_drill_is_taken_for_a_hit(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: OrderingLibrary, channel: Gat1400Channel) -> None:
        got = await answer(channel, hit(mode="drill"))
        assert isinstance(got, PermanentError)
        assert library.told == []

    with_ordering(test, monkeypatch, takes_trials=False)


def test_what_is_too_large_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(_library: OrderingLibrary, channel: Gat1400Channel) -> None:
        monkeypatch.setattr("alerts.viid.hits.message", lambda *_: Message(NUMBER, b" " * 70_000))
        got = await answer(channel, hit())
        assert isinstance(got, PermanentError)
        assert "70000 bytes; max_body_bytes is 65536" in str(got)

    with_ordering(test, monkeypatch, max_body_bytes=65_536)

"""Speeches: the next speaker, validity, disabled speakers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from alerts.channels.base import Receipt
from alerts.delivery import DeliveryWorker
from alerts.store import Store, receivers
from alerts.store.schema import ChangeRow, OutboxRow
from lianfang.clock import ManualClock
from lianfang.errors import PermanentError, TransientError
from lianfang.ids import identify
from tests.support.delivery import Scripted, make_worker, played, running, until
from tests.support.outbox import T0, open_incident, open_store, owe_speech, row

SILENT = TransientError("no answer within 3 s")
REFUSED = PermanentError("the speaker says refused: quiet hours")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0)


def _spoken(*script: Receipt | Exception) -> Scripted:
    return Scripted([*script], always=None if script else Receipt("finished"))


def _rows(store: Store) -> list[OutboxRow]:
    with store.read() as session:
        return list(session.scalars(select(OutboxRow).order_by(OutboxRow.seq)))


def _run(store: Store, clock: ManualClock, speakers: dict[str, Scripted], fallbacks: tuple[str, ...]) -> str:
    """Owe one speech to ``gate``, see it through to the end, and return its id."""

    async def test() -> str:
        worker = make_worker(store, clock, speakers, speakers=tuple(speakers))
        async with running(worker):
            with store.write() as session:
                speech = owe_speech(session, "gate", fallbacks=fallbacks, valid_s=30)
            await _until_settled(store, clock, worker)
            return speech

    return asyncio.run(test())


async def _until_settled(store: Store, clock: ManualClock, worker: DeliveryWorker) -> None:
    """Move the clock from one due retry to the next until nothing is pending."""

    def settled() -> bool:
        pending = [r for r in _rows(store) if r.state == "pending"]
        if pending and all(r.lease_until is None and r.due_at > clock.now() for r in pending):
            clock.advance_to(min(r.due_at for r in pending))
            worker.wake()
        return not pending

    await until(settled)


@pytest.mark.parametrize(
    ("answers", "attempts"),
    [
        ([REFUSED], 1),
        ([PermanentError("answered 400: volume")], 1),
        ([PermanentError("answered 401: unknown token")], 1),
        ([SILENT, SILENT], 2),
        ([TransientError("answered 500: x"), TransientError("the speaker says error: amplifier")], 2),
        ([TransientError("answered 503: later", retry_after_s=20)], 1),
    ],
)
def test_the_next_speaker_speaks(
    store: Store, clock: ManualClock, answers: list[Exception], attempts: int
) -> None:
    gate, bridge, far = _spoken(*answers), _spoken(), _spoken()
    speech = _run(store, clock, {"gate": gate, "bridge": bridge, "far": far}, ("bridge", "far"))
    first, second = _rows(store)
    heir = identify("speech", first.about, "bridge", speech)
    assert (len(gate.seen), bridge.ids, far.ids) == (attempts, [heir], [])
    assert (first.state, first.outcome, second.state, second.outcome) == (
        "dead",
        "dead",
        "delivered",
        "finished",
    )
    said = bridge.seen[0]
    assert said.payload == {**gate.seen[0].payload, "id": heir}
    assert (said.valid_until, second.created_at) == (first.valid_until, first.created_at)
    assert second.payload["fallbacks"] == ["far"]


def test_each_speaker_says_it_in_its_own_way(store: Store, clock: ManualClock) -> None:
    voices = {"bridge": {"volume_pct": 30, "language": "yue"}, "far": {"volume_pct": 90, "language": "en"}}
    gate, bridge, far = _spoken(REFUSED), _spoken(REFUSED), _spoken()

    async def test() -> None:
        channels = {"gate": gate, "bridge": bridge, "far": far}
        worker = make_worker(store, clock, channels, speakers=tuple(channels))
        async with running(worker):
            with store.write() as session:
                owe_speech(session, "gate", fallbacks=("bridge", "far"), voices=voices)
            await _until_settled(store, clock, worker)

    played(test)
    said = [channel.seen[0].payload for channel in (gate, bridge, far)]
    assert [(s["volume_pct"], s["language"]) for s in said] == [(70, "zh"), (30, "yue"), (90, "en")]
    assert len({s["text"] for s in said}) == 1


def test_the_timeline_tells_who_spoke_instead(store: Store, clock: ManualClock) -> None:
    _run(store, clock, {"gate": _spoken(REFUSED), "bridge": _spoken()}, ("bridge",))
    with store.read() as session:
        changes = session.scalars(select(ChangeRow).order_by(ChangeRow.seq)).all()
    assert [(c.kind, c.data["receiver"], c.data["outcome"], c.data["detail"]) for c in changes] == [
        ("delivery_failed", "gate", "dead", f"{REFUSED}; bridge speaks instead"),
        ("delivered", "bridge", "finished", ""),
    ]


def test_one_after_the_other_until_somebody_speaks(store: Store, clock: ManualClock) -> None:
    gate, bridge, far = _spoken(REFUSED), _spoken(REFUSED), _spoken()
    _run(store, clock, {"gate": gate, "bridge": bridge, "far": far}, ("bridge", "far"))
    assert [r.state for r in _rows(store)] == ["dead", "dead", "delivered"]


def test_the_last_speaker_is_tried_until_it_is_too_late(store: Store, clock: ManualClock) -> None:
    gate = Scripted(always=SILENT)
    _run(store, clock, {"gate": gate}, ())
    (only,) = _rows(store)
    assert (only.state, only.last_error) == ("expired", str(SILENT))
    assert clock.now() < T0 + timedelta(seconds=30)  # no attempt that the validity would not cover
    # Without jitter at 0, 0.2, 0.6, 1.4, 3 and then every 2 s.
    assert len(gate.seen) == 18
    with store.read() as session:
        (change,) = session.scalars(select(ChangeRow)).all()
    assert (change.kind, change.data["outcome"]) == ("delivery_failed", "expired")


def test_speakers_that_do_not_exist_are_passed_over(store: Store, clock: ManualClock) -> None:
    far = _spoken()
    _run(store, clock, {"gate": _spoken(REFUSED), "far": far}, ("former", "far"))
    assert len(far.seen) == 1


@pytest.mark.parametrize(
    "fallbacks",
    [
        ("bridge",),
        ("off", "bridge"),  # disabled as well
    ],
)
def test_a_disabled_speaker_hands_on_at_once(
    store: Store, clock: ManualClock, fallbacks: tuple[str, ...]
) -> None:
    with store.write() as session:
        open_incident(session, "a")
        for name in ("gate", "off"):
            receivers.disable(session, name, now=T0, reason="answered 410: gone")
    gate, off, bridge = _spoken(), _spoken(), _spoken()
    _run(store, clock, {"gate": gate, "off": off, "bridge": bridge}, fallbacks)
    assert (gate.ids, off.ids, len(bridge.seen)) == ([], [], 1)
    assert [(r.receiver, r.state) for r in _rows(store)] == [("gate", "dead"), ("bridge", "delivered")]


def test_410_disables_a_speaker_and_the_next_one_speaks(store: Store, clock: ManualClock) -> None:
    gate, bridge = _spoken(PermanentError("answered 410: gone", disable=True)), _spoken()
    _run(store, clock, {"gate": gate, "bridge": bridge}, ("bridge",))
    with store.read() as session:
        assert receivers.disabled(session) == {"gate"}
    assert len(bridge.seen) == 1


def test_a_speaker_that_is_down_gets_one_try(store: Store, clock: ManualClock) -> None:
    gate, bridge = Scripted(always=SILENT), _spoken()

    async def test() -> None:
        worker = make_worker(store, clock, {"gate": gate, "bridge": bridge}, speakers=("gate", "bridge"))
        async with running(worker):
            for incident, tries in (("a", 2), ("b", 3), ("c", 4)):
                with store.write() as session:
                    owe_speech(session, "gate", incident, now=clock.now(), fallbacks=("bridge",))
                await _until_settled(store, clock, worker)
                assert len(gate.seen) == tries

    played(test)
    assert len(bridge.seen) == 3


def test_a_speech_whose_time_is_over_is_never_sent(store: Store, clock: ManualClock) -> None:
    gate = _spoken()
    with store.write() as session:
        late = owe_speech(session, "gate", valid_s=30, fallbacks=("bridge",))
    clock.advance_to(T0 + timedelta(seconds=30))

    async def test() -> None:
        async with running(make_worker(store, clock, {"gate": gate}, speakers=("gate",))):
            await until(lambda: row(store, late).state == "expired")

    played(test)
    assert gate.seen == []
    assert len(_rows(store)) == 1  # a neighbour would be too late as well

"""Delivery as it runs: worker, store and channels against the strict simulators, over sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import select

from alerts.channels.base import Channel
from alerts.delivery import DeliveryWorker
from alerts.delivery.aloud import Aloud, Urgent
from alerts.delivery.backoff import Backoff
from alerts.delivery.lane import LaneSettings
from alerts.delivery.policy import NoticePolicy, SpeechPolicy
from alerts.metrics import DeliveryMetrics
from alerts.payload import Speech
from alerts.store import Store, receivers
from alerts.store.schema import ChangeRow, OutboxRow
from deploy.simulators.police import PoliceReceiver
from deploy.simulators.server import Fault
from deploy.simulators.speaker import SpeakerSimulator
from lianfang.clock import SystemClock
from tests.support.channels import KEYS, TIMEOUT_S, TOKEN, picture, silent, speaker_channel, webhook_channel
from tests.support.delivery import running, until
from tests.support.outbox import open_store, owe_notice, owe_speech, row

_QUICK = Backoff(0.01, 0.05, lambda: 1.0)
_SPEECH = LaneSettings(SpeechPolicy(_QUICK), _QUICK, 4, lease_s=0.6, timeout_s=60, commands=True)
_NOTICE = LaneSettings(NoticePolicy(_QUICK), _QUICK, 8, lease_s=0.6, timeout_s=60, commands=False)


@dataclass
class _Site:
    """Two speakers, a police platform, a store, and the channels to them."""

    store: Store
    gate: SpeakerSimulator
    bridge: SpeakerSimulator
    police: PoliceReceiver
    channels: Callable[[], dict[str, Channel]]

    def worker(self) -> DeliveryWorker:
        return DeliveryWorker(
            self.store,
            self.channels(),
            {"gate": "speaker", "bridge": "speaker", "police": "notice"},
            clock=SystemClock(),
            metrics=DeliveryMetrics(CollectorRegistry()),
            pictures=lambda _: ((picture("original"), picture("annotated")), ""),
            speech=_SPEECH,
            notice=_NOTICE,
        )

    def notice(self, incident: str = "a", version: int = 1) -> str:
        with self.store.write() as session:
            return owe_notice(session, "police", incident, version, now=datetime.now(UTC))

    def speech(self, incident: str = "a", valid_s: float = 30) -> str:
        with self.store.write() as session:
            return owe_speech(
                session, "gate", incident, now=datetime.now(UTC), valid_s=valid_s, fallbacks=("bridge",)
            )

    def ended(self, delivery_id: str) -> bool:
        return row(self.store, delivery_id).state != "pending"

    def timeline(self) -> list[tuple[str, str, str]]:
        with self.store.read() as session:
            changes = session.scalars(select(ChangeRow).order_by(ChangeRow.seq)).all()
        return [(c.kind, c.data["receiver"], c.data["outcome"]) for c in changes]


_Test = Callable[[_Site], Awaitable[None]]


class Play(Protocol):
    """Plays a test on a site of its own, where channels wait for an answer so long."""

    def __call__(self, test: _Test, timeout_s: float = TIMEOUT_S) -> None:
        """Play it."""
        ...


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Play]:
    """Give a function that plays a test on a site of its own."""
    store = open_store(tmp_path)

    def run(test: _Test, timeout_s: float = TIMEOUT_S) -> None:
        async def inside() -> None:
            async with (
                SpeakerSimulator(TOKEN, name="gate", say=silent) as gate,
                SpeakerSimulator(TOKEN, name="bridge", say=silent) as bridge,
                PoliceReceiver(KEYS[:1], say=silent) as police,
            ):

                def channels() -> dict[str, Channel]:
                    return {
                        "gate": speaker_channel(gate.url, monkeypatch, timeout_s=timeout_s),
                        "bridge": speaker_channel(bridge.url, monkeypatch),
                        "police": webhook_channel(police.url, monkeypatch, timeout_s=timeout_s),
                    }

                await test(_Site(store, gate, bridge, police, channels))

        asyncio.run(inside())

    yield run
    store.close()


async def _say_from_memory(site: _Site, speech: Speech) -> None:
    """Say it as a process does that dies before the store knows what became of it."""
    aloud, channels = Aloud(SystemClock()), site.channels()
    aloud.bind(channels, {})
    urgent = Urgent(speech.id, "i", "cam", datetime.now(UTC), speech.valid_until, (("gate", speech),))
    aloud.expect([urgent], 0)
    await until(lambda: [said.outcome for said in site.gate.spoken.values()] == ["finished"])
    for channel in channels.values():
        await channel.close()


def _patience_s(*faults: Fault) -> float:
    return 2 if any(fault.kind == "hang" for fault in faults) else TIMEOUT_S


def _names(faults: object) -> str:
    assert isinstance(faults, (Fault, list, bool))
    if isinstance(faults, bool):
        return ""
    listed = [faults] if isinstance(faults, Fault) else faults
    return "+".join(str(f.status) if f.kind == "status" else f.kind for f in listed)


SLOW_DOWN = Fault("status", 429, {"Retry-After": "1"})
TRANSIENT = [Fault("status", 500), SLOW_DOWN, Fault("hang"), Fault("close"), Fault("garbage"), Fault("lost")]


@pytest.mark.parametrize("fault", TRANSIENT, ids=_names)
def test_police_that_recovers_has_every_notice_once(play: Play, fault: Fault) -> None:
    async def test(site: _Site) -> None:
        site.police.misbehave(fault)
        async with running(site.worker()):
            ids = [site.notice(version=1), site.notice(version=2)]
            await until(lambda: all(map(site.ended, ids)))
        assert [r.id for r in site.police.received] == ids
        assert len(site.police.repeats) == (fault.kind == "lost")
        assert [row(site.store, i).attempts for i in ids] == [2, 1]
        assert site.timeline() == [("delivered", "police", "200")] * 2
        assert [len(r.notice.pictures) for r in site.police.received] == [2, 2]

    play(test, _patience_s(fault))


@pytest.mark.parametrize("status", [400, 404])
def test_police_that_refuses_one_gets_the_next(play: Play, status: int) -> None:
    async def test(site: _Site) -> None:
        site.police.misbehave(Fault("status", status))
        async with running(site.worker()):
            ids = [site.notice(version=1), site.notice(version=2)]
            await until(lambda: all(map(site.ended, ids)))
        assert [r.id for r in site.police.received] == ids[1:]
        assert site.timeline() == [("delivery_failed", "police", "dead"), ("delivered", "police", "200")]

    play(test)


def test_police_that_wants_no_more_calls_gets_none(play: Play) -> None:
    async def test(site: _Site) -> None:
        site.police.misbehave(Fault("status", 410))
        worker = site.worker()
        async with running(worker):
            first = site.notice(version=1)
            await until(lambda: _disabled(site.store) == {"police"})
            second = site.notice(version=2)
            said = site.speech()
            await until(lambda: site.ended(said))
            assert site.police.requests == 1
            worker.enable("police")
            await until(lambda: site.ended(second))
        assert [r.id for r in site.police.received] == [first, second]

    play(test)


def _disabled(store: Store) -> frozenset[str]:
    with store.read() as session:
        return receivers.disabled(session)


@pytest.mark.parametrize(
    ("faults", "by_gate"),
    [
        # One failure that may pass: the same speaker again, under the same id.
        ([Fault("status", 500)], True),
        ([Fault("close")], True),
        ([Fault("garbage")], True),
        ([Fault("lost")], True),  # it has spoken; asked again it only says so
        ([Fault("hang")], True),
        # A second one, a refusal, or a wish for patience: the next speaker.
        ([Fault("status", 500), Fault("garbage")], False),
        ([Fault("hang"), Fault("hang")], False),
        ([Fault("close"), Fault("status", 503)], False),
        ([Fault("status", 400)], False),
        ([Fault("status", 410)], False),
        ([SLOW_DOWN], False),
    ],
    ids=_names,
)
def test_a_warning_is_spoken_once_whatever_the_speaker_does(
    play: Play, faults: list[Fault], by_gate: bool
) -> None:
    async def test(site: _Site) -> None:
        site.gate.misbehave(*faults)
        async with running(site.worker()):
            site.speech()
            await until(lambda: _all_ended(site.store))
        assert len(site.gate.played()) == by_gate
        assert len(site.bridge.played()) == (not by_gate)
        told = [("delivered", "gate", "finished")]
        if not by_gate:
            told = [("delivery_failed", "gate", "dead"), ("delivered", "bridge", "finished")]
        assert site.timeline() == told

    play(test, _patience_s(*faults))


def _all_ended(store: Store) -> bool:
    with store.read() as session:
        return all(state != "pending" for state in session.scalars(select(OutboxRow.state)))


def test_nobody_listens_at_the_nearest_speaker(play: Play) -> None:
    async def test(site: _Site) -> None:
        await site.gate.__aexit__(None, None, None)
        async with running(site.worker()):
            site.speech()
            await until(lambda: _all_ended(site.store))
        assert len(site.bridge.played()) == 1

    play(test)


def test_a_speaker_is_not_heard_after_a_kill_twice(play: Play) -> None:
    async def test(site: _Site) -> None:
        site.gate._pace_s = 0.1
        async with running(site.worker()):
            said = site.speech()
            await until(lambda: site.gate.received)
        # Killed while the speaker speaks; the next one repeats the command when the lease has ended.
        async with running(site.worker()):
            await until(lambda: site.ended(said))
        assert (row(site.store, said).state, row(site.store, said).attempts) == ("delivered", 2)
        assert {command.id for command in site.gate.received} == {said}
        assert len(site.gate.played()) == 1
        assert site.bridge.requests == 0

    play(test)


@pytest.mark.parametrize(("valid_s", "state", "heard"), [(30, "delivered", 1), (-1, "expired", 0)])
def test_what_the_dead_said_from_memory_is_asked_for_under_its_own_words(
    play: Play, valid_s: float, state: str, heard: int
) -> None:
    """It is owed for longer than it may be said, so that what became of it is written."""

    async def test(site: _Site) -> None:
        with site.store.write() as session:
            said = owe_speech(session, "gate", now=datetime.now(UTC), valid_s=valid_s, fallbacks=("bridge",))
            owed = session.scalars(select(OutboxRow)).one()
            owed.valid_until = datetime.now(UTC) + timedelta(seconds=60)
            speech = Speech.model_validate(owed.payload["speech"])
        if heard:
            await _say_from_memory(site, speech)
        async with running(site.worker()):
            await until(lambda: site.ended(said))
        assert row(site.store, said).state == state
        assert len(site.gate.played()) == heard
        assert site.bridge.requests == 0

    play(test)


def test_a_notice_is_not_counted_after_a_kill_twice(play: Play) -> None:
    async def test(site: _Site) -> None:
        site.police.misbehave(Fault("lost"))
        async with running(site.worker()):
            told = site.notice()
            await until(lambda: site.police.received)
        async with running(site.worker()):
            await until(lambda: site.ended(told))
        assert [r.id for r in site.police.received] == [told]
        assert site.police.repeats == [told]

    play(test)


def test_a_receiver_that_hangs_delays_no_other(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many requests as there may be hang at one platform; another gets all of its notices meanwhile."""

    async def test(site: _Site) -> None:
        site.police.misbehave(*[Fault("hang")] * 100)
        async with PoliceReceiver(KEYS[:1], say=silent) as city:
            channels = {"police": site.channels()["police"], "city": webhook_channel(city.url, monkeypatch)}
            worker = DeliveryWorker(
                site.store,
                channels,
                dict.fromkeys(channels, "notice"),
                clock=SystemClock(),
                metrics=DeliveryMetrics(CollectorRegistry()),
            )
            async with running(worker):
                with site.store.write() as session:
                    for i in range(40):
                        owe_notice(session, "police", f"i{i}", now=datetime.now(UTC))
                await until(lambda: site.police.requests == 32)
                with site.store.write() as session:
                    ids = [owe_notice(session, "city", f"i{i}", now=datetime.now(UTC)) for i in range(40)]
                await until(lambda: all(map(site.ended, ids)))
                assert len(city.received) == 40
                assert (site.police.requests, len(site.police.received)) == (32, 0)

    play(test, timeout_s=30)


def test_a_dead_police_platform_delays_no_warning(play: Play) -> None:
    async def test(site: _Site) -> None:
        site.police.misbehave(*[Fault("hang")] * 400)
        with site.store.write() as session:
            for i in range(300):
                owe_notice(session, "police", f"i{i}", now=datetime.now(UTC))
        async with running(site.worker()):
            await until(lambda: site.police.requests == 8)
            said = [site.speech(f"child {i}") for i in range(5)]
            await until(lambda: all(map(site.ended, said)))
            assert site.police.received == []
        assert len(site.gate.played()) == 5

    play(test)

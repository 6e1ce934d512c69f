"""What is owed to real speakers, over the wire: the more urgent first, and what gave way afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import select

from alerts.channels.base import Channel
from alerts.store.schema import OutboxRow
from deploy.simulators.speaker import SpeakerSimulator
from deploy.simulators.speaker_mqtt import MqttSpeakerSimulator
from lianfang.clock import SystemClock
from tests.support.channels import TOKEN, silent, speaker_channel
from tests.support.delivery import make_worker, running, until
from tests.support.kafka import fresh
from tests.support.mosquitto import shared_broker
from tests.support.mqtt_speaker import channel_to
from tests.support.outbox import open_store, owe_speech

PACE_S = 0.05  # a character
# The channel, what was heard, and how far the speaker is with a text.
Speaking = tuple[Channel, Callable[[], list[str]], Callable[[str], str]]
Site = Callable[[pytest.MonkeyPatch], AbstractAsyncContextManager[Speaking]]


@asynccontextmanager
async def over_http(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Speaking]:
    speaker = SpeakerSimulator(TOKEN, say=silent, seconds_per_character=PACE_S, answer_within_s=0.05)
    async with speaker:

        def playing(text: str) -> str:
            words = [s.outcome for s in speaker.spoken.values() if s.command.text == text]
            return words[-1] if words else ""

        yield speaker_channel(speaker.url, monkeypatch), speaker.played, playing


@asynccontextmanager
async def over_mqtt(_monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Speaking]:
    port, device = shared_broker().port, fresh("horn")
    simulator = MqttSpeakerSimulator("127.0.0.1", port, device, say=silent, seconds_per_character=PACE_S)
    async with simulator as speaker:

        def playing(text: str) -> str:
            ids = [c["frameId"] for c in speaker.received if c.get("content") == text]
            return speaker.word(ids[-1]) if ids else ""

        yield channel_to(port, device), lambda: speaker.heard, playing


@pytest.mark.parametrize("site", [over_http, over_mqtt])
def test_what_gave_way_is_said_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: Site
) -> None:
    async def run() -> None:
        store, clock = open_store(tmp_path), SystemClock()
        low, high = "请不要在这里停车" * 3, "水深危险"

        def owe(text: str, priority: int) -> None:
            with store.write() as session:
                owe_speech(session, "gate", text, text=text, priority=priority, now=clock.now())

        def states() -> list[tuple[str, str, str]]:
            with store.read() as session:
                rows = session.scalars(select(OutboxRow).order_by(OutboxRow.seq))
                return [(r.state, r.outcome, r.last_error) for r in rows]

        async with site(monkeypatch) as (channel, heard, word):
            async with running(make_worker(store, clock, {"gate": channel}, speakers=("gate",))):
                owe(low, 40)
                await until(lambda: word(low) == "playing")
                owe(high, 90)
                await until(lambda: all(state != "pending" for state, _, _ in states()))
                assert [state[:2] for state in states()] == [("delivered", "finished")] * 2, states()
            assert heard() == [high, low]
        store.close()

    asyncio.run(run())


def test_the_last_will_of_one_lets_the_next_speak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        store, clock = open_store(tmp_path), SystemClock()
        port, device = shared_broker().port, fresh("horn")
        horn = MqttSpeakerSimulator("127.0.0.1", port, device, say=silent, seconds_per_character=10)

        def states() -> list[tuple[str, str]]:
            with store.read() as session:
                rows = session.scalars(select(OutboxRow).order_by(OutboxRow.seq))
                return [(row.receiver, row.state) for row in rows]

        async with horn, SpeakerSimulator(TOKEN, say=silent) as bridge:
            channels = {"gate": channel_to(port, device), "bridge": speaker_channel(bridge.url, monkeypatch)}
            async with running(make_worker(store, clock, channels, speakers=("gate", "bridge"))):
                with store.write() as session:
                    first = owe_speech(session, "gate", fallbacks=("bridge",), now=clock.now())
                await until(lambda: horn.word(first) == "playing")
                horn.vanish()
                await until(lambda: states() == [("gate", "dead"), ("bridge", "delivered")])
            assert bridge.played() == ["请远离水边"]
        store.close()

    asyncio.run(run())

"""Stop, status and what outranks what: the HTTP channel against the strict simulator."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import pytest

from alerts.channels.base import EmergencyOnAir, Receipt, Speaker, SpeakerStatus
from deploy.simulators.speaker import SpeakerSimulator
from lianfang.errors import LianfangError, PermanentError, TransientError
from tests.support.channels import TOKEN, delivery_of, silent, speaker_channel, speech
from tests.support.delivery import until

SLOW_S = 0.5  # a character: nothing ends by itself while a test looks


@dataclass
class Site:
    """A speaker, the way to it, and what came of what was sent."""

    speaker: SpeakerSimulator
    channel: Speaker
    answers: dict[str, Receipt | Exception]

    async def playing(self, command: str, **changed: object) -> asyncio.Task[None]:
        """Send a command and return once it is played."""
        task = asyncio.create_task(self.say(command, **changed))
        await until(lambda: self.word(command) == "playing")
        return task

    async def say(self, command: str, **changed: object) -> None:
        """Send a command and write down what came of it."""
        delivery = delivery_of(speech() | changed | {"id": command}, delivery_id=command)
        try:
            self.answers[command] = await self.channel.send(delivery)
        except LianfangError as error:
            self.answers[command] = error

    def word(self, command: str) -> str:
        """Return what the speaker says of a command now."""
        spoken = self.speaker.spoken.get(command)
        return spoken.outcome if spoken else ""


def at_site(
    monkeypatch: pytest.MonkeyPatch, test: Callable[[Site], Awaitable[None]], pace_s: float = SLOW_S
) -> None:
    """Run ``test`` at a speaker that takes ``pace_s`` a character."""

    async def run() -> None:
        speaker = SpeakerSimulator(TOKEN, say=silent, seconds_per_character=pace_s, answer_within_s=0.05)
        async with speaker:
            channel = speaker_channel(speaker.url, monkeypatch, timeout_s=2)
            assert isinstance(channel, Speaker)
            site = Site(speaker, channel, {})
            try:
                await test(site)
            finally:
                await channel.close()

    asyncio.run(run())


def test_a_stop_is_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        task = await site.playing("a")
        assert await site.channel.stop("a") == Receipt("stopped", "broken off")
        await task
        assert str(site.answers["a"]) == "the speaker says stopped: broken off"
        assert await site.channel.status() == SpeakerStatus("ready")
        await site.say("a")
        assert isinstance(site.answers["a"], PermanentError)
        assert site.speaker.played() == [], "what was stopped is not said by a late repetition either"

    at_site(monkeypatch, test)


def test_what_waits_is_never_begun_after_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        await site.playing("a")
        waiting = asyncio.create_task(site.say("b"))
        await until(lambda: site.word("b") == "accepted")
        assert await site.channel.stop("b") == Receipt("stopped", "before it began")
        await waiting
        assert site.word("a") == "playing"

    at_site(monkeypatch, test)


def test_a_stop_of_what_has_been_said_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        await site.say("a")
        assert await site.channel.stop("a") == Receipt("finished", "said 2 times")
        with pytest.raises(PermanentError, match="answered 404"):
            await site.channel.stop("unknown")

    at_site(monkeypatch, test, pace_s=0)


def test_a_stop_that_is_not_obeyed_is_no_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        site.speaker.obeys_stop = False
        await site.playing("a")
        with pytest.raises(TransientError, match="still playing"):
            await site.channel.stop("a")

    at_site(monkeypatch, test)


def test_a_command_that_nobody_stops_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        await site.say("a", max_s=1)
        assert site.answers["a"] == Receipt("finished", "cut after 1 s")

    at_site(monkeypatch, test)


def test_the_more_urgent_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        low = await site.playing("low", priority=40)
        equal = asyncio.create_task(site.say("equal", priority=40))
        await until(lambda: site.word("equal") == "accepted")
        await site.playing("high", priority=90)
        await low
        assert str(site.answers["low"]) == "the speaker says pre_empted: broken off"
        assert site.word("equal") == "accepted", "as urgent waits its turn"
        assert await site.channel.status() == SpeakerStatus("playing", "high")
        await site.channel.stop("high")
        await until(lambda: site.word("equal") == "playing")
        equal.cancel()

    at_site(monkeypatch, test)


def test_an_emergency_programme_outranks_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        command = speech() | {"priority": 100}
        task = await site.playing("a", **command)
        site.speaker.call_emergency(on=True)
        await task
        assert isinstance(site.answers["a"], EmergencyOnAir)
        await site.say("b", priority=100)
        assert isinstance(site.answers["b"], EmergencyOnAir)
        assert (await site.channel.status()).condition == "emergency"
        site.speaker.call_emergency(on=False)
        again = await site.playing("a", **command)  # the same id: it was not said
        again.cancel()
        with suppress(asyncio.CancelledError):
            await again

    at_site(monkeypatch, test)


def test_every_language_is_said_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        await site.say("a", also=[{"language": "yue", "text": "请即刻离开"}])
        assert site.speaker.played() == ["请远离水边", "请即刻离开"]

    at_site(monkeypatch, test, pace_s=0)


@pytest.mark.parametrize("condition", ["ready", "faulty"])
def test_status(monkeypatch: pytest.MonkeyPatch, condition: str) -> None:
    async def test(site: Site) -> None:
        site.speaker.condition = condition  # type: ignore[assignment]
        assert await site.channel.status() == SpeakerStatus(condition)  # type: ignore[arg-type]

    at_site(monkeypatch, test)

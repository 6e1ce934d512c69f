"""A simulated device that plays sound, the channel to it, and a recording for it to play."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar

from alerts.channels.base import Channel, Receipt, Speaker
from alerts.voice import sound
from alerts.voice.clips import Clips
from deploy.simulators.server import Simulator
from deploy.simulators.speaker_sip import SipSpeakerSimulator
from lianfang.config.voice import Voice
from lianfang.errors import LianfangError
from tests.support.channels import delivery_of, speech
from tests.support.voice import tone

Device = TypeVar("Device", bound=Simulator | SipSpeakerSimulator)


@dataclass
class SoundSite(Generic[Device]):
    """A device, and the way to it."""

    device: Device
    channel: Speaker
    recorded: Path

    async def say(self, valid_s: float = 30, **changed: object) -> Receipt | Exception:
        """Send a recorded command of one second; return what came of it."""
        payload = speech(valid_s) | {"clip": str(self.recorded), "repeat": 1, "volume_pct": 100} | changed
        try:
            return await self.channel.send(delivery_of(payload))
        except LianfangError as error:
            return error

    def samples(self, repeat: int = 1, max_s: float = 60) -> sound.Samples:
        """Return what is to be heard."""
        return sound.joined(sound.normalised(sound.read(self.recorded), -16), repeat, max_s)

    def expected(
        self, volume_pct: int = 100, repeat: int = 1, max_s: float = 60, law: Literal["a", "mu"] = "a"
    ) -> bytes:
        """Return it as G.711."""
        return sound.g711(sound.scaled(self.samples(repeat, max_s), volume_pct), law)


def at_device(
    folder: Path,
    simulator: Device,
    build: Callable[[str, Clips], Channel],
    test: Callable[[SoundSite[Device]], Awaitable[None]],
) -> None:
    """Run ``test`` at a device; ``build`` makes the channel to its URL."""
    recorded = folder / "recorded.wav"
    recorded.write_bytes(sound.wav(tone(1)))

    async def run() -> None:
        async with simulator:
            channel = build(simulator.url, Clips(Voice(), folder / "voice"))
            assert isinstance(channel, Speaker)
            try:
                await test(SoundSite(simulator, channel, recorded))
            finally:
                await channel.close()

    asyncio.run(run())

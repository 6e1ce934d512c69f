"""``kind: speaker_wvp``: a GB/T 28181 speaker that a WVP platform with ZLMediaKit calls.

See docs/protocols/speaker_wvp.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from alerts.channels.base import Delivery, Receipt, SoundSpeakerConfig, SpeakerStatus
from alerts.payload import Speech
from alerts.voice.clips import Clips
from alerts.voice.rtsp import RtspPush
from alerts.voice.sound import g711, joined, scaled
from lianfang.clock import Clock
from lianfang.config import Config as WholeConfig
from lianfang.config import Problem, Secret
from lianfang.errors import PermanentError, TransientError
from lianfang.reach.http import BaseUrl, check_ca_file
from lianfang.reach.networks import Reached, check_address
from lianfang.reach.wvp import Media, Platform

Code = Annotated[str, StringConstraints(pattern=r"^\d{20}$")]

_LOOK_S = 0.3  # between two looks whether the device is on the line
_MISSED = 2  # looks in a row without it, until it has hung up


class Config(Reached, SoundSpeakerConfig):
    """A GB/T 28181 device with a loudspeaker, called by a WVP platform and its media server."""

    kind: Literal["speaker_wvp"]
    base_url: BaseUrl
    """The WVP platform, such as http://10.0.0.2:18080."""
    username: str = Field(min_length=1)
    """Whom it knows us as."""
    password: Secret
    """Its password."""
    media_url: BaseUrl
    """The HTTP interface of the ZLMediaKit server, asked whether the device is on the line."""
    media_secret: Secret
    """Its `api.secret`."""
    device: Code
    """The 20-digit code of the device."""
    channel: Code
    """The 20-digit code of the channel that it speaks from."""
    ca_file: Path | None = None
    """Certificates to trust instead of the system's."""
    answer_s: float = Field(default=10, ge=1, le=60)
    """Seconds that the device may take to answer the call."""
    timeout_s: float = Field(default=5, gt=0, le=30)
    """Seconds that platform and media server may take for any answer."""

    def check(self, config: WholeConfig) -> Iterable[Problem]:
        """Yield an address that is not allowed, and a certificate file that cannot be read."""
        yield from super().check(config)
        yield from check_address("base_url", self.base_url, self.within)
        yield from check_address("media_url", self.media_url, self.within)
        yield from check_ca_file(self.ca_file)


class SpeakerWvpChannel:
    """Calls one device, speaks once it is on the line, and hangs up."""

    def __init__(self, config: Config, clock: Clock, clips: Clips) -> None:
        self._config, self._clock, self._clips = config, clock, clips
        self._platform = Platform(
            config.base_url,
            config.username,
            config.password.read(),
            timeout_s=config.timeout_s,
            ca_file=config.ca_file,
            networks=config.within,
            clock=clock,
        )
        self._media = Media(
            config.media_url,
            config.media_secret.read(),
            timeout_s=config.timeout_s,
            ca_file=config.ca_file,
            networks=config.within,
            clock=clock,
        )
        self._current = ""
        self._told_to_stop = asyncio.Event()
        self._turn = asyncio.Lock()

    async def send(self, delivery: Delivery) -> Receipt:
        """Return once the device, which took the call, was given all of it.

        That it was heard nobody says in GB/T 28181: the word is ``accepted``. TransientError if it does not
        take the call, or hangs up before the end.
        """
        async with self._turn:  # what was broken off a moment ago may still be hanging up
            return await self._say(delivery)

    async def _say(self, delivery: Delivery) -> Receipt:
        speech = Speech.model_validate(delivery.payload)
        if self._left_s(speech) <= 0:
            raise PermanentError("not sent: its validity has passed")
        clip = await self._clips.clip(speech)
        volume = scaled(joined(clip.samples, speech.repeat, speech.max_s), speech.volume_pct)
        data = await asyncio.to_thread(g711, volume)
        self._current = delivery.id
        self._told_to_stop.clear()
        try:
            async with self._called() as (push, stream):
                await self._on_the_line(push, stream, min(self._config.answer_s, self._left_s(speech)))
                push.begin(data)
                await self._spoken(push, stream)
        finally:
            self._current = ""
        if self._told_to_stop.is_set():
            raise PermanentError("the speaker says stopped: broken off")
        return Receipt("accepted", "the device was on the line to its end; it does not say what was heard")

    async def stop(self, command_id: str) -> Receipt:
        """Hang up; return once the media server sends nothing to the device any more."""
        if command_id == self._current:
            self._told_to_stop.set()
        stream = await self._hang_up()
        until_s = self._clock.monotonic() + self._config.timeout_s
        while await self._media.listeners(*stream):
            if self._clock.monotonic() >= until_s:
                raise TransientError("the media server still sends to it")
            await asyncio.sleep(_LOOK_S)
        return Receipt("stopped", "the call is over")

    async def status(self) -> SpeakerStatus:
        """Return whether the platform has it online."""
        if not await self._platform.online(self._config.device):
            raise TransientError("the platform says that it is offline")
        return SpeakerStatus("playing" if self._current else "ready", self._current)

    async def close(self) -> None:
        """Close the connections."""
        await self._platform.close()
        await self._media.close()

    @asynccontextmanager
    async def _called(self) -> AsyncIterator[tuple[RtspPush, tuple[str, str]]]:
        """Push silence, at which the platform calls the device; hang up at the end, whatever comes."""
        call = await self._platform.call(self._config.device, self._config.channel)
        try:
            async with RtspPush(call.url, self._config.timeout_s, self._config.within) as push:
                yield push, (call.app, call.stream)
        finally:
            with suppress(TransientError, PermanentError):
                await self._hang_up()

    async def _on_the_line(self, push: RtspPush, stream: tuple[str, str], within_s: float) -> None:
        until_s = self._clock.monotonic() + within_s
        while not await self._media.listeners(*stream):
            if self._clock.monotonic() >= until_s or self._told_to_stop.is_set():
                raise TransientError(f"the device did not take the call within {within_s:.0f} s")
            await push.ended(_LOOK_S)

    async def _spoken(self, push: RtspPush, stream: tuple[str, str]) -> None:
        missed = 0
        while not await push.ended(_LOOK_S):
            if self._told_to_stop.is_set():
                return
            missed = 0 if await self._media.listeners(*stream) else missed + 1
            if missed >= _MISSED:
                raise TransientError("the device hung up before the end")

    async def _hang_up(self) -> tuple[str, str]:
        return await self._platform.hang_up(self._config.device, self._config.channel)

    def _left_s(self, speech: Speech) -> float:
        return (speech.valid_until - self._clock.now()).total_seconds()


def build(config: Config, clock: Clock, clips: Clips) -> SpeakerWvpChannel:
    """Return the channel; LookupError if a secret cannot be read."""
    return SpeakerWvpChannel(config, clock, clips)

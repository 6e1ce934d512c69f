"""``kind: speaker_onvif``: the loudspeaker of an ONVIF camera, by the back-channel of its RTSP stream.

See docs/protocols/speaker_onvif.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints

from alerts.channels.base import Delivery, Receipt, SoundSpeakerConfig, SpeakerStatus
from alerts.payload import Speech
from alerts.voice.backchannel import Backchannel, fault_of
from alerts.voice.clips import Clips
from alerts.voice.sound import joined, scaled
from alerts.voice.turn import Turn
from lianfang.clock import Clock
from lianfang.config import Config as WholeConfig
from lianfang.config import Problem, Secret
from lianfang.errors import PermanentError, TransientError
from lianfang.reach.networks import Reached, address_of, check_address

_PORT = 554
RtspUrl = Annotated[str, StringConstraints(pattern=r"^rtsp://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?/[!-~]*$")]


class Config(Reached, SoundSpeakerConfig):
    """A device that has a back-channel for sound in its stream (ONVIF Profile T)."""

    kind: Literal["speaker_onvif"]
    url: RtspUrl
    """Its stream, without user and password, such as rtsp://192.168.1.64/Streaming/Channels/101."""
    username: str = ""
    """A user of it who may speak."""
    password: Secret | None = None
    """The password."""
    timeout_s: float = Field(default=5, gt=0, le=30)
    """Seconds that the device may take for any answer."""
    program: str = Field(default="/usr/bin/python3", min_length=1)
    """A Python with GStreamer (Debian: python3-gi, gir1.2-gstreamer-1.0, gstreamer1.0-plugins-good)."""

    def check(self, config: WholeConfig) -> Iterable[Problem]:
        """Yield an address that is not allowed, and a program that cannot do it."""
        yield from super().check(config)
        yield from check_address("url", self.url, self.within)
        if fault := fault_of(self.program):
            packages = "python3-gi, gir1.2-gstreamer-1.0, gstreamer1.0-plugins-good"
            needed = f"a Python with GStreamer (Debian: {packages})"
            yield Problem(("program",), f"{self.program}: {fault}", needed)


class SpeakerOnvifChannel:
    """Opens the back-channel, speaks as fast as it is heard, and closes it."""

    def __init__(self, config: Config, clock: Clock, clips: Clips) -> None:
        self._config, self._clock, self._clips = config, clock, clips
        self._password = config.password.read() if config.password else ""
        self._open: Backchannel | None = None
        self._turn = Turn()

    async def send(self, delivery: Delivery) -> Receipt:
        """Return once the device has taken all of it and answered after that. It has no word for playing."""
        return await self._turn.of(delivery, self._say)

    async def _say(self, speech: Speech) -> Receipt:
        clip = await self._clips.clip(speech)
        samples = scaled(joined(clip.samples, speech.repeat, speech.max_s), speech.volume_pct)
        if self._clock.now() >= speech.valid_until:
            raise PermanentError("not sent: its validity has passed")
        try:
            async with await self._backchannel() as self._open:
                self._turn.go_on()
                if self._clock.now() >= speech.valid_until:
                    raise PermanentError("not said: its validity has passed")
                await self._open.play(samples)
                self._turn.go_on()
                if not await self._open.over():
                    raise TransientError("the device does not answer after it: it may be gone")
        finally:
            self._open = None
        return Receipt("accepted", "the device has taken all of it; it does not say what was heard")

    async def stop(self, command_id: str) -> Receipt:
        """Send no more; return once the device has answered after the last that was sent."""
        self._turn.stop(command_id)
        if self._open is not None and not await self._open.over():
            raise TransientError("the device does not answer: it may go on")
        return Receipt("stopped", "nothing is sent to it any more")

    async def status(self) -> SpeakerStatus:
        """Return whether it opens its back-channel."""
        if self._turn.current:
            return SpeakerStatus("playing", self._turn.current)
        try:
            async with await self._backchannel():
                return SpeakerStatus("ready")
        except PermanentError as error:
            return SpeakerStatus("faulty", detail=str(error))

    async def close(self) -> None:
        """Be silent."""
        if self._open is not None:
            await self._open.over()

    async def _backchannel(self) -> Backchannel:
        parts, config = urlsplit(self._config.url), self._config
        address = await address_of(parts.hostname or "", parts.port or _PORT, config.within)
        url = parts._replace(netloc=f"{address[0]}:{address[1]}").geturl()
        return Backchannel(config.program, url, config.username, self._password, config.timeout_s)


def build(config: Config, clock: Clock, clips: Clips) -> SpeakerOnvifChannel:
    """Return the channel; LookupError if the password cannot be read."""
    return SpeakerOnvifChannel(config, clock, clips)

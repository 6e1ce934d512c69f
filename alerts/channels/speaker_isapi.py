"""``kind: speaker_isapi``: a camera or horn with ISAPI (Hikvision), by two-way audio or its own sounds.

See docs/protocols/speaker_isapi.md.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Literal

from pydantic import Field

from alerts.channels._isapi import AlarmSoundChannel
from alerts.channels.base import Delivery, Receipt, SoundSpeakerConfig, SpeakerStatus
from alerts.payload import Speech
from alerts.voice.clips import Clips
from alerts.voice.sound import Samples, g711, joined, scaled
from lianfang.clock import Clock
from lianfang.config import Config as WholeConfig
from lianfang.config import Problem, Secret
from lianfang.errors import PermanentError, TransientError
from lianfang.reach.http import Answer, BaseUrl, HttpEndpoint, check_ca_file, check_status
from lianfang.reach.networks import Reached, check_address

_PACKET, _PACKET_S = 160, 0.02  # bytes, and how long they last
_AHEAD = 10  # packets that the device is given at once, against a stutter
_LAWS: dict[str, Literal["a", "mu"]] = {"G.711alaw": "a", "G.711ulaw": "mu"}
_LAW = re.compile(rb"<audioCompressionType>\s*([^<\s]+)\s*</audioCompressionType>")
_VOLUME = re.compile(rb"(<speakerVolume>\s*)(\d+)(\s*</speakerVolume>)")
_SESSION = re.compile(rb"<sessionId>\s*([\w-]{1,64})\s*</sessionId>")
_NOT_OPEN = frozenset({400, 403, 409})  # what devices answer where there is nothing to close
_BUSY = re.compile(rb"busy", re.IGNORECASE)


class Config(Reached, SoundSpeakerConfig):
    """A device with a loudspeaker that speaks ISAPI."""

    kind: Literal["speaker_isapi"]
    base_url: BaseUrl
    """The device, such as http://192.168.1.64."""
    username: str = Field(min_length=1, pattern=r"^[^:]+$")
    """A user of it who may use two-way audio."""
    password: Secret
    """The password (HTTP Digest)."""
    channel: int = Field(default=1, ge=1, le=64)
    """Its two-way audio channel."""
    alarm_sound: int | None = Field(default=None, ge=1, le=1000)
    """For one without two-way audio: the number of a sound that it has stored, played in place of a text."""
    volume_max: int = Field(default=100, ge=1, le=100)
    """The loudest of its own scale; what 100 of ours is. Alarm sounds often end at 10."""
    ca_file: Path | None = None
    """Certificates to trust instead of the system's."""
    timeout_s: float = Field(default=5, gt=0, le=30)
    """Seconds that the device may take for any answer."""

    @property
    def plays_sound(self) -> bool:
        """Unless the sound is its own."""
        return self.alarm_sound is None

    def check(self, config: WholeConfig) -> Iterable[Problem]:
        """Yield an address that is not allowed, and a certificate file that cannot be read."""
        yield from super().check(config)
        yield from check_address("base_url", self.base_url, self.within)
        yield from check_ca_file(self.ca_file)


class SpeakerIsapiChannel:
    """Opens the device's audio channel, speaks as fast as it is heard, and closes it."""

    def __init__(self, config: Config, clock: Clock, clips: Clips, http: HttpEndpoint) -> None:
        self._config, self._clock, self._clips, self._http = config, clock, clips, http
        self._channel = f"{config.base_url}/ISAPI/System/TwoWayAudio/channels/{config.channel}"
        self._speaking: tuple[str, asyncio.Task[None]] | None = None
        self._turn = asyncio.Lock()

    async def send(self, delivery: Delivery) -> Receipt:
        """Return once the device has taken the last of it. It has no word for having played it."""
        async with self._turn:  # what was broken off a moment ago may still be hanging up
            return await self._say(delivery)

    async def _say(self, delivery: Delivery) -> Receipt:
        speech = Speech.model_validate(delivery.payload)
        if (speech.valid_until - self._clock.now()).total_seconds() <= 0:
            raise PermanentError("not sent: its validity has passed")
        clip = await self._clips.clip(speech)
        task = asyncio.create_task(self._speak(joined(clip.samples, speech.repeat, speech.max_s), speech))
        self._speaking = delivery.id, task
        try:
            await asyncio.wait([task])
        finally:
            task.cancel()
            await asyncio.wait([task])
            self._speaking = None
        if task.cancelled():
            raise PermanentError("the speaker says stopped: broken off")
        task.result()
        return Receipt("accepted", "the device has taken all of it; it does not say what was heard")

    async def stop(self, command_id: str) -> Receipt:
        """Break off, and close the channel; return once the device has confirmed that."""
        if self._speaking is not None and self._speaking[0] == command_id:
            self._speaking[1].cancel()
        await self._hang_up()
        return Receipt("stopped", "the audio channel is closed")

    async def status(self) -> SpeakerStatus:
        """Return that it answers."""
        await self._ask("GET")
        speaking = self._speaking
        return SpeakerStatus("playing", speaking[0]) if speaking else SpeakerStatus("ready")

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def _speak(self, samples: Samples, speech: Speech) -> None:
        settings = (await self._ask("GET")).body
        law = self._law(settings)
        if await self._turned(settings, speech.volume_pct):
            data = await asyncio.to_thread(g711, samples, law)
        else:
            data = await asyncio.to_thread(g711, scaled(samples, speech.volume_pct), law)
        await self._hang_up()  # a session that nobody closed would keep it busy
        opened = _SESSION.search((await self._ask("PUT", "/open")).body)
        try:
            if self._clock.now() >= speech.valid_until:
                raise PermanentError("not said: its validity has passed")
            await self._stream(opened[1] if opened else b"", data)
        finally:
            with suppress(TransientError, PermanentError):
                await self._hang_up()

    async def _hang_up(self) -> None:
        """Close the channel; TransientError if the device does not confirm that nobody has it."""
        answer = await self._http.request("PUT", f"{self._channel}/close", {})
        if answer.status not in _NOT_OPEN:
            self._checked(answer)

    def _law(self, settings: bytes) -> Literal["a", "mu"]:
        found = _LAW.search(settings)
        name = found[1].decode(errors="replace") if found else "nothing"
        if name not in _LAWS:
            raise PermanentError(f"its audio channel is set to {name}, not to {' or '.join(_LAWS)}")
        return _LAWS[name]

    async def _turned(self, settings: bytes, volume_pct: int) -> bool:
        """Set the device's own loudness; return False where it has none here."""
        found = _VOLUME.search(settings)
        if found is None:
            return False
        wanted = round(volume_pct * self._config.volume_max / 100)
        if int(found[2]) != wanted:
            changed = _VOLUME.sub(rb"\g<1>%d\g<3>" % wanted, settings, count=1)
            await self._ask("PUT", xml=changed)
        return True

    async def _ask(self, method: str, what: str = "", xml: bytes | None = None) -> Answer:
        headers = {"Content-Type": "application/xml"} if xml else {}
        return self._checked(await self._http.request(method, self._channel + what, headers, xml))

    async def _stream(self, session: bytes, data: bytes) -> None:
        """Send G.711 ``data`` as fast as it is heard; return once the device has confirmed all of it."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(len(data))}
        url = f"{self._channel}/audioData{f'?sessionId={session.decode()}' if session else ''}"
        lasts_s = len(data) / _PACKET * _PACKET_S
        self._checked(await self._http.request("PUT", url, headers, _as_heard(data), longer_s=lasts_s))

    def _checked(self, answer: Answer) -> Answer:
        if answer.status != 200 and _BUSY.search(answer.body):
            raise TransientError(f"answered {answer.status}: {answer.quote()}")
        check_status(answer, self._clock.now())
        return answer


def build(
    config: Config, clock: Clock, clips: Clips | None = None
) -> SpeakerIsapiChannel | AlarmSoundChannel:
    """Return the channel; LookupError if the password cannot be read. ``clips`` where it plays ours."""
    login = config.username, config.password.read()
    http = HttpEndpoint(config.timeout_s, config.ca_file, login=login, networks=config.within)
    if config.alarm_sound is not None:
        return AlarmSoundChannel(http, config.base_url, config.alarm_sound, config.volume_max, clock)
    if clips is None:
        raise TypeError("a channel that speaks needs clips")
    return SpeakerIsapiChannel(config, clock, clips, http)


async def _as_heard(data: bytes) -> AsyncIterator[bytes]:
    """Yield packets of 20 ms, a few at once and then each in its time."""
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    for i, at in enumerate(range(0, len(data), _PACKET)):
        await asyncio.sleep(begun_s + (i - _AHEAD) * _PACKET_S - loop.time())
        yield data[at : at + _PACKET]

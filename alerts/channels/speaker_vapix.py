"""``kind: speaker_vapix``: a network speaker or camera that plays media clips by VAPIX (Axis).

See docs/protocols/speaker_vapix.md.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

from pydantic import Field

from alerts.channels.base import Delivery, Microphone, Receipt, SoundSpeakerConfig, SpeakerStatus
from alerts.payload import Speech
from alerts.voice.clips import Clips
from alerts.voice.sound import RATE, Samples, joined, scaled, wav
from lianfang.clock import Clock
from lianfang.config import Config as WholeConfig
from lianfang.config import Problem, Secret
from lianfang.errors import PermanentError, TransientError
from lianfang.reach.http import BaseUrl, HttpEndpoint, check_ca_file, check_status
from lianfang.reach.networks import Reached, check_address

_OURS = "lianfang-"  # how the clips begin that we put there, and may remove
_SLOWEST = 50_000  # bytes a second of an upload
_BOUNDARY = "lianfang-7f3a1c"
_UPLOADED = re.compile(rb"(?:uploaded|replaced)=(\d+)", re.IGNORECASE)
_NAME = re.compile(r"^root\.MediaClip\.M(\d+)\.Name=(.*?)\r?$", re.MULTILINE)
_PROPERTY = re.compile(r"^root\.Properties\.AudioClip\.(\w+)=(.*?)\r?$", re.MULTILINE)


class Config(Reached, SoundSpeakerConfig):
    """A device that plays media clips by VAPIX."""

    kind: Literal["speaker_vapix"]
    base_url: BaseUrl
    """The device, such as http://192.168.1.90."""
    username: str = Field(min_length=1, pattern=r"^[^:]+$")
    """A user of it with the role of an operator: it stores clips there."""
    password: Secret
    """The password (HTTP Digest)."""
    audio_device: int | None = Field(default=None, ge=0, le=99)
    """`audiodeviceid` of devices with several; with audio_output or not at all."""
    audio_output: int | None = Field(default=None, ge=0, le=99)
    """`audiooutputid` of devices with several."""
    clips_kept: int = Field(default=10, ge=1, le=100)
    """Clips of ours that may stay on the device; the oldest goes when there are more."""
    ca_file: Path | None = None
    """Certificates to trust instead of the system's."""
    timeout_s: float = Field(default=5, gt=0, le=30)
    """Seconds that the device may take for any answer."""

    @property
    def microphone(self) -> Microphone:
        """Not at all: what it plays stays stored in the device."""
        return "none"

    def check(self, config: WholeConfig) -> Iterable[Problem]:
        """Yield an address that is not allowed, certificates of no use, and one half of an output."""
        yield from super().check(config)
        if (self.audio_device is None) != (self.audio_output is None):
            yield Problem(("audio_device",), "one of audio_device and audio_output", "both or neither")
        yield from check_address("base_url", self.base_url, self.within)
        yield from check_ca_file(self.ca_file)


@dataclass(frozen=True, slots=True)
class _Abilities:
    """What a device can do with a clip."""

    volume: bool
    stop_clip: bool


class SpeakerVapixChannel:
    """Puts a clip on the device, unless it is there, has it played, and waits for as long as it lasts."""

    def __init__(self, config: Config, clock: Clock, clips: Clips) -> None:
        self._config, self._clock, self._clips = config, clock, clips
        login = config.username, config.password.read()
        self._http = HttpEndpoint(config.timeout_s, config.ca_file, login=login, networks=config.within)
        self._playing = ""
        self._told_to_stop = asyncio.Event()
        self._turn = asyncio.Lock()

    async def send(self, delivery: Delivery) -> Receipt:
        """Return once it has been played for its length. The device says that it plays, not that it has."""
        async with self._turn:  # what was broken off a moment ago may not have ended yet
            return await self._say(delivery)

    async def _say(self, delivery: Delivery) -> Receipt:
        speech = Speech.model_validate(delivery.payload)
        if self._too_late(speech):
            raise PermanentError("not sent: its validity has passed")
        clip = await self._clips.clip(speech)
        samples = joined(clip.samples, speech.repeat, speech.max_s)
        can = await self._abilities()
        number = await self._stored(samples if can.volume else scaled(samples, speech.volume_pct))
        if self._too_late(speech):
            raise PermanentError("not said: its validity has passed")
        self._told_to_stop.clear()
        await self._ask("mediaclip", self._play(number, speech.volume_pct if can.volume else None))
        self._playing = delivery.id
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(len(samples) / RATE):
                    await self._told_to_stop.wait()
        finally:
            self._playing = ""
        if self._told_to_stop.is_set():
            raise PermanentError("the speaker says stopped: broken off")
        return Receipt("accepted", "the device has said that it plays it; it does not say when it has")

    async def stop(self, command_id: str) -> Receipt:
        """Let it stop whatever clip it plays; return once it says so."""
        stop_clip = (await self._abilities()).stop_clip
        await self._ask(*(("stopclip", {}) if stop_clip else ("mediaclip", {"action": "stop"})))
        if self._playing == command_id:
            self._told_to_stop.set()
        return Receipt("stopped", "the device has said that it stops")

    async def status(self) -> SpeakerStatus:
        """Return that it answers."""
        await self._abilities()
        return SpeakerStatus("playing", self._playing) if self._playing else SpeakerStatus("ready")

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    def _too_late(self, speech: Speech) -> bool:
        return self._clock.now() >= speech.valid_until

    def _play(self, number: int, volume_pct: int | None) -> dict[str, object]:
        asked: dict[str, object] = {"action": "play", "clip": number}
        if volume_pct is not None:
            asked["volume"] = volume_pct
        if self._config.audio_device is not None:
            asked["audiodeviceid"] = self._config.audio_device
            asked["audiooutputid"] = self._config.audio_output
        return asked

    async def _abilities(self) -> _Abilities:
        said = await self._params("Properties.AudioClip")
        found = dict(_PROPERTY.findall(said))
        options = {option.strip() for option in found.get("PlayOptions", "").split(",")}
        return _Abilities("volume" in options, found.get("StopClip") == "yes")

    async def _stored(self, samples: Samples) -> int:
        """Return the number of the clip on the device; it is put there if need be, and an old one goes."""
        data = await asyncio.to_thread(wav, samples)
        name = f"{_OURS}{hashlib.sha256(data).hexdigest()[:24]}"
        there = [(int(number), of) for number, of in _NAME.findall(await self._params("MediaClip"))]
        for number, of in there:
            if of == name:
                return number
        ours = sorted(number for number, of in there if of.startswith(_OURS))
        for number in ours[: max(0, len(ours) + 1 - self._config.clips_kept)]:
            await self._ask("mediaclip", {"action": "remove", "clip": number})
        asked = {"action": "upload", "media": "audio", "name": name}
        answer = await self._ask("mediaclip", asked, _multipart(f"{name}.wav", data))
        uploaded = _UPLOADED.search(answer)
        if uploaded is None:
            raise TransientError("the device does not say which clip it has stored")
        return int(uploaded[1])

    async def _params(self, group: str) -> str:
        url = f"{self._config.base_url}/axis-cgi/param.cgi?{urlencode({'action': 'list', 'group': group})}"
        answer = await self._http.request("GET", url, {})
        check_status(answer, self._clock.now())
        return answer.body.decode(errors="replace")  # a group that is not there is an error in it

    async def _ask(self, cgi: str, asked: Mapping[str, object], upload: bytes | None = None) -> bytes:
        """Return the answer to a command; only OK is one."""
        url = f"{self._config.base_url}/axis-cgi/{cgi}.cgi{f'?{urlencode(asked)}' if asked else ''}"
        headers = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"} if upload else {}
        longer_s = len(upload) / _SLOWEST if upload else 0
        method = "POST" if upload else "GET"
        answer = await self._http.request(method, url, headers, upload, longer_s=longer_s)
        check_status(answer, self._clock.now())
        if not answer.body.lstrip().startswith(b"OK"):
            raise TransientError(f"the device does not say OK: {answer.quote()}")
        return answer.body


def build(config: Config, clock: Clock, clips: Clips) -> SpeakerVapixChannel:
    """Return the channel; LookupError if the password cannot be read."""
    return SpeakerVapixChannel(config, clock, clips)


def _multipart(file_name: str, data: bytes) -> bytes:
    head = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="clip"; filename="{file_name}"\r\n'
        "Content-Type: audio/wav\r\n\r\n"
    )
    return head.encode() + data + f"\r\n--{_BOUNDARY}--\r\n".encode()

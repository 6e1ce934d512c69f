"""``kind: speaker_line_out``: a sound card of this machine, wired to an amplifier that is there already.

See docs/speakers.md.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO, Literal

from pydantic import Field

from alerts.channels.base import Delivery, Microphone, Receipt, SoundSpeakerConfig, SpeakerStatus
from alerts.payload import Speech
from alerts.voice.clips import Clips
from alerts.voice.microphone import MOST_S
from alerts.voice.sound import RATE, joined, scaled, wav
from lianfang.clock import Clock
from lianfang.config import Config as WholeConfig
from lianfang.config import Problem
from lianfang.errors import PermanentError, TransientError

_RAW = ("--file-type=raw", "--format=S16_LE", f"--rate={RATE}")
_PROBE = (*_RAW, "/dev/null")
_LIVE = (*_RAW, "--buffer-time=300000", "-")  # it begins to play once that is full
_SAID = 200  # characters of what the program says


class Config(SoundSpeakerConfig):
    """A sound card of the machine that the alert service runs on."""

    kind: Literal["speaker_line_out"]
    device: str = Field(default="default", pattern=r"^[^\s-]\S*$", max_length=100)
    """Its ALSA name, as `aplay -L` lists it; a card of its own, that nothing else plays on."""
    program: str = Field(default="aplay", min_length=1)
    """The player of ALSA (Debian: alsa-utils), or its path."""
    timeout_s: float = Field(default=5, gt=0, le=30)
    """Seconds that the card may take longer than the sound lasts."""

    @property
    def microphone(self) -> Microphone:
        """Live."""
        return "live"

    def check(self, config: WholeConfig) -> Iterable[Problem]:
        """Yield a player that is not there."""
        yield from super().check(config)
        if shutil.which(self.program) is None:
            yield Problem(("program",), self.program, "the player of ALSA (Debian: alsa-utils)")


class LineOutChannel:
    """Plays on the card through ALSA's own player: a driver that hangs takes nobody along."""

    def __init__(self, config: Config, clock: Clock, clips: Clips) -> None:
        self._config, self._clock, self._clips = config, clock, clips
        self._playing: tuple[str, asyncio.subprocess.Process] | None = None
        self._stopped = ""
        self._turn = asyncio.Lock()

    async def send(self, delivery: Delivery) -> Receipt:
        """Return once the card has played it. Whether the amplifier is on, nobody says."""
        async with self._turn:  # what was broken off a moment ago may not have ended yet
            return await self._say(delivery)

    async def _say(self, delivery: Delivery) -> Receipt:
        speech = Speech.model_validate(delivery.payload)
        arguments, data, lasts_s = await self._sound(speech)
        if self._clock.now() >= speech.valid_until:
            raise PermanentError("not sent: its validity has passed")
        with TemporaryFile() as said:
            player = await self._player(*arguments, said=said)
            self._playing = delivery.id, player
            try:
                await self._fed(player, data, lasts_s + self._config.timeout_s)
            finally:
                self._playing = None
            if self._stopped == delivery.id:
                raise PermanentError("the speaker says stopped: broken off")
            _check(player, said)
        return Receipt("finished", "the card has played it; whether the amplifier is on, nobody says")

    async def _sound(self, speech: Speech) -> tuple[tuple[str, ...], AsyncIterator[bytes], float]:
        """Return how the player is started, what it is given, and how many seconds that lasts at most."""
        live = self._clips.live(speech)
        if live is not None:
            return _LIVE, (scaled(part, speech.volume_pct).tobytes() async for part in live), MOST_S
        clip = await self._clips.clip(speech)
        samples = scaled(joined(clip.samples, speech.repeat, speech.max_s), speech.volume_pct)
        return ("-",), _at_once(wav(samples)), len(samples) / RATE

    async def stop(self, command_id: str) -> Receipt:
        """End the player; return once it has ended."""
        if self._playing is None or self._playing[0] != command_id:
            raise PermanentError("it is not played here")
        self._stopped = command_id
        player = self._playing[1]
        with suppress(ProcessLookupError):
            player.kill()
        await player.wait()
        return Receipt("stopped", "the player has ended")

    async def status(self) -> SpeakerStatus:
        """Return whether the card can be opened."""
        if self._playing is not None:
            return SpeakerStatus("playing", self._playing[0])
        with TemporaryFile() as said:
            player = await self._player(*_PROBE, said=said)
            await self._fed(player, _at_once(b""), self._config.timeout_s)
            _check(player, said)
        return SpeakerStatus("ready")

    async def close(self) -> None:
        """End what is played."""
        if self._playing is not None:
            await self.stop(self._playing[0])

    async def _player(self, *arguments: str, said: IO[bytes]) -> asyncio.subprocess.Process:
        """Start the player; what it says goes into a file, because a pipe may outlive it in its children."""
        try:
            return await asyncio.create_subprocess_exec(
                self._config.program,
                "--quiet",
                f"--device={self._config.device}",
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=said,
            )
        except OSError as error:
            raise TransientError(f"no player {self._config.program}: {error.strerror}") from error

    async def _fed(
        self, player: asyncio.subprocess.Process, data: AsyncIterator[bytes], within_s: float
    ) -> None:
        """Give it ``data`` as it comes and return once it has ended; it is ended in any case."""
        assert player.stdin is not None  # noqa: S101 - a pipe
        try:
            async with asyncio.timeout(within_s):
                with suppress(OSError):  # it ended before it had everything: it says why
                    async for part in data:
                        player.stdin.write(part)
                        await player.stdin.drain()
                player.stdin.close()
                await player.wait()
        except TimeoutError as error:
            raise TransientError(f"the card has not played it within {within_s:.0f} s") from error
        finally:
            if player.returncode is None:
                player.kill()
                await player.wait()


def build(config: Config, clock: Clock, clips: Clips) -> LineOutChannel:
    """Return the channel; there is nothing that it may not find."""
    return LineOutChannel(config, clock, clips)


async def _at_once(data: bytes) -> AsyncIterator[bytes]:
    yield data


def _check(player: asyncio.subprocess.Process, said: IO[bytes]) -> None:
    """Raise what the player said where it failed."""
    if player.returncode:
        said.seek(0)
        words = " ".join(said.read(4096).decode(errors="replace").split())[:_SAID]
        raise TransientError(f"the card does not play: {words}")

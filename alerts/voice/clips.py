"""Speeches as sound: spoken once, kept in a folder, fetched by speakers through links that expire."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np

from alerts.links import opens, signed
from alerts.payload import Speech, Utterance
from alerts.voice import espeak, sound
from alerts.voice.microphone import Voices, call_of
from alerts.voice.recordings import Recordings
from alerts.voice.sound import Samples
from lianfang.config import Config
from lianfang.config.voice import Voice
from lianfang.errors import PermanentError, TransientError

_BETWEEN_S = 0.4  # between two languages
_KEPT = 1000  # files
_UNKEPT, _FORGOTTEN_S = "voice-", 180.0
TONE = "tone"
"""What a speech names in place of a file to be a test tone."""
_MADE = 2  # the way in which a clip is made: another one makes all of them anew


@dataclass(frozen=True, slots=True)
class Clip:
    """A speech as sound, once through."""

    file: Path
    samples: Samples

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / sound.RATE


class Clips:
    """What was spoken, in ``folder``; a key there signs the links. ``recordings`` of people come first.

    ``voices`` are what people say into microphones now.
    """

    def __init__(self, voice: Voice, folder: Path, voices: Voices | None = None) -> None:
        self.folder, self.voices = folder, voices
        self.recordings = Recordings(folder / "recordings")
        self._voice = voice
        self._key = b""

    @classmethod
    def of(cls, config: Config, voices: Voices | None = None) -> Clips:
        """Return those of an installation; of the service, if it gives its ``voices``."""
        folder = config.data_dir / "voice"
        for left in folder.glob(f"{_UNKEPT}*.wav") if voices else ():  # by one that was killed
            left.unlink(missing_ok=True)
        return cls(config.voice, folder, voices)

    async def clip(self, speech: Speech) -> Clip:
        """Return the speech as sound, all its languages in order; PermanentError if it cannot be spoken.

        TransientError for somebody's voice that is not here: another service has it.
        """
        if call := call_of(speech.clip):
            return await asyncio.to_thread(self._voice_of, call)
        first = Utterance(language=speech.language, text=speech.text, clip=speech.clip)
        return await asyncio.to_thread(self._clip, (first, *speech.also))

    def is_recorded(self, utterance: Utterance) -> bool:
        """Say whether somebody has recorded it, so that no voice has to speak it."""
        return bool(utterance.clip or self._recording(utterance))

    def live(self, speech: Speech) -> AsyncIterator[Samples] | None:
        """Return a voice as it comes; None for any other speech, and for a voice that is not here."""
        call = call_of(speech.clip)
        return self.voices.live(call) if call and self.voices and self.voices.is_here(call) else None

    def link(self, clip: Clip, until: datetime) -> str:
        """Return where a speaker can fetch the clip until then; a voice is deleted soon after."""
        if self._voice.serve is None:
            raise PermanentError("no link for it: the configuration has no voice.serve")
        if clip.file.name.startswith(_UNKEPT):
            self._keep(clip.file, sound.wav(clip.samples))
            asyncio.get_running_loop().call_later(_FORGOTTEN_S, partial(clip.file.unlink, missing_ok=True))
        name = clip.file.name
        return f"{self._voice.serve.base_url.rstrip('/')}/{name}?{signed(self._signing_key(), name, until)}"

    def find(self, name: str, until: str, signature: str, now: datetime) -> Path | None:
        """Return the file that a link leads to; None where the link is not ours, or is over."""
        if not opens(self._signing_key(), name, until, signature, now):
            return None
        file = self.folder / name
        return file if file.is_file() else None

    def _clip(self, utterances: Sequence[Utterance]) -> Clip:
        file = self.folder / f"{self._digest(utterances)}.wav"
        if file.is_file():
            with suppress(ValueError, OSError):
                samples = sound.read(file)
                file.touch()
                return Clip(file, samples)
        parts: list[Samples] = []
        for utterance in utterances:
            parts += [sound.silence(_BETWEEN_S)] if parts else []
            parts.append(sound.normalised(self._said(utterance), self._voice.loudness_db))
        samples = np.concatenate(parts)
        self._keep(file, sound.wav(samples))
        return Clip(file, samples)

    def _voice_of(self, call: str) -> Clip:
        whole = self.voices.whole(call) if self.voices else None
        if whole is None or not len(whole):
            raise TransientError("the voice is with another service, or not over")
        samples = sound.normalised(whole, self._voice.loudness_db)
        return Clip(self.folder / f"{_UNKEPT}{hashlib.sha256(call.encode()).hexdigest()}.wav", samples)

    def _said(self, utterance: Utterance) -> Samples:
        if utterance.clip == TONE:
            return sound.tone()
        if recording := self._recording(utterance):
            with suppress(ValueError):  # it was checked, and has gone since: the text is there
                return sound.read(recording)
        return espeak.speak(self._voice, utterance.language, utterance.text)

    def _recording(self, utterance: Utterance) -> Path | None:
        """Return what a person has sent, else the file that the rule names."""
        sent = self.recordings.find(utterance.language, utterance.text)
        return sent or (Path(utterance.clip) if utterance.clip not in ("", TONE) else None)

    def _digest(self, utterances: Sequence[Utterance]) -> str:
        voice = self._voice
        said = [
            [u.language, u.text, voice.voices.get(u.language), *_version(self._recording(u))]
            if u.clip != TONE
            else [TONE]
            for u in utterances
        ]
        how = [_MADE, voice.program, voice.words_a_minute, voice.loudness_db]
        return hashlib.sha256(json.dumps([how, said]).encode()).hexdigest()

    def _keep(self, file: Path, data: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        _write(file, data)
        kept = sorted(self.folder.glob("*.wav"), key=lambda f: f.stat().st_mtime)
        for old in kept[:-_KEPT]:
            old.unlink(missing_ok=True)

    def _signing_key(self) -> bytes:
        self._key = self._key or self._shared_key()
        return self._key

    def _shared_key(self) -> bytes:
        """Return the key that all processes of the installation sign with; the first one makes it."""
        file = self.folder / "key"
        self.folder.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            made = file.with_name(f".key.{os.getpid()}.{secrets.token_hex(4)}")
            made.touch(mode=0o600)
            made.write_bytes(secrets.token_bytes(32))
            try:
                os.link(made, file)
            finally:
                made.unlink()
        return file.read_bytes()


def _version(recording: Path | None) -> tuple[str, int]:
    with suppress(OSError):
        return (str(recording), recording.stat().st_mtime_ns) if recording else ("", 0)
    return str(recording), 0


def _write(file: Path, data: bytes) -> None:
    made = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    made.write_bytes(data)
    made.replace(file)

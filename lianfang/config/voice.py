"""The voice of speakers that play sound and do not speak text themselves."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from pydantic import Field, field_validator

from lianfang.config.stanza import Problem, Spoken, Stanza

if TYPE_CHECKING:
    from lianfang.config.model import Config

_ANSWER_S = 20.0


class ClipServer(Stanza):
    """Where speakers fetch the sound that they are to play, by links that expire."""

    host: str = "127.0.0.1"
    """Address to listen on; one that the speakers reach."""
    port: int = Field(ge=1, le=65535)
    """Port to listen on."""
    base_url: str = Field(pattern=r"^https?://[^\s@?#]+$")
    """What the speakers call it, such as http://10.0.0.5:8803; many of them know no https."""


class Voice(Stanza):
    """Text to speech by eSpeak NG; asked for by speakers that play sound only."""

    program: str = Field(default="espeak-ng", min_length=1)
    """The program, or its path."""
    voices: dict[Spoken, str] = Field(
        default={"zh": "cmn-latn-pinyin", "yue": "yue", "en": "en"}, min_length=1, max_length=3
    )
    """Its voice for each language. One whose name ends in -pinyin is given Chinese as pinyin."""
    words_a_minute: int = Field(default=150, ge=80, le=400)
    """How fast it speaks; 175 is its own default, and hard to follow outdoors."""
    loudness_db: float = Field(default=-16, ge=-40, le=-6)
    """Mean level of what is said, in dB below full scale: the same for a voice and for recordings."""
    keep_microphone_days: int = Field(default=0, ge=0, le=365)
    """Days that what operators say into the microphone is kept, in `data_dir`/microphone; 0: not at all."""
    serve: ClipServer | None = None
    """Where speakers fetch sound; needed by those that are given a link."""

    @field_validator("voices")
    @classmethod
    def _plain_names(cls, value: dict[Spoken, str]) -> dict[Spoken, str]:
        if any(not name or name.startswith("-") for name in value.values()):
            raise ValueError("names of voices, as `espeak-ng --voices` lists them")
        return value

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield an engine that is not there, and voices that it does not have, where a speaker needs it."""
        needed = [r for r in config.receivers.values() if getattr(r, "plays_sound", False)]
        if not needed:
            return
        for language, voice in self.voices.items():
            if fault := fault_of(self.program, voice):
                key = ("voices", language) if fault.startswith("Error: The specified") else ("program",)
                allowed = "eSpeak NG (Debian: espeak-ng) and a voice that `espeak-ng --voices` lists"
                yield Problem(key, f"{self.program} -v {voice}: {fault}", allowed)
                return


@cache
def fault_of(program: str, voice: str) -> str:
    """Return why ``program`` cannot speak with ``voice``, "" where it can. Asked once a process."""
    try:
        done = subprocess.run(  # noqa: S603 - what the configuration names, no shell
            [program, "-q", "-v", voice, "a"], capture_output=True, text=True, timeout=_ANSWER_S, check=False
        )
    except OSError as error:
        return error.strerror or str(error)
    except subprocess.TimeoutExpired:
        return f"no end after {_ANSWER_S:g} s"
    if done.returncode:
        return done.stderr.strip().partition("\n")[0] or f"exit code {done.returncode}"
    return ""

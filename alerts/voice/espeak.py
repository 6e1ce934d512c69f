"""eSpeak NG: small, offline, understandable; the voice where nobody has recorded one."""

from __future__ import annotations

import re
import subprocess

from alerts.voice.sound import Samples, read
from lianfang.config.voice import Voice, fault_of
from lianfang.errors import PermanentError, TransientError

_ANSWER_S = 10.0
_HAN = re.compile(r"[㐀-鿿\U00020000-\U0003ffff]+")
_PAUSES = str.maketrans("，。！？；：、（）", ",.!?;:,,,")


def speak(voice: Voice, language: str, text: str) -> Samples:
    """Return ``text`` as it is spoken; PermanentError where it has no voice or nothing is heard of it.

    The Mandarin voice mis-speaks characters: it is given pinyin, which knows the words that they are in.
    """
    name = dict(voice.voices).get(language)  # type: ignore[call-overload]
    if name is None:
        raise PermanentError(f"no voice for {language}, only for {', '.join(voice.voices)}")
    if fault := fault_of(voice.program, name):  # else another voice would speak
        raise TransientError(f"the voice does not speak: {fault}")
    said = pinyin(text) if name.endswith("-pinyin") else text
    try:
        done = subprocess.run(  # noqa: S603 - what the configuration names, no shell
            [voice.program, "-v", name, "-s", str(voice.words_a_minute), "--stdin", "--stdout"],
            input=said.encode(),
            capture_output=True,
            timeout=_ANSWER_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TransientError(f"the voice does not speak: {error}") from error
    if done.returncode:
        raise TransientError(f"the voice does not speak: {done.stderr.decode(errors='replace').strip()}")
    try:
        return read(done.stdout)
    except ValueError as error:
        raise PermanentError(f"the voice says nothing of {text!r}") from error


def pinyin(text: str) -> str:
    """Return ``text`` with its Chinese as syllables with the numbers of their tones."""
    from pypinyin import Style, lazy_pinyin  # noqa: PLC0415 - 0.3 s and 50 MB, only where Mandarin is spoken so

    def syllables(match: re.Match[str]) -> str:
        return f" {' '.join(lazy_pinyin(match[0], style=Style.TONE3, neutral_tone_with_five=True))} "

    return " ".join(_HAN.sub(syllables, text.translate(_PAUSES)).split())

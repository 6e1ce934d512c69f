"""Sound that somebody sends: decoded in a process of its own, which a file made to harm may end or occupy.

What comes out is samples and nothing besides. FFmpeg is told which format it is, by its first bytes: left to
guess it would also take a playlist, which names other files and addresses to read.
"""

from __future__ import annotations

import resource
import subprocess
import sys

from alerts.voice import sound

MAX_BYTES = 8 * 1024 * 1024
_LIMIT_S = 20
_MEMORY = 2 * 1024**3
_SIGNS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"RIFF", "wav"),
    (0, b"ID3", "mp3"),
    (0, b"\xff\xfb", "mp3"),
    (0, b"\xff\xf3", "mp3"),
    (0, b"\xff\xf2", "mp3"),
    (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"),
    (4, b"ftyp", "mp4"),
)
_ALLOWED = "WAV, MP3, FLAC, Ogg or M4A"


def decoded(data: bytes) -> sound.Samples:
    """Return the sound of a file, 120 s at most; ValueError with what was found and what is allowed."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"found {len(data)} bytes; allowed: {MAX_BYTES}")
    if _format(data) is None:
        raise ValueError(f"found another format; allowed: {_ALLOWED}")
    try:
        done = subprocess.run(  # noqa: S603 - ourselves
            [sys.executable, "-m", __name__], input=data, capture_output=True, timeout=_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"found no end after {_LIMIT_S} s; allowed: {_ALLOWED}, 120 s at most") from error
    if done.returncode:
        why = done.stdout.decode(errors="replace").strip() if done.returncode == 1 else "a broken file"
        raise ValueError(f"found {why}; allowed: {_ALLOWED}, 120 s at most")
    return sound.read(done.stdout, "wav")


def _format(data: bytes) -> str | None:
    return next((name for at, sign, name in _SIGNS if data[at : at + len(sign)] == sign), None)


def main() -> int:
    """Decode what comes on standard input to a WAV file on standard output; 1 with the reason instead."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_LIMIT_S, _LIMIT_S))
    data = sys.stdin.buffer.read()
    try:
        wav = sound.wav(sound.read(data, _format(data)))
    except ValueError as error:
        sys.stdout.write(str(error))
        return 1
    sys.stdout.buffer.write(wav)
    return 0


if __name__ == "__main__":
    sys.exit(main())

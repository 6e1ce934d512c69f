"""The one process that turns a spool into an MP4; it may crash, hang or be killed alone."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lianfang.clock import Clock
from lianfang.errors import LianfangError

_WITHIN_S = 120.0


class NotEncoded(LianfangError):  # noqa: N818 - reads as the fact it states
    """The process ended without a film, or had to be ended."""


@dataclass(frozen=True, slots=True)
class Film:
    """A whole MP4 at ``path``."""

    path: Path
    frames: int
    begins_at: datetime
    ends_at: datetime
    size_bytes: int
    sha256: str


class Encoder:
    """One run over the spool ``source``."""

    def __init__(self, source: Path, target: Path, clock: Clock) -> None:
        self._target, self._clock = target, clock
        self._film: Film | None = None
        self._deadline = clock.monotonic() + _WITHIN_S
        command = [sys.executable, "-m", "alerts.clip.encode", str(source), str(target)]
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def result(self) -> Film | None:
        """Return the film, None while it is being made; NotEncoded."""
        if self._film is not None:
            return self._film
        code = self._process.poll()
        if code is None:
            if self._clock.monotonic() >= self._deadline:
                self.end()
                raise NotEncoded(f"not done in {_WITHIN_S:g} s")
            return None
        said, _ = self._process.communicate()
        if code != 0:
            self._target.unlink(missing_ok=True)
            raise NotEncoded(f"the encoder ended with {code}")
        about = json.loads(said)
        self._film = Film(
            self._target,
            about["frames"],
            datetime.fromisoformat(about["begins_at"]),
            datetime.fromisoformat(about["ends_at"]),
            *_on_disk(self._target),
        )
        return self._film

    def end(self) -> None:
        """End it, wherever it is, and remove what it wrote."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()
        self._target.unlink(missing_ok=True)


def _on_disk(path: Path) -> tuple[int, str]:
    """Return (size in bytes, SHA-256) once the file cannot be lost."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
        return os.fstat(file.fileno()).st_size, digest

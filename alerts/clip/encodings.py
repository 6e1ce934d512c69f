"""The clips whose frames are all there, waiting for the one encoder: what may save a life goes first."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import structlog

from alerts.clip.encoder import Encoder, Film, NotEncoded
from alerts.clip.recording import Recording
from lianfang.clock import Clock
from lianfang.ids import new_epoch

_log = structlog.get_logger()
_TRIES = 2


class Encodings:
    """One runs at a time. What is done is returned by each ``turn`` until it is taken out."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._epoch = new_epoch()  # another alert service may be making the same clip, if it was held up
        self._waiting: dict[str, Recording] = {}
        self._tries: Counter[str] = Counter()
        self._running: tuple[Recording, Encoder] | None = None

    @property
    def ids(self) -> set[str]:
        """The clips that are here."""
        return set(self._waiting)

    def put(self, recording: Recording) -> None:
        """Let ``recording`` wait for its turn."""
        self._waiting[recording.row.id] = recording

    def turn(self) -> tuple[Recording, Film | None] | None:
        """Return one that is done, None for its film if it cannot be made; None where none is done."""
        if self._running is None and self._waiting:
            recording = min(self._waiting.values(), key=rank)
            target = recording.path.with_suffix(f".{self._epoch}.part")
            self._running = recording, Encoder(recording.path, target, self._clock)
        if self._running is None:
            return None
        recording, encoder = self._running
        try:
            film = encoder.result()
        except NotEncoded as error:
            self._running = None
            self._tries[recording.row.id] += 1
            _log.warning("clip_not_encoded", alert_id=recording.row.incident_id, reason=str(error))
            return (recording, None) if self._tries[recording.row.id] >= _TRIES else None
        return (recording, film) if film else None

    def take(self, clip_id: str) -> Recording | None:
        """Take one out, and end its encoder; None where it is not here."""
        self._tries.pop(clip_id, None)
        if self._running is not None and self._running[0].row.id == clip_id:
            self.close()
        return self._waiting.pop(clip_id, None)

    def close(self) -> None:
        """End the encoder; what it was at begins anew."""
        if self._running is not None:
            self._running[1].end()
            self._running = None


def rank(recording: Recording) -> tuple[bool, datetime]:
    """Return what recordings are sorted by: what may save a life first, then the oldest."""
    return not recording.row.vital, recording.row.decided_at

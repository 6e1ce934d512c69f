"""Makes the clips that incidents want, apart from everything that is in a hurry; one thread runs it."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.clip.encoder import Film
from alerts.clip.encodings import Encodings, rank
from alerts.clip.recording import Recording
from alerts.clip.room import Room
from alerts.clip.telling import settled
from alerts.store import Store, clips
from alerts.store.clips import ClipRow, Missing
from alerts.store.incidents import held
from alerts.store.schema import CameraStateRow
from alerts.store.store import QUIET
from lianfang.bus import Bus
from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.errors import LianfangError, TransientError
from lianfang.events import CameraCondition
from lianfang.ids import new_epoch

_log = structlog.get_logger()

SPOOL = "clips"
"""The folder, below that of the evidence, of what is being made."""
_TURN_S = 0.5
_AT_ONCE, _VITAL_AT_ONCE = 16, 32  # clips whose frames come in; what may save a life has places of its own
_LEASE = timedelta(seconds=20)  # after which another alert service makes what this one has not
_GIVEN_UP = timedelta(minutes=10)  # while the bus is away; longer than it keeps frames
_ABANDONED_S = 3600.0


class ClipKeeper:
    """Of several alert services over one store each makes what it holds.

    ``holder`` names this one; what was begun under the same name before a restart is gone on with.
    """

    def __init__(
        self,
        store: Store,
        bus: Bus,
        config: Callable[[], Config],
        folder: Path,
        clock: Clock,
        holder: str,
        room: Room,
    ) -> None:
        self._config = config
        self._store, self._bus, self._clock = store, bus, clock
        self._folder, self._holder, self._room = folder, holder, room
        self._coming: dict[str, Recording] = {}
        self._encodings = Encodings(clock)
        self._renewed_s = -_LEASE.total_seconds()
        self._trouble: TransientError | None = None

    @classmethod
    def of(cls, config: Config, in_force: Callable[[], Config], store: Store, bus: Bus, clock: Clock) -> Self:
        """Return the keeper of an alert service; ``in_force`` gives the configuration as it is now.

        On the embedded bus there is one such service: what it had begun before a restart is still its own.
        """
        folder = config.evidence_folder
        holder = "" if config.bus_is_embedded else new_epoch()
        return cls(store, bus, in_force, folder, clock, holder, Room(store, folder, clock))

    def run(self, stop: threading.Event) -> None:
        """Make clips until ``stop`` is set; what is begun then is gone on with at the next start."""
        self._sweep()
        trouble = ""
        while not stop.is_set():
            try:
                self.turn()
                trouble = ""
            except (LianfangError, OSError) as error:
                if str(error) != trouble:  # once, however long it lasts
                    _log.warning("clips_wait", reason=str(error))
                trouble = str(error)
            stop.wait(_TURN_S)
        self.close()

    def turn(self) -> None:
        """Take what has come, begin what is new, end what is over, and have one encoded.

        TransientError, after all of it, where the bus does not give what a clip waits for.
        """
        self._trouble = None
        for recording in sorted(self._coming.values(), key=rank):  # also while the store is away
            self._take(recording)
        now = self._clock.now()
        with self._store.read() as session:
            waiting = clips.waiting(session, self._holder, self._store.now(session, now), _VITAL_AT_ONCE)
            lost = _lost(session)
        self._hold(waiting)
        for recording in sorted(self._coming.values(), key=rank):
            if recording.has_ended(lost.get(recording.row.camera), now):
                self._end(recording)
        self._encode()
        if self._trouble is not None:
            raise self._trouble

    def close(self) -> None:
        """Let go of everything; nothing of it is lost."""
        self._encodings.close()
        for recording in self._coming.values():
            recording.close()

    def film(self, incident_id: str) -> bytes | None:
        """Return the clip of an incident, None where there is none, or none any more."""
        with self._store.read() as session:
            row = clips.of(session, incident_id)
        try:
            return (self._folder / row.file).read_bytes() if row and row.state == "kept" else None
        except FileNotFoundError:
            return None

    def _hold(self, waiting: Sequence[ClipRow]) -> None:
        """Claim what is new, as far as there are places, and hold on to what we have."""
        known = self._encodings.ids | set(self._coming)
        new: list[ClipRow] = []
        for row in waiting:
            places = _VITAL_AT_ONCE if row.vital else _AT_ONCE
            if row.id not in known and len(self._coming) + len(new) < places:
                new.append(row)
        due = self._clock.monotonic() - self._renewed_s > _LEASE.total_seconds() / 3
        ids = [row.id for row in new] + (sorted(known) if due else [])
        if not ids:
            return
        with self._store.write() as session:
            session.info[QUIET] = True
            now = self._store.now(session, self._clock.now())
            held = clips.claim(session, ids, self._holder, now, _LEASE)
        if due:
            self._renewed_s = self._clock.monotonic()
            for clip_id in known - held:  # it took us too long: somebody else makes it
                self._forget(clip_id)
        for row in new:
            if row.id in held:
                self._begin(row)

    def _begin(self, row: ClipRow) -> None:
        if not self._room.made():
            self._miss(row, "disk_full")
            return
        path = self._folder / SPOOL / f"{self._name(row)}.frames"
        try:
            recording = self._coming[row.id] = Recording(row, self._bus, path)
        except OSError as error:
            self._unwritten(row, error)
        else:
            self._take(recording)  # what is old is overwritten first

    def _take(self, recording: Recording) -> bool:
        """Take the frames that have come; return whether that was possible."""
        try:
            recording.take()
        except TransientError as error:
            self._trouble = error
            return False
        except OSError as error:
            self._unwritten(recording.row, error)
            return False
        return True

    def _end(self, recording: Recording) -> None:
        """Let the encoder have what there is, to the last frame."""
        taken, row = self._take(recording), recording.row
        if row.id not in self._coming or (not taken and self._clock.now() < row.until + _GIVEN_UP):
            return
        recording.close()
        self._encodings.put(self._coming.pop(row.id))
        if recording.newest is None:
            self._miss(row, "no_frames")

    def _unwritten(self, row: ClipRow, error: OSError) -> None:
        _log.error("clip_not_written", alert_id=row.incident_id, error=str(error))
        self._miss(row, "disk_full" if error.errno == errno.ENOSPC else "failed")

    def _encode(self) -> None:
        """Look after the encoder; write down what it has made."""
        done = self._encodings.turn()
        if done is None:
            return
        recording, film = done
        if film is None:
            self._miss(recording.row, "failed")
        else:
            self._keep(recording, film)

    def _keep(self, recording: Recording, film: Film) -> None:
        row = recording.row
        name = f"{row.since:%Y-%m-%d}/{self._name(row)}.mp4"
        (self._folder / name).parent.mkdir(exist_ok=True, mode=0o700)
        if film.path.exists():  # else the store was away when we came so far before
            film.path.replace(self._folder / name)
        ours = self._settle(
            row,
            {
                "state": "kept",
                "reason": recording.why_short,
                "file": name,
                "begins_at": film.begins_at,
                "ends_at": film.ends_at,
                "gaps": [{"since": a.isoformat(), "until": b.isoformat()} for a, b in recording.gaps],
                "frames": film.frames,
                "size_bytes": film.size_bytes,
                "sha256": film.sha256,
            },
        )
        if not ours:
            (self._folder / name).unlink(missing_ok=True)

    def _miss(self, row: ClipRow, why: Missing) -> None:
        _log.warning("clip_missing", alert_id=row.incident_id, reason=why)
        self._settle(row, {"state": "missing", "reason": why})

    def _settle(self, row: ClipRow, came_of_it: Mapping[str, Any]) -> bool:
        """Write it down; return whether nobody else was quicker."""
        with self._store.write() as session:
            held(session, row.incident_id)  # first, as for every writer
            fresh = session.get(ClipRow, row.id, with_for_update=True)
            ours = fresh is not None and fresh.state == "pending"
            if fresh is not None and ours:
                for name, value in came_of_it.items():
                    setattr(fresh, name, value)
                settled(session, self._config(), fresh, self._clock.now())
        self._forget(row.id)
        return ours

    def _name(self, row: ClipRow) -> str:
        return f"{row.id}.{self._holder}" if self._holder else row.id

    def _forget(self, clip_id: str) -> None:
        recording = self._coming.pop(clip_id, None) or self._encodings.take(clip_id)
        if recording is not None:
            recording.close()
            recording.path.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove what services that were killed have left behind."""
        folder = self._folder / SPOOL
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for file in folder.iterdir():
            if file.stat().st_mtime < time.time() - _ABANDONED_S:
                file.unlink(missing_ok=True)


def _lost(session: Session) -> dict[str, datetime]:
    """Return since when each camera is lost that is."""
    lost = CameraStateRow.condition == CameraCondition.OFFLINE
    query = select(CameraStateRow.camera, CameraStateRow.since).where(lost)
    return {row.camera: row.since for row in session.execute(query)}

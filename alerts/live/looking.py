"""Who looks at a camera as it is now: written down before the first picture is given, or none is given."""

from __future__ import annotations

from alerts.guests.looking import Looks
from alerts.store import Store
from alerts.store.looks import CameraLookRow, Looked
from alerts.store.store import QUIET
from lianfang.clock import Clock
from lianfang.config.guests import PREFIX


class LiveLooks:
    """Writes down who looks, at guests' cameras for their owners. TransientError while the store is away."""

    def __init__(self, store: Store, clock: Clock, guests: Looks) -> None:
        self._store, self._clock, self._guests = store, clock, guests

    def begun(self, camera: str, what: Looked, by: str, by_name: str, reason: str) -> int | None:
        """Write down that somebody begins to look; return its number, None of a guest's camera."""
        now = self._clock.now()
        if camera.startswith(PREFIX):
            self._guests.note(camera, "live" if what == "live" else "preview", by, by_name, now, reason)
            return None
        row = CameraLookRow(camera=camera, at=now, until=None, by=by, by_name=by_name, what=what)
        row.reason = reason
        with self._store.write() as session:
            session.info[QUIET] = True
            session.add(row)
            session.flush()
            return row.seq

    def ended(self, look: int | None) -> None:
        """Write down that nobody looks any more."""
        if look is None:
            return
        with self._store.write() as session:
            session.info[QUIET] = True
            row = session.get(CameraLookRow, look)
            if row is not None:
                row.until = self._clock.now()

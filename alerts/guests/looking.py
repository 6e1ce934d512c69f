"""Who looked at pictures of a guest's camera: written down before they are given, or they are not given."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime

from alerts.store import Store
from alerts.store.guests import GuestRow, Looked, LookRow
from alerts.store.store import QUIET
from lianfang.bus import Bus
from lianfang.clock import Clock
from lianfang.codec import decode_frame
from lianfang.config.guests import PREFIX


class Looks:
    """Writes down who was given a picture. TransientError while the store is away."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def note(
        self,
        camera: str,
        what: Looked,
        by: str,
        by_name: str,
        captured_at: datetime | None,
        reason: str = "",
    ) -> None:
        """Write it down where ``camera`` is a guest's."""
        if not camera.startswith(PREFIX):
            return
        with self._store.write() as session:
            session.info[QUIET] = True
            if session.get(GuestRow, camera) is None:
                return
            session.add(
                LookRow(
                    guest_id=camera,
                    at=self._clock.now(),
                    by=by,
                    by_name=by_name,
                    what=what,
                    captured_at=captured_at,
                    reason=reason,
                )
            )


def newest_picture(bus: Bus, camera: str, since: datetime) -> bytes | None:
    """Return the newest picture of a camera that was published at ``since`` or later, as JPEG."""
    with closing(bus.footage(camera, since)) as footage:
        newest = None
        while records := footage.read():
            newest = records[-1]
    if newest is None:
        return None
    frame = decode_frame(newest.value, newest.headers)
    return frame.pixels if frame.encoding == "jpeg" else None

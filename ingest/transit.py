"""How late what a connection brings is: against the quickest that it has brought."""

from __future__ import annotations

DRIFT = 2e-4
"""A camera's clock may run so much slower than the host's."""
JUMP_S = 2.0
"""A time stamp that is off by so much all at once is another clock, and not a delay."""


class Transit:
    """Compares the time from time stamp to arrival with the connection's shortest. For one thread."""

    def __init__(self) -> None:
        self._floor_s: float | None = None
        self._last: tuple[float, float] | None = None  # arrival and time stamp of what came last

    def late_s(self, at_s: float, stamp_s: float) -> float:
        """Return by how much what came at ``at_s`` (monotonic) with this time stamp is late, in seconds."""
        transit_s = at_s - stamp_s
        before, self._last = self._last, (at_s, stamp_s)
        if self._floor_s is None or before is None or abs(transit_s - (before[0] - before[1])) > JUMP_S:
            self._floor_s = transit_s
            return 0.0
        self._floor_s = min(self._floor_s + DRIFT * (at_s - before[0]), transit_s)
        return transit_s - self._floor_s

    def shift(self, late_s: float) -> None:
        """Take it as it is from now on: the way has become slower by ``late_s``."""
        if self._floor_s is not None:
            self._floor_s += late_s

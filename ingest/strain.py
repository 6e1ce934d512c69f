"""Whether this machine keeps up with a camera: measured on its pictures, not guessed."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from ingest.sources.base import Picture
from ingest.transit import Transit

WINDOW_S = 4.0
"""So long something must be so."""
LATE_S = 0.7
"""Pictures that come so much later than the quickest one of the connection are late."""
WAITED = 0.25
"""A reader that waits for data for more than this share of its time keeps up: then the network is slow. One
that does not keep up was seen to wait for 0 to 9 % of it, for its turn on a core."""
ALONE = 0.85
"""Share of a core that a reader uses whose camera is too much for one core, whatever others do."""
LONGEST_GAP_S = 2.5
"""Keyframes further apart leave rules without an unbroken look, which breaks after 3 s."""


class Felt(NamedTuple):
    """What a camera makes felt: pictures late for want of time, of its own core's, and what would help it."""

    strained: bool = False
    alone: bool = False
    relievable: bool = False


@dataclass(frozen=True, slots=True)
class _Look:
    at_s: float
    cpu_s: float
    waited_s: float
    late_s: float


class Strain:
    """Watches the pictures of one connection. Its reader's thread notes them; any thread may ask.

    A picture's lateness is how much longer than the quickest one it took from its time stamp to here. It
    grows while the network is slow and while decoding is; only in the second case the data is there when it
    is asked for.
    """

    def __init__(self) -> None:
        self.felt = Felt()
        self.late_s = 0.0
        self._transit = Transit()
        self._looks: deque[_Look] = deque()
        self._keyframe_s: float | None = None
        self._gap_s: float | None = None
        self._others = 0  # pictures since the last keyframe

    def note(self, at_s: float, cpu_s: float, picture: Picture) -> None:
        """Take note of a picture that came at ``at_s``, monotonic; ``cpu_s`` is the thread's processor time.

        Of a source that knows no time stamps, or not how long it waited, nothing is felt.
        """
        if picture.pts_s is None or picture.waited_s is None or picture.frame is None:
            return
        self._gaps(picture.pts_s, picture.frame.key_frame)
        self.late_s = self._transit.late_s(at_s, picture.pts_s)
        self._looks.append(_Look(at_s, cpu_s, picture.waited_s, self.late_s))
        while at_s - self._looks[0].at_s > WINDOW_S:
            self._looks.popleft()
        self.felt = self._felt()

    def _gaps(self, pts_s: float, key: bool) -> None:
        if not key:
            self._others += 1
            return
        if self._keyframe_s is not None and self._others:
            self._gap_s = pts_s - self._keyframe_s
        self._keyframe_s, self._others = pts_s, 0

    def _felt(self) -> Felt:
        first, last = self._looks[0], self._looks[-1]
        span_s = last.at_s - first.at_s
        able = self._gap_s is not None and 0 < self._gap_s <= LONGEST_GAP_S
        if last.late_s < LATE_S:  # as nearly always: not for every picture is the whole window gone through
            return Felt(relievable=able)
        least_s = min(look.late_s for look in self._looks)
        if span_s < WINDOW_S / 2 or least_s < LATE_S:
            return Felt(relievable=able)
        if sum(look.waited_s for look in self._looks) - first.waited_s >= WAITED * span_s:
            # Whoever waits for what is late has got a slower way, and works nothing off.
            self._transit.shift(least_s)
            self._looks.clear()
            return Felt(relievable=able)
        return Felt(True, last.cpu_s - first.cpu_s > ALONE * span_s, able)

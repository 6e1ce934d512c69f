"""The watch over one camera's view: covered, turned, frozen. On the pictures' time; no model."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping

from ingest.health.view import Levels, View, likeness, view
from ingest.view import Plane
from lianfang.config.health import Health
from lianfang.events import CameraFault

EVERY_S = 1.0
"""Pictures are looked at so far apart, at least."""
_GAP_S = 30.0  # after a longer time without pictures no time counts as seen
_REFERENCE_S = 30.0  # time constant of what the view usually is
_LEARN_S = 10.0  # of undisturbed view before another one can be told from it
_COVERED_SHARE = 0.25  # of the usual detail: less is covered
_NO_DETAIL = 0.03  # share of cells: less is covered, whatever is usual; an empty street by night has more
_TURNED_SHARE = 0.5  # of the usual likeness to the reference: less is another view
_JUDGED_DETAIL = (
    0.2  # a reference with less structure cannot be told from another: a passing car is most of it
)


class ViewWatch:
    """What is wrong with the view of one camera, whose pictures come in order; over all its connections."""

    def __init__(self, settings: Health) -> None:
        self._settings = settings
        self._asked = {
            CameraFault(fault): getattr(settings, f"{fault}_s") for fault in dict.fromkeys(settings.watch)
        }
        self.kinds = frozenset(self._asked)
        """The faults that it looks for."""
        self.faults: frozenset[CameraFault] = frozenset()
        """Those that there are now."""
        self._last: tuple[float, int] | None = None  # when the last picture was taken, and its check sum
        self._edges: Levels | None = None
        self._detail = self._likeness = 0.0  # what is usual
        self._learned_s = 0.0
        self._since: dict[CameraFault, float] = {}

    def look(self, luma: Plane, at_s: float) -> bool:
        """Look at the brightness (H, W) of a picture taken at ``at_s``; say whether ``faults`` changed.

        Of pictures less than EVERY_S apart one is looked at.
        """
        last_s, last_sum = self._last or (at_s, None)
        elapsed = at_s - last_s
        if not self._asked or (last_sum is not None and 0 <= elapsed < EVERY_S):
            return False
        if not 0 <= elapsed <= _GAP_S:
            self._since.clear()
            last_sum, elapsed = None, 0.0
        check_sum = zlib.crc32(luma.tobytes())
        # Of identical pictures the first one is when it froze.
        suspected = {CameraFault.FROZEN: last_s} if check_sum == last_sum else {}
        seen = view(luma)
        suspected |= dict.fromkeys(self._suspect(seen), at_s)
        self._last = at_s, check_sum
        if not suspected:
            self._follow(seen, elapsed)
        before, self.faults = self.faults, self._persisting(suspected, at_s)
        return self.faults != before

    def _suspect(self, seen: View) -> frozenset[CameraFault]:
        """Return what the picture looks like; covered rules out turned."""
        if seen.detail < max(_NO_DETAIL, _COVERED_SHARE * self._detail):
            return frozenset({CameraFault.COVERED})
        if self._edges is None or self._learned_s < _LEARN_S or self._detail < _JUDGED_DETAIL:
            return frozenset()
        turned = likeness(seen.edges, self._edges) < _TURNED_SHARE * self._likeness
        return frozenset({CameraFault.TURNED} if turned else ())

    def _follow(self, seen: View, elapsed: float) -> None:
        """Let the usual view follow what is ``seen``: quickly at first, as a plain mean would."""
        if self._edges is None:
            self._edges, self._detail = seen.edges.copy(), seen.detail
            return
        self._learned_s += elapsed
        share = -math.expm1(-elapsed / min(_REFERENCE_S, max(self._learned_s, elapsed, 1e-6)))
        self._likeness += share * (likeness(seen.edges, self._edges) - self._likeness)
        self._edges += share * (seen.edges - self._edges)
        self._detail += share * (seen.detail - self._detail)

    def _persisting(self, suspected: Mapping[CameraFault, float], at_s: float) -> frozenset[CameraFault]:
        """Return what has been suspected for long enough, or is so still; another view is adopted at last."""
        self._since = {kind: self._since.get(kind, began_s) for kind, began_s in suspected.items()}
        turned_s = self._since.get(CameraFault.TURNED, at_s)
        if at_s - turned_s >= self._settings.adopt_s:
            self._edges, self._learned_s = None, 0.0
            del self._since[CameraFault.TURNED]
        return frozenset(
            kind
            for kind, began_s in self._since.items()
            if kind in self._asked and (kind in self.faults or at_s - began_s >= self._asked[kind])
        )

"""The watch over one camera: things come, are attended, are left, are taken away again."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from detectors.garbage.background import SETTLE_S, Background
from detectors.garbage.exposure import EXPLAINED, NEAR, change
from detectors.garbage.left import LeftThing
from detectors.garbage.owners import Attendance, Person
from detectors.garbage.pictures import Mask, Picture
from detectors.garbage.settings import Settings
from detectors.garbage.shapes import Region, is_light, is_long, overlap, regions, stands_out, was_taken_away

_OTHER_S = 3.0  # a picture most of which nothing explains for so long is of another light, or another view
_COMING_S = 2.0  # who is beside a thing so long before or after it comes to rest has brought it
_MISSING_S = 2.0  # a candidate that is not seen for so long was none
_SAME = 0.3  # overlap of the boxes of one candidate in two pictures
_ABSORB_S = 60.0  # what stands for so long and is no candidate belongs to the ground
_MOST = 32  # things left at once: more are a change of the scene


class WarmUp(StrEnum):
    """Why the ground is being learned."""

    START = "start"
    GAP = "gap"
    SIZE = "size"
    LIGHT = "light"


@dataclass(frozen=True)
class Seen:
    """One picture's people and everything else where nothing is looked for; boxes in pixels at work."""

    people: tuple[Person, ...]
    held: Mask


@dataclass(eq=False)
class _Candidate:
    """Something that has settled; ``seen_s`` is when it last was there, in sight or behind somebody."""

    region: Region
    since_s: float
    seen_s: float
    attendance: Attendance
    in_sight: bool = True


class Watch:
    """What has been left in the pictures of one camera, which come in order."""

    def __init__(self, settings: Settings, background: type[Background] = Background) -> None:
        self._settings, self._new_background = settings, background
        self._background: Background | None = None
        self._warm_s = 0.0  # when the ground is learned
        self._last_s = 0.0
        self._candidates: list[_Candidate] = []
        self._left: list[LeftThing] = []
        self._history: deque[tuple[float, tuple[Person, ...]]] = deque()
        self._count = 0
        self._other_s: float | None = None  # since when most of the picture is not the ground
        self._learning: WarmUp | None = WarmUp.START

    @property
    def warming(self) -> WarmUp | None:
        """Return why nothing new would be reported now, None where it would."""
        return self._learning or (None if self._other_s is None else WarmUp.LIGHT)

    def look(self, picture: Picture, seen: Seen, at_s: float) -> Sequence[LeftThing]:
        """Return what is left in the ``picture`` at work, taken at ``at_s``."""
        background = self._ready(picture, seen.held, at_s)
        self._last_s = at_s
        self._remember(seen.people, at_s)
        if self._other_s is not None:
            background.pass_over(at_s)
            return tuple(self._left)
        if self._learning is not None and at_s >= self._warm_s:
            self._left = [t for t in self._left if t.recognise(background)]
            self._learning = None
        background.update(picture, seen.held, at_s, learning=self._learning is not None)
        if self._learning is None:
            self._left = [t for t in self._left if not self._is_over(background, t, picture, seen.held, at_s)]
            static = background.static() & ~seen.held
            self._collect(background, static, seen, at_s)
            self._absorb(background, static)
            self._promote(background, at_s)
        return tuple(self._left)

    def _ready(self, picture: Picture, held: Mask, at_s: float) -> Background:
        """Return the background, a new one where the old cannot be compared with ``picture``."""
        background = self._background
        reason: WarmUp | None = None
        if background is None:
            reason = WarmUp.START
        elif background.look.shape != picture.shape:
            reason = WarmUp.SIZE
            self._left = []
        elif at_s - self._last_s > self._settings.max_gap_s:
            reason = WarmUp.GAP
        elif self._is_other_for_long(background, picture, held, at_s):
            reason = WarmUp.LIGHT
        if background is None or reason is not None:
            background = self._background = self._new_background(picture, at_s, self._settings.contrast)
            self._warm_s, self._learning = at_s + self._settings.warm_up_s, reason
            self._candidates, self._other_s = [], None
        return background

    def _is_other_for_long(self, background: Background, picture: Picture, held: Mask, at_s: float) -> bool:
        """Carry all over to the exposure of ``picture``; say whether it is of another light or view for long.

        Until then it may be a lorry that passes close by: such pictures are passed over.
        """
        found = change(background.ground, picture, background.known & ~held)
        if found is not None:
            background.follow(found)
            for thing in self._left:
                thing.follow(found)
        if not _is_other(background, picture, held):
            self._other_s = None
            return False
        self._other_s = at_s if self._other_s is None else self._other_s
        return at_s - self._other_s > _OTHER_S

    def _remember(self, people: tuple[Person, ...], at_s: float) -> None:
        self._history.append((at_s, people))
        while self._history[0][0] < at_s - SETTLE_S - 2 * _COMING_S:
            self._history.popleft()

    def _is_over(
        self, background: Background, thing: LeftThing, picture: Picture, held: Mask, at_s: float
    ) -> bool:
        """Look after ``thing``; say whether it was taken away, or has become part of the place."""
        expected = at_s - thing.since_s <= self._settings.forget_after_s
        if expected and thing.is_there(picture, held, background, at_s):
            return False
        background.adopt(thing.region.full((held.shape[0], held.shape[1])) & ~held)
        return True

    def _collect(self, background: Background, static: Mask, seen: Seen, at_s: float) -> None:
        """Follow the candidates, and add what has newly settled."""
        side = max(seen.held.shape)
        low, high = (round(s * side) for s in (self._settings.min_side, self._settings.max_side))
        for candidate in self._candidates:
            candidate.in_sight = False
        for region in regions(static, max(low, 3), high):
            if any(region.touches(t.region) for t in self._left):
                continue
            known = self._same(region)
            if known is None:
                self._candidates.append(self._new(background, region, at_s))
            else:
                known.region, known.seen_s, known.in_sight = region, at_s, True
        for candidate in self._candidates:
            candidate.attendance.see(candidate.region.box, seen.people, at_s)
            if seen.held[candidate.region.window].mean() > 0.5:
                candidate.seen_s = at_s  # hidden is not gone
        self._candidates = [c for c in self._candidates if at_s - c.seen_s <= _MISSING_S]

    def _absorb(self, background: Background, static: Mask) -> None:
        """Let what has stood for long, and is neither a candidate nor left, belong to the ground."""
        stale = static & (background.still_s > _ABSORB_S)
        for region in (*(c.region for c in self._candidates), *(t.region for t in self._left)):
            stale[region.window] = False
        if stale.any():
            background.adopt(stale)

    def _same(self, region: Region) -> _Candidate | None:
        best = max(self._candidates, key=lambda c: overlap(c.region, region), default=None)
        return best if best is not None and overlap(best.region, region) >= _SAME else None

    def _new(self, background: Background, region: Region, at_s: float) -> _Candidate:
        since_s = at_s - float(np.median(region.of(background.still_s)))
        attendance = Attendance(since_s)
        for then_s, people in self._history:
            if abs(then_s - since_s) <= _COMING_S:
                attendance.came(region.box, people, then_s)
        return _Candidate(region, since_s, at_s, attendance)

    def _promote(self, background: Background, at_s: float) -> None:
        """Let what has stood long enough without its owner be left, unless it is no thing."""
        waiting: list[_Candidate] = []
        for candidate in self._candidates:
            region = candidate.region
            still_s = float(np.median(region.of(background.still_s)))
            alone = candidate.attendance.gone_s(at_s) >= self._settings.owner_gone_s
            if still_s < self._settings.still_s or not alone or not candidate.in_sight:
                waiting.append(candidate)
            elif (
                candidate.since_s < self._warm_s  # it came while the ground was learned, and belongs to it
                or len(self._left) >= _MOST
                or is_long(region)
                or stands_out(background.look, background.ground, region) < self._settings.contrast
                or was_taken_away(background.look, background.ground, region)
                or is_light(background.look, background.ground, region)
            ):
                background.adopt(region.full((background.known.shape[0], background.known.shape[1])))
            else:
                self._count += 1
                self._left.append(LeftThing(self._count, region, candidate.since_s, background, at_s))
        self._candidates = waiting


def _is_other(background: Background, picture: Picture, held: Mask) -> bool:
    """Say whether most of ``picture`` is off the ground, if only by a little."""
    judged = background.known & ~held
    if not judged.any():
        return False
    return float((background.off_ground(picture)[judged] <= NEAR).mean()) < EXPLAINED

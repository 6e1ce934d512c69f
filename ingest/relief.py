"""Which cameras are read by keyframes only while this machine cannot keep up. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from math import ceil

from ingest.strain import Felt

HOLD_S, LONG_HOLD_S = 15.0, 30.0
"""So long a camera stays at keyframes, the longer one where it was back for less than that before."""
SETTLE_S = 6.0
"""So long a step has time to show: what was late is worked off first."""
RETURN_S = 5.0
"""Cameras come back one by one, so far apart."""


class Relief:
    """Decides for the cameras of one process, in steps; whoever watches over lives comes last.

    A strain puts half of the cameras that may and can to keyframes, then half of the others, until it is
    over. They come back one by one once their time is up and nothing is late.
    """

    def __init__(self) -> None:
        self._held: dict[str, float] = {}  # camera: not back before
        self._back: dict[str, float] = {}  # camera: when it came back
        self._stepped_s = self._returned_s = -LONG_HOLD_S

    def decide(
        self, now_s: float, felt: Mapping[str, Felt], vital: Callable[[], Collection[str]]
    ) -> frozenset[str]:
        """Return the cameras that are read by keyframes from now on.

        ``felt`` is of those that may be; ``vital`` says, where that matters, which ones watch over lives.
        """
        self._held = {name: until for name, until in self._held.items() if name in felt}
        strained = {name for name, of in felt.items() if of.strained}
        if strained:
            if now_s - self._stepped_s >= SETTLE_S:
                self._step(now_s, felt, strained, vital())
        elif now_s - self._returned_s >= RETURN_S:
            self._return(now_s, vital)
        return frozenset(self._held)

    def _step(
        self, now_s: float, felt: Mapping[str, Felt], strained: Collection[str], vital: Collection[str]
    ) -> None:
        free = [name for name in felt if name not in self._held]
        able = [name for name in free if felt[name].relievable]
        ordinary = [name for name in able if name not in vital]
        # Those first whose pictures are late: elsewhere it may help nobody.
        ordinary.sort(key=lambda name: name not in strained)
        half = ceil(len([name for name in free if name not in vital]) / 2) or ceil(len(free) / 2)
        asked = [name for name in able if felt[name].alone] or (ordinary or able)[:half]
        for name in asked:
            was_back = now_s - self._back.get(name, -LONG_HOLD_S) < LONG_HOLD_S
            self._held[name] = now_s + (LONG_HOLD_S if was_back else HOLD_S)
        if asked:
            self._stepped_s = now_s

    def _return(self, now_s: float, vital: Callable[[], Collection[str]]) -> None:
        over = [name for name, until in self._held.items() if until <= now_s]
        if over:
            lives = vital()
            name = min(over, key=lambda name: name not in lives)
            del self._held[name]
            self._back[name] = self._returned_s = now_s

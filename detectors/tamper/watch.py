"""The watch over one camera's view: covered, turned, frozen. On camera time; no model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from detectors.tamper.view import View, likeness, view
from lianfang.config import Stanza

_REFERENCE_S = 30.0  # time constant of what the view usually is
_LEARN_S = 10.0  # of undisturbed view before another one can be told from it
_COVERED_SHARE = 0.25  # of the usual detail: less is covered
_NO_DETAIL = 0.03  # share of cells: less is covered, whatever is usual; an empty street by night has more
_TURNED_SHARE = 0.5  # of the usual likeness to the reference: less is another view
_JUDGED_DETAIL = (
    0.2  # a reference with less structure cannot be told from another: a passing car is most of it
)


class Tampering(StrEnum):
    """What is wrong with a view."""

    COVERED = "camera_covered"
    TURNED = "camera_turned"
    FROZEN = "camera_frozen"


class Settings(Stanza):
    """For how long a view must be wrong. Every time is camera time, whatever the pictures per second."""

    covered_s: float = Field(default=10.0, ge=1, le=3600)
    """A picture with almost no detail for so long is that of a covered camera."""
    turned_s: float = Field(default=10.0, ge=1, le=3600)
    """Another view for so long is that of a camera that was turned, moved, or half covered."""
    frozen_s: float = Field(default=10.0, ge=1, le=3600)
    """The same picture to the last bit for so long is that of a frozen camera."""
    adopt_s: float = Field(default=3600.0, ge=60, le=604800)
    """Another view for so long is the new usual one."""
    max_gap_s: float = Field(default=30.0, ge=1, le=3600)
    """After a longer time without pictures no time counts as seen."""


@dataclass(frozen=True)
class Wrong:
    """What is wrong: ``n`` counts from 1, ``since_s`` is when it began, ``certainty`` is 0.5 to 1."""

    n: int
    kind: Tampering
    since_s: float
    certainty: float


class ViewWatch:
    """What is wrong with the view of one camera, whose pictures come in order."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._last: NDArray[np.uint8] | None = None
        self._last_s = 0.0
        self._edges: NDArray[np.float32] | None = None
        self._detail = self._likeness = 0.0  # what is usual
        self._learned_s = 0.0
        self._since: dict[Tampering, float] = {}
        self._numbers: dict[Tampering, int] = {}
        self._count = 0

    def look(self, image_bgr: NDArray[np.uint8], at_s: float) -> list[Wrong]:
        """Return what is wrong with ``image_bgr`` (H, W, 3), taken at ``at_s``; it must not change later."""
        elapsed = at_s - self._last_s if self._last is not None else 0.0
        if elapsed > self._settings.max_gap_s:
            self._since.clear()
            self._last, elapsed = None, 0.0
        same = self._last is not None and np.array_equal(self._last, image_bgr)
        # Of identical pictures the first one is when it froze.
        suspected = {Tampering.FROZEN: (self._last_s, 1.0)} if same else {}
        seen = view(image_bgr)
        suspected |= {kind: (at_s, certainty) for kind, certainty in self._suspect(seen).items()}
        self._last, self._last_s = image_bgr, at_s
        if not suspected:
            self._follow(seen, elapsed)
        return self._persisting(suspected, at_s)

    def _suspect(self, seen: View) -> dict[Tampering, float]:
        """Return what the picture looks like, with a certainty; covered rules out turned."""
        least = max(_NO_DETAIL, _COVERED_SHARE * self._detail)
        if seen.detail < least:
            return {Tampering.COVERED: 1 - seen.detail / (2 * least)}
        if self._edges is None or self._learned_s < _LEARN_S or self._detail < _JUDGED_DETAIL:
            return {}
        asked = _TURNED_SHARE * self._likeness
        alike = likeness(seen.edges, self._edges)
        return {Tampering.TURNED: min(1.0, 1 - alike / (2 * asked))} if alike < asked else {}

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

    def _persisting(self, suspected: Mapping[Tampering, tuple[float, float]], at_s: float) -> list[Wrong]:
        """Return what has been suspected for long enough."""
        self._since = {k: self._since.get(k, began_s) for k, (began_s, _) in suspected.items()}
        self._numbers = {k: n for k, n in self._numbers.items() if k in suspected}
        asked = {
            Tampering.COVERED: self._settings.covered_s,
            Tampering.TURNED: self._settings.turned_s,
            Tampering.FROZEN: self._settings.frozen_s,
        }
        found: list[Wrong] = []
        for kind, (_, certainty) in suspected.items():
            lasted_s = at_s - self._since[kind]
            if kind is Tampering.TURNED and lasted_s >= self._settings.adopt_s:
                self._edges, self._learned_s = None, 0.0
            elif lasted_s >= asked[kind]:
                if kind not in self._numbers:
                    self._count += 1
                    self._numbers[kind] = self._count
                found.append(Wrong(self._numbers[kind], kind, self._since[kind], certainty))
        return found

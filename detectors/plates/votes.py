"""What the looks at one plate add up to: a text, what else it may be, and whether it may be acted on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.plates.reading import Candidate, Reading
from lianfang.plates import Colour, fitting

_Choice = TypeVar("_Choice")

_KEPT = 12  # the best looks: more of them cost memory and change nothing
_FULL_WEIGHT_PX = 48.0  # the height to which plates are scaled to be read: larger ones hold no more
_FULL_DETAIL = 20.0  # grey levels from pixel to pixel of a drawn plate 24 px high, slightly blurred
_DETAIL_PX = 24  # the height at which sharpness is measured, so that size does not count twice
_CANDIDATES = 5  # for each place: confusions have three characters at most, and provinces a few more
_LEAST_SHARE = 0.01  # less is noise of the recognisers


@dataclass(frozen=True)
class Sureness:
    """What a vote must have to be acted on: that many looks, and that share, 0-1, of them behind it."""

    min_looks: int
    min_share: float


@dataclass(frozen=True)
class Verdict:
    """What a plate says. ``accepted`` may be acted on; everything else is for a person."""

    text: str
    characters: tuple[tuple[Candidate, ...], ...]
    """What may stand at each place, with its share of the votes, 0-1; the likeliest first."""
    confidence: float
    """0-1: the share of the weakest character of ``text``."""
    colour: Colour | None
    kind: str | None
    accepted: bool


def weigh(image_bgr: NDArray[np.uint8], reading: Reading) -> float:
    """Return what a reading of ``image_bgr`` (H × W × 3) weighs, 0-1: confidence × size × sharpness."""
    height, width = image_bgr.shape[:2]
    low = np.clip(np.floor(reading.corners.min(axis=0)), 0, (width - 1, height - 1)).astype(int)
    high = np.clip(np.ceil(reading.corners.max(axis=0)), low + 1, (width, height)).astype(int)
    plate = image_bgr[low[1] : high[1], low[0] : high[0]]
    size = (max(2, round(plate.shape[1] * _DETAIL_PX / plate.shape[0])), _DETAIL_PX)
    grey = cv2.cvtColor(cv2.resize(plate, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    detail = float(np.abs(np.diff(grey.astype(np.float32), axis=1)).mean())
    left, right = reading.corners[3] - reading.corners[0], reading.corners[2] - reading.corners[1]
    height_px = float(np.hypot(*left) + np.hypot(*right)) / 2
    fit = min(1.0, height_px / _FULL_WEIGHT_PX) * min(1.0, detail / _FULL_DETAIL)
    return reading.confidence * fit


@dataclass
class Votes:
    """The best looks at one plate, each with its weight."""

    _looks: list[tuple[float, Reading]] = field(default_factory=list)
    _seen: int = 0

    def cast(self, reading: Reading, weight: float) -> None:
        """Add a look. Of more than 12 the lightest goes, of equals the latest; one without weight is none."""
        if weight <= 0:
            return
        self._seen += 1
        self._looks.append((weight, reading))
        self._looks.sort(key=lambda look: -look[0])
        del self._looks[_KEPT:]

    def verdict(self, sureness: Sureness) -> Verdict | None:
        """Return what the looks come to, None while there is none.

        Those of the commonest length vote for each character by weight. Accepted is only what looks say that
        were accepted themselves: frames of one pass share their faults, many doubts make no certainty.
        """
        if not self._looks:
            return None
        length, length_share = _likeliest([(w, len(r.text)) for w, r in self._looks])
        fellows = [(w, r) for w, r in self._looks if len(r.text) == length]
        places = [_shares([(w, r.characters[i]) for w, r in fellows]) for i in range(length)]
        text = "".join(place[0].character for place in places)
        colour: Colour | None = None
        if coloured := [(w, r.colour) for w, r in self._looks if r.colour is not None]:
            colour, _ = _likeliest(coloured)
        kind = fitting(text, colour)
        confidence = min((place[0].confidence for place in places), default=0.0)
        sure = (
            kind is not None
            and kind.confirmed
            and self._seen >= sureness.min_looks
            and min(confidence, length_share, self._backing(text, kind.name)) >= sureness.min_share
        )
        return Verdict(text, tuple(places), confidence, colour, kind.name if kind else None, sure)

    def _backing(self, text: str, kind: str) -> float:
        """Return the share, 0-1, of the accepted looks that say just this; 0 where none was accepted."""
        accepted = [(w, (r.text, r.kind) == (text, kind)) for w, r in self._looks if r.accepted]
        total = sum(w for w, _ in accepted)
        return sum(w for w, same in accepted if same) / total if total > 0 else 0.0


def _likeliest(votes: Sequence[tuple[float, _Choice]]) -> tuple[_Choice, float]:
    """Return what has most weight, and its share of it, 0-1; of equals what was voted for first."""
    weights: dict[_Choice, float] = defaultdict(float)
    for weight, choice in votes:
        weights[choice] += weight
    best = max(weights, key=lambda choice: weights[choice])
    return best, weights[best] / sum(weights.values())


def _shares(votes: Sequence[tuple[float, tuple[Candidate, ...]]]) -> tuple[Candidate, ...]:
    """Return the characters that stand at one place, by their share of all weight."""
    shares: dict[str, float] = defaultdict(float)
    for weight, candidates in votes:
        for character, confidence in candidates:
            shares[character] += weight * confidence
    return _ranked(shares, sum(weight for weight, _ in votes))


def _ranked(shares: Mapping[str, float], total: float) -> tuple[Candidate, ...]:
    """Return the likeliest characters first; equals in their own order, so that a replay says the same."""
    ranked = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    place = [Candidate(character, min(1.0, share / total)) for character, share in ranked[:_CANDIDATES]]
    return tuple(c for i, c in enumerate(place) if i == 0 or c.confidence >= _LEAST_SHARE)

"""Plates that are on no vehicle that is known: which of two looks are the same one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from detectors.plates.reading import Reading
from lianfang.plates import folded

_FORGOTTEN = timedelta(seconds=5)  # a vehicle at an entrance may be hidden by a passer-by so long
_DIFFERENT = 2  # characters in which readings of one plate may differ: what a blurred look gets wrong


@dataclass
class _Seen:
    n: int
    text: str
    at: datetime


class LoosePlates:
    """Numbers for plates by what they say: from look to look a plate moves farther than it is wide."""

    def __init__(self) -> None:
        self._seen: list[_Seen] = []
        self._last = 0

    def number(self, readings: tuple[Reading, ...], at: datetime) -> tuple[int, ...]:
        """Return a number for each of the readings of one look, from 1 on, the same for the same plate.

        The surest reading chooses first, and the most similar text; of equals, the plate known longest.
        """
        self._seen = [seen for seen in self._seen if at - seen.at <= _FORGOTTEN]
        free = list(self._seen)
        numbers = [0] * len(readings)
        for i in sorted(range(len(readings)), key=lambda i: -readings[i].confidence):
            text = folded(readings[i].text)
            alike = [seen for seen in free if _difference(seen.text, text) <= _DIFFERENT]
            if alike:
                same = min(alike, key=lambda seen: _difference(seen.text, text))
                free.remove(same)
            else:
                self._last += 1
                same = _Seen(self._last, text, at)
                self._seen.append(same)
            same.text, same.at = text, at
            numbers[i] = same.n
        return tuple(numbers)


def _difference(a: str, b: str) -> int:
    """Return in how many places two texts differ; one that is longer differs there too."""
    return sum(x != y for x, y in zip(a, b, strict=False)) + abs(len(a) - len(b))

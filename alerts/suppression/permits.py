"""True, but allowed: known anglers, cleaners, workers, swimmers. Pure.

A permit is for so many at a place; where one more is there, all of them count. It is never one for what a
person may drown of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from alerts.rules.base import Member, Sighting
from alerts.suppression.case import Case, Held
from alerts.suppression.reasons import Reason
from alerts.suppression.said import Kind, Suppression


def permitted(case: Case, sighting: Sighting) -> tuple[Sighting, tuple[Held, ...]]:
    """Hold those who may be there, while no more of them are there than may be."""
    held: list[Held] = []
    for words in _by_zone(case):
        zone = words[0].zone
        mine = tuple(m for m in sighting.members if zone in ("", m.zone))
        if mine and (by := _allowance(case, words, mine)) is not None:
            left = tuple(m for m in sighting.members if m not in mine)
            sighting = replace(sighting, members=left, present=(*sighting.present, *mine))
            held.append(by)
    return sighting, tuple(held)


def is_in_force(case: Case, word_id: str) -> bool:
    """Say whether a permit holds anybody back now, or what they left."""
    words = (w for w in case.said.of(Kind.PERMIT) if w.id == word_id)
    return any(w.is_open(case.at, case.almanac) or w.was_open(case.at, case.almanac) for w in words)


def _allowance(case: Case, words: Sequence[Suppression], mine: Sequence[Member]) -> Held | None:
    """Return why so many may be there: as many as all permits together say, or left there lately."""
    now = [w for w in words if w.is_open(case.at, case.almanac)]
    if now and (any(w.heads is None for w in now) or len(mine) <= sum(w.heads or 0 for w in now)):
        return Held(Reason.PERMITTED, now[0].id, task=any(w.task_after_s is not None for w in now))
    before = next((w for w in words if w.was_open(case.at, case.almanac)), None)
    return None if now or before is None else Held(Reason.PERMITTED, before.id, task=True)


def _by_zone(case: Case) -> Iterator[list[Suppression]]:
    """Yield the permits for a place, those of each zone together, those of all zones last."""
    if case.settings.life_safety:
        return
    words = [w for w in case.said.of(Kind.PERMIT) if case.is_about(w) and w.camera in ("", case.camera)]
    words.sort(key=lambda w: (not w.zone, w.zone))
    for _, group in groupby(words, key=lambda w: w.zone):
        yield list(group)

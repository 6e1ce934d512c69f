"""Between a rule and its incidents: whom a gate holds opens none. Pure.

A gate makes members ``present``, who may keep an incident occupied but open none, or takes them out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from alerts.rules.base import Sighting
from alerts.suppression.case import Case, Held
from alerts.suppression.permits import permitted
from alerts.suppression.reasons import Reason

SETTLING = timedelta(seconds=30)
Gate = Callable[[Case, Sighting], tuple[Sighting, tuple[Held, ...]]]


def active(case: Case, sighting: Sighting) -> tuple[Sighting, tuple[Held, ...]]:
    """Hold everybody while the rule's schedule does not apply."""
    if case.active:
        return sighting, ()
    return _unsure(sighting), (Held(Reason.NOT_ACTIVE),)


def dismissed(case: Case, sighting: Sighting) -> tuple[Sighting, tuple[Held, ...]]:
    """Take out what a person said is nothing."""
    held: list[Held] = []
    for word, spot in case.spots:
        if not word.is_open(case.at, case.almanac):
            continue
        members, present = (
            tuple(m for m in those if not (m.label == word.label and m.track_id in spot.things))
            for those in (sighting.members, sighting.present)
        )
        held += [Held(Reason.DISMISSED, word.id)] if len(members) < len(sighting.members) else []
        sighting = replace(sighting, members=members, present=present)
    return sighting, tuple(held)


def settling(case: Case, sighting: Sighting) -> tuple[Sighting, tuple[Held, ...]]:
    """Hold everybody for a moment after the camera came back: they were there before, and all come at once.

    Not where somebody may drown, and not what is wrong with the camera itself.
    """
    settings = case.settings
    if case.back_at is None or settings.life_safety or settings.about == "device":
        return sighting, ()
    if case.at - case.back_at >= SETTLING:
        return sighting, ()
    # As if the look began only then: until then nobody has left who was there before.
    return replace(_unsure(sighting), since=case.at), (Held(Reason.SETTLING),)


def _unsure(sighting: Sighting) -> Sighting:
    return replace(sighting, members=(), present=(*sighting.members, *sighting.present))


GATES: tuple[Gate, ...] = (active, settling, dismissed, permitted)


def passed(case: Case, sighting: Sighting) -> tuple[Sighting, tuple[Held, ...]]:
    """Return what the gates leave of a sighting, and what held the others back."""
    held: list[Held] = []
    for gate in GATES:
        if not sighting.members:
            break
        sighting, by = gate(case, sighting)
        held += by
    return sighting, tuple(held)

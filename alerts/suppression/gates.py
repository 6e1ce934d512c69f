"""Between a rule and its incidents: whom a gate holds opens none. Pure.

A gate makes members ``present``, who may keep an incident occupied but open none, or takes them out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from alerts.rules.base import Sighting
from alerts.suppression.case import Case, Held
from alerts.suppression.permits import permitted
from alerts.suppression.reasons import Reason

Gate = Callable[[Case, Sighting], tuple[Sighting, tuple[Held, ...]]]


def active(case: Case, sighting: Sighting) -> tuple[Sighting, tuple[Held, ...]]:
    """Hold everybody while the rule's schedule does not apply."""
    if case.active:
        return sighting, ()
    unsure = replace(sighting, members=(), present=(*sighting.members, *sighting.present))
    return unsure, (Held(Reason.NOT_ACTIVE),)


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


GATES: tuple[Gate, ...] = (active, dismissed, permitted)


def passed(case: Case, sighting: Sighting) -> tuple[Sighting, tuple[Held, ...]]:
    """Return what the gates leave of a sighting, and what held the others back."""
    held: list[Held] = []
    for gate in GATES:
        if not sighting.members:
            break
        sighting, by = gate(case, sighting)
        held += by
    return sighting, tuple(held)

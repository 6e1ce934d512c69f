"""Who of those that a rule sees is where. Pure."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import replace

from alerts.rules.base import Member, Sighting


def part(sighting: Sighting, what: Callable[[Member], str], wanted: Container[str]) -> Sighting:
    """Return those of a sighting of whom ``what`` is in ``wanted``; all the others are elsewhere."""
    seen = (*sighting.members, *sighting.present)
    if all(what(member) in wanted for member in seen):
        return sighting
    members = tuple(m for m in sighting.members if what(m) in wanted)
    present = tuple(m for m in sighting.present if what(m) in wanted)
    others = frozenset(m.track_id for m in seen if m.track_id and what(m) not in wanted)
    return replace(sighting, members=members, present=present, elsewhere=sighting.elsewhere | others)

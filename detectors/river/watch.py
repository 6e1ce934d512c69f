"""The watch over the people at one camera's water."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from detectors.river.life import Life, Sighting
from detectors.river.people import Box, Person
from detectors.river.settings import Settings
from detectors.river.vanish import FORGOTTEN_S, Vanished, VanishWatch
from detectors.river.water import Water, in_water


@dataclass(frozen=True)
class Said:
    """What is said of one track: how surely each holds, 0-1; None where it is unknown."""

    in_water: float
    still: float
    alone: float
    child_size: float | None


class Watch:
    """The people of one camera, whose pictures come in order."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lives: dict[str, Life] = {}
        self._vanish = VanishWatch(settings)
        self._last_s: float | None = None

    def look(
        self, people: Sequence[Person], things: Sequence[Box], water: Water, at_s: float
    ) -> tuple[dict[str, Said], list[Vanished]]:
        """Return what is said of each track in this picture, and who vanished.

        ``things`` are the boxes of everything else, behind which people may be.
        """
        if self._last_s is not None and at_s - self._last_s > self._settings.max_gap_s:
            self._vanish.begin_again()
            for life in self._lives.values():
                life.begin_again(at_s)
        self._last_s = at_s
        said: dict[str, Said] = {}
        for person in people:
            if person.track_id is not None:
                said[person.track_id] = self._see(person.track_id, person, people, water, at_s)
        vanished = self._vanish.look(people, things, self._lives, water, at_s)
        self._lives = {
            track_id: life
            for track_id, life in self._lives.items()
            if life.way and at_s - life.last.at_s <= FORGOTTEN_S
        }
        return said, vanished

    def _see(
        self, track_id: str, person: Person, people: Sequence[Person], water: Water, at_s: float
    ) -> Said:
        settings = self._settings
        life = self._lives.setdefault(track_id, Life(at_s, at_s, at_s))
        wet = in_water(person, water)
        company = any(
            other.track_id not in (None, track_id)
            and person.distance(other) <= settings.alone_heights * max(person.body, other.body)
            for other in people
        )
        life.see(Sighting(at_s, person, wet), company=company)
        return Said(
            in_water=wet,
            still=life.still(settings.still_s),
            alone=life.alone(settings.alone_s),
            child_size=life.child(settings.child_below),
        )

"""Who was in the water, and is to be seen no more.

A detector that misses somebody for `vanish_s` cannot be told from somebody who went under: both are said.
What is no vanishing: leaving the picture or the water, being behind somebody or something, coming up again
nearby under another number, and any time without pictures.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from detectors.river.life import KEPT_S, Life
from detectors.river.people import Box, Person, covered
from detectors.river.settings import Settings
from detectors.river.water import Water

HIDDEN = 0.3  # of a place, by other boxes: whoever is there may not be seen
MIN_SEEN_S = 1.0  # of a track: a shorter one may be a wave
MIN_SIGHTINGS = 3
SURE = 0.35  # of a box, as to the tracker: a cone or a post is kept alive by weaker ones, and then is gone
LEAVING_S = 1.5  # of movement, continued for as long: whoever is out of the water then has left it
LEAVING_HEIGHTS = 0.1  # of a body in that time: less is a box that jumps about
FORGOTTEN_S = 30.0


@dataclass(frozen=True)
class Vanished:
    """Somebody who vanished: ``box`` is where they were last seen, at ``last_s``; ``confidence`` falls."""

    track_id: str
    box: Box
    last_s: float
    confidence: float


@dataclass
class _Missing:
    """Somebody last seen in the water; ``unseen_s`` counts only while their place could be looked at."""

    person: Person
    last_s: float
    certainty: float
    unseen_s: float = 0.0
    said_s: float | None = None


class VanishWatch:
    """Who is missing from the water of one camera."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._missing: dict[str, _Missing] = {}
        self._before: set[str] = set()  # who was there in the picture before
        self._looks: deque[float] = deque()

    def begin_again(self) -> None:
        """Miss nobody: there were no pictures for a while."""
        self._missing.clear()
        self._before.clear()
        self._looks.clear()

    def look(
        self,
        people: Sequence[Person],
        things: Sequence[Box],
        lives: Mapping[str, Life],
        water: Water,
        at_s: float,
    ) -> list[Vanished]:
        """Return who has vanished, given everybody and everything else in this picture.

        ``lives`` are those of all tracks of late, and hold this picture already.
        """
        elapsed = at_s - self._looks[-1] if self._looks else 0.0
        boxes = [*things, *(person.box for person in people)]
        here = {person.track_id for person in people if person.track_id is not None}
        for track_id in sorted(self._before - here):
            if track_id in lives and (lost := self._lost(lives[track_id], water, boxes)):
                self._missing[track_id] = lost
        self._looks.append(at_s)
        while at_s - self._looks[0] > 2 * KEPT_S:
            self._looks.popleft()
        self._before = here
        for track_id in here & self._missing.keys():
            del self._missing[track_id]
        for person in people:
            if person.track_id is not None and lives[person.track_id].first_s == at_s:
                self._found_again(person)
        return self._say(people, boxes, elapsed, at_s)

    def _lost(self, life: Life, water: Water, boxes: Sequence[Box]) -> _Missing | None:
        """Return who is missing now that ``life`` is not in the picture, None where nothing is wrong."""
        last = life.last
        seen_s = last.at_s - life.first_s
        known = len(life.way) >= MIN_SIGHTINGS and seen_s >= MIN_SEEN_S
        if not known or any(sighting.wet < 0.5 for sighting in list(life.way)[-2:]):
            return None
        if last.person.at_edge or _left(life, water):
            return None
        first_s = life.way[0].at_s
        looks = sum(first_s <= look_s <= last.at_s for look_s in self._looks)
        steady = sum(sighting.person.confidence >= SURE for sighting in life.way) / max(1, looks)
        wet = sum(sighting.wet for sighting in list(life.way)[-2:]) / 2
        behind = max((covered(last.person.box, box) for box in boxes), default=0.0)
        return _Missing(last.person, last.at_s, min(1.0, steady) * wet * (1 - behind))

    def _found_again(self, newcomer: Person) -> None:
        """Take the nearest who is missing within reach for the newcomer: nobody stands for two."""
        reach = self._settings.reappear_heights
        near = [
            (missing.person.distance(newcomer) / missing.person.body, track_id)
            for track_id, missing in self._missing.items()
        ]
        distance, track_id = min(near, default=(math.inf, ""))
        if distance <= reach:
            del self._missing[track_id]

    def _say(
        self, people: Sequence[Person], boxes: Sequence[Box], elapsed: float, at_s: float
    ) -> list[Vanished]:
        said = []
        for track_id, missing in list(self._missing.items()):
            if not self._may_be_there(missing.person, people, boxes):
                missing.unseen_s += elapsed
            if missing.said_s is None and missing.unseen_s >= self._settings.vanish_s:
                missing.said_s = at_s
            if missing.said_s is None:
                if at_s - missing.last_s > self._settings.vanish_s + FORGOTTEN_S:
                    del self._missing[track_id]
                continue
            left = 1 - (at_s - missing.said_s) / self._settings.vanished_for_s
            if left <= 0:
                del self._missing[track_id]
                continue
            said.append(Vanished(track_id, missing.person.box, missing.last_s, missing.certainty * left))
        return said

    def _may_be_there(self, person: Person, people: Sequence[Person], boxes: Sequence[Box]) -> bool:
        """Say whether ``person`` may be hidden, or be one of those who have no number yet."""
        if any(covered(person.box, box) >= HIDDEN for box in boxes):
            return True
        reach = self._settings.reappear_heights * person.body
        return any(one.track_id is None and one.distance(person) <= reach for one in people)


def _left(life: Life, water: Water) -> bool:
    """Say whether whoever was last on this way has walked or swum out of the water, or of the picture."""
    last = life.last
    first = next((s for s in life.way if last.at_s - s.at_s <= LEAVING_S and s is not last), life.way[-2])
    seconds = last.at_s - first.at_s
    (x0, y0), (x1, y1) = first.person.foot, last.person.foot
    dx, dy = (x1 - x0) / seconds * LEAVING_S, (y1 - y0) / seconds * LEAVING_S
    if math.hypot(dx, dy) < LEAVING_HEIGHTS * last.person.body:
        return False
    return water.depth((x1 + dx, y1 + dy)) < 0

"""``kind: garbage``: things left behind, from a background on two time scales; after an object stage."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
import structlog
from numpy.typing import NDArray

from detectors.garbage.bags import BACKBONE, WEIGHTS, BagFinder, in_use
from detectors.garbage.confirm import Confirmation, xyxyn
from detectors.garbage.left import LeftThing
from detectors.garbage.owners import HANDOVER_S, Person
from detectors.garbage.pictures import Mask, at_work
from detectors.garbage.settings import Settings
from detectors.garbage.watch import Seen, WarmUp, Watch
from detectors.models.store import verify
from detectors.stages.base import Attributes, before, without_people
from lianfang.config import Config as Root
from lianfang.config import Problem
from lianfang.errors import ModelError
from lianfang.events import DetectedObject

_log = structlog.get_logger()

LABEL = "left_object"
_SURE = 0.35  # of people whose track is unconfirmed: below, a cone or the bag itself is often taken for one
_WIDER, _TALLER = 0.15, 0.1  # of a box, added on each side where nothing is looked for: shadows, loose boxes


class Config(Settings):
    """Things that came, stand still, and whose owner is gone. A camera names it after its object stage."""

    kind: Literal["garbage"]
    confirm: Literal["bag", "none"] = "bag"
    """Whether each thing gets the attribute ``bag`` (true, false, "unknown"). It is reported all the same."""

    @property
    def labels(self) -> tuple[str, ...]:
        """What it finds."""
        return (LABEL,)

    @property
    def needs_stillness(self) -> bool:
        """It looks at what does not move."""
        return True

    @property
    def attributes(self) -> Attributes:
        """What it says of them."""
        return {"bag": (True, False, "unknown")} if self.confirm == "bag" else {}

    def check(self, config: Root) -> Iterable[Problem]:
        """Yield cameras without a stage before this one that finds people, and a bag model that is missing.

        Whoever stands would be left.
        """
        if self.confirm == "bag":
            try:
                verify(BACKBONE, config.models_dir)
                WEIGHTS.in_use(config.models_dir)
            except ModelError as error:
                allowed = f"none, or 'bag' with {BACKBONE} installed and weights as they were trained"
                yield Problem(("confirm",), f"'bag', but {error}", allowed)
        for camera_id, _, given in before(self, config):
            yield from without_people(self.people, camera_id, given)


@dataclass(frozen=True)
class Garbage:
    """The stage."""

    config: Config
    finder: BagFinder | None

    @property
    def models(self) -> tuple[str, ...]:
        """Return the id of the bag head, nothing without one."""
        return () if self.finder is None else (self.finder.model_id,)

    def open(self, camera_id: str, track_epoch: str) -> CameraGarbage:
        """Return the stage for one camera; it learns the ground first."""
        confirmation = None if self.finder is None else Confirmation(self.finder)
        return CameraGarbage(self.config, camera_id, track_epoch, Watch(self.config), confirmation)


class CameraGarbage:
    """The watch over one camera."""

    def __init__(
        self,
        config: Config,
        camera_id: str,
        track_epoch: str,
        watch: Watch,
        confirmation: Confirmation | None = None,
    ) -> None:
        self._config, self._epoch = config, track_epoch
        self._watch, self._confirmation = watch, confirmation
        self._log = _log.bind(camera_id=camera_id)
        self._first_s: dict[str, float] = {}  # when a track was first seen
        self._seen_s: dict[str, float] = {}  # when last
        self._said: WarmUp | None = None

    @property
    def warming(self) -> WarmUp | None:
        """Return why the ground is being learned and nothing new is reported, None while it watches."""
        return self._watch.warming

    def look(
        self, image_bgr: NDArray[np.uint8], at: datetime, objects: tuple[DetectedObject, ...]
    ) -> tuple[DetectedObject, ...]:
        """Return ``objects`` and what is left in this picture."""
        at_s = at.timestamp()
        picture = at_work(image_bgr)
        shape = (picture.shape[0], picture.shape[1])
        seen = self._seen(objects, shape, at_s)
        left = self._watch.look(picture, seen, at_s)
        if self._confirmation is not None and self._watch.warming is None:
            self._confirmation.look(image_bgr, left, seen.held, at_s)
        self._say()
        return (*objects, *(self._object(thing, seen.held) for thing in left))

    def _seen(self, objects: Iterable[DetectedObject], shape: tuple[int, int], at_s: float) -> Seen:
        """Return the people, and where nothing is looked for, in pixels of ``shape`` (height, width)."""
        height, width = shape
        held = np.zeros(shape, bool)
        people: list[Person] = []
        for found in objects:
            somebody = found.label in self._config.people
            if not (somebody or found.label in self._config.excluded):
                continue
            if found.track_id is None and found.confidence < _SURE:
                continue
            x_min, y_min, x_max, y_max = np.multiply(found.xyxyn, (width, height, width, height))
            dx, dy = _WIDER * (x_max - x_min), _TALLER * (y_max - y_min)
            rows = slice(max(0, int(y_min - dy)), int(y_max + dy) + 1)
            held[rows, max(0, int(x_min - dx)) : int(x_max + dx) + 1] = True
            if somebody:
                box = (float(x_min), float(y_min), float(x_max), float(y_max))
                people.append(Person(found.track_id, box, self._is_new(found.track_id, at_s)))
        return Seen(tuple(people), held)

    def _is_new(self, track_id: str | None, at_s: float) -> bool:
        if track_id is None:
            return True
        gone = [t for t, seen_s in self._seen_s.items() if at_s - seen_s > 60]
        for track in gone:
            del self._seen_s[track], self._first_s[track]
        self._seen_s[track_id] = at_s
        return at_s - self._first_s.setdefault(track_id, at_s) <= HANDOVER_S

    def _object(self, thing: LeftThing, held: Mask) -> DetectedObject:
        said = {} if self._confirmation is None else self._confirmation.of(thing)
        return DetectedObject(
            track_id=f"{self._epoch}:{LABEL}{thing.n}",
            label=LABEL,
            # No probability: how clearly it stands out from the ground, half at the least that is asked for.
            confidence=min(1.0, thing.contrast / (2 * self._config.contrast)),
            xyxyn=xyxyn(thing, held),
            attributes={
                "since": _utc(thing.since_s),
                "before": None if thing.before_s is None else _utc(thing.before_s),
                **said,
            },
        )

    def _say(self) -> None:
        warming = self._watch.warming
        if warming is not None and warming != self._said:
            self._log.info("garbage_warming_up", reason=warming.value, for_s=self._config.warm_up_s)
        elif warming is None and self._said is not None:
            self._log.info("garbage_watching")
        self._said = warming


def _utc(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat()


def build(config: Config, models_dir: Path | None) -> Garbage:
    """Load the bag model, if it is asked for; ModelError where it is missing or altered."""
    if config.confirm == "none":
        return Garbage(config, None)
    return Garbage(config, in_use(models_dir))

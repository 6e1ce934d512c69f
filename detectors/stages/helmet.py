"""``kind: helmet``: what riders wear on their heads, by votes over their tracks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from detectors.helmets.classifier import HeadClassifier
from detectors.helmets.locator import HeadLocator
from detectors.helmets.looks import USUAL, Fitness, look_at
from detectors.helmets.riders import VEHICLES, riders
from detectors.helmets.votes import UNSEEN, Votes
from detectors.helmets.weights import HEAD, LOCATOR
from detectors.stages.base import Attributes, before
from lianfang.config import Config as Root
from lianfang.config import Problem, Stanza
from lianfang.errors import ModelError
from lianfang.events import DetectedObject

# A rider whose two-wheeler is not found for a moment is still one; who got off it is none.
STILL_RIDES = timedelta(seconds=1)
FORGOTTEN = timedelta(seconds=30)


class Config(Stanza):
    """Helmets of riders. Comes after a stage that finds persons, bicycles and motorcycles."""

    kind: Literal["helmet"]
    min_head_px: float = Field(default=USUAL.min_head_px, ge=6, le=400)
    """Smaller heads, in pixels of the picture, cast no vote."""
    min_sharpness: float = Field(default=USUAL.min_sharpness, ge=0, le=100)
    """Heads whose picture has less detail, in grey levels, cast no vote: blurred, dark or fogged ones."""
    min_votes: int = Field(default=3, ge=1, le=40)
    """A track with fewer votes is unknown. With 1, single pictures decide."""

    @property
    def attributes(self) -> Attributes:
        """What it says of riders."""
        return {"helmet": ("worn", "bare", "unknown")}

    @property
    def picture_width_px(self) -> int:
        """The width of a picture in which heads across the street have enough pixels: no sub-stream's."""
        return 1280

    def check(self, config: Root) -> Iterable[Problem]:
        """Yield cameras where no stage before this one finds riders, and weights that cannot be used."""
        for camera_id, _, given in before(self, config):
            if missing := sorted((VEHICLES | {"person"}).difference(given)):
                yield Problem(
                    ("kind",),
                    f"'helmet' at camera {camera_id} without {', '.join(missing)} from a stage before it",
                    "a stage objects before it, with labels: [person, bicycle, motorcycle]",
                )
        try:
            for weights in (HEAD, LOCATOR):
                weights.in_use(config.models_dir)
        except ModelError as error:
            yield Problem(("kind",), f"'helmet', but {error}", "weights that are as they were trained")


@dataclass(frozen=True)
class Helmet:
    """The stage with what finds heads and what judges them."""

    config: Config
    locator: HeadLocator
    classifier: HeadClassifier

    @property
    def models(self) -> tuple[str, ...]:
        """Return the ids of the head locator and the head classifier."""
        return self.locator.model_id, self.classifier.model_id

    def open(self, camera_id: str, track_epoch: str) -> CameraHelmet:
        """Return the stage for one camera, with no votes cast."""
        del camera_id, track_epoch
        return CameraHelmet(self)


@dataclass
class _Ride:
    """A track on a two-wheeler: when it was last seen on it, and what was seen of its head."""

    rode_at: datetime
    votes: Votes = field(default_factory=Votes)


class CameraHelmet:
    """The votes on the riders of one camera."""

    def __init__(self, stage: Helmet) -> None:
        self._stage = stage
        self._rides: dict[str, _Ride] = {}

    def look(
        self, image_bgr: NDArray[np.uint8], at: datetime, objects: tuple[DetectedObject, ...]
    ) -> tuple[DetectedObject, ...]:
        """Return ``objects`` with two attributes added to riders; all others are as they were.

        Where the head of a rider was found and no person there, the two-wheeler gets them.
        ``helmet`` is worn, bare or unknown; ``helmet_confidence``, 0-1, the probability of worn or bare,
        whichever is likelier. A rider without a track number is unknown: nothing adds up over pictures.
        """
        config, stage = self._stage.config, self._stage
        fitness = Fitness(config.min_head_px, config.min_sharpness)
        looks = look_at(image_bgr, objects, stage.locator, stage.classifier, fitness)
        on_wheels = looks.keys() | riders(objects).keys()
        for i in on_wheels:
            if (track_id := objects[i].track_id) is not None:
                ride = self._rides.setdefault(track_id, _Ride(at))
                ride.rode_at = at
                if (look := looks.get(i)) is not None and look.bare is not None:
                    ride.votes.cast(look.bare, look.head.size_px)
        self._rides = {n: ride for n, ride in self._rides.items() if at - ride.rode_at <= FORGOTTEN}
        return tuple(self._said(thing, i in on_wheels, at) for i, thing in enumerate(objects))

    def _said(self, thing: DetectedObject, on_wheels: bool, at: datetime) -> DetectedObject:
        ride = self._rides.get(thing.track_id or "")
        if not on_wheels and (ride is None or at - ride.rode_at > STILL_RIDES):
            return thing
        said = UNSEEN
        if ride is not None:
            said = ride.votes.verdict(self._stage.classifier.thresholds, self._stage.config.min_votes)
        helmet = {"helmet": said.state, "helmet_confidence": round(said.confidence, 3)}
        return thing.model_copy(update={"attributes": {**thing.attributes, **helmet}})


def build(config: Config, models_dir: Path | None = None) -> Helmet:
    """Load the weights in use; ModelError where they are missing or altered."""
    return Helmet(config, HeadLocator(*LOCATOR.in_use(models_dir)), HeadClassifier(*HEAD.in_use(models_dir)))

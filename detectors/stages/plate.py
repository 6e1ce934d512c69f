"""``kind: plate``: the plates of vehicles, read over their tracks; after an object stage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Protocol, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from detectors.models.manifest import manifest
from detectors.models.store import verify
from detectors.plates.loose import LoosePlates
from detectors.plates.places import box, carrier, holds, moved, window
from detectors.plates.read import PlateReader
from detectors.plates.reading import Reading
from detectors.plates.search import Window
from detectors.plates.votes import Sureness, Verdict, Votes, weigh
from detectors.stages.base import Attributes, before
from lianfang.config import Config as Root
from lianfang.config import Problem, Stanza
from lianfang.errors import ModelError
from lianfang.events import XYXYN, DetectedObject
from lianfang.plates import KINDS, LETTERS, PROVINCES, Colour, matches

LABEL = "plate"
FORGOTTEN = timedelta(seconds=30)  # of a vehicle that is out of the picture
PATIENCE = 5  # looks at a vehicle that stands still, until it is settled without an accepted plate
NEVER = datetime.min.replace(tzinfo=UTC)
Share = Annotated[float, Field(gt=0, le=1)]


class Config(Stanza):
    """Plates of vehicles. Comes after a stage that finds vehicles."""

    kind: Literal["plate"]
    vehicles: Annotated[tuple[str, ...], Field(min_length=1)] = ("car", "bus", "truck", "motorcycle")
    """Labels of what carries plates."""
    look_every_s: float = Field(default=0.4, ge=0, le=60)
    """Least time between two looks for plates; in between, what is known stays."""
    settled_every_s: float = Field(default=2, ge=0, le=30)
    """The same for a vehicle whose plate is accepted, or that stood still for five looks: a parked one costs
    little."""
    most_vehicles: int = Field(default=4, ge=1, le=64)
    """In one picture so many vehicles are looked at, those first that have waited longest."""
    without_vehicle: bool = False
    """Look at the whole picture and not only at vehicles: for a gate so near that cars do not fit into it."""
    min_looks: int = Field(default=2, ge=1, le=12)
    """A plate seen in fewer looks is never accepted. With 1, single pictures decide."""
    min_share: float = Field(default=0.75, gt=0.5, le=1)
    """Share of the looks, by weight, that must be behind each character of an accepted plate."""
    long_side_px: int = Field(default=640, ge=320, le=1920)
    """Vehicles are searched for plates at this size, smaller ones at their own, and from near where there may
    be one: larger finds smaller plates and takes more time."""
    beginnings: dict[str, Share] = Field(default_factory=dict)
    """Shares of the vehicles here by what plates begin with, such as ``粤T: 0.7``: they settle doubts."""

    @property
    def labels(self) -> tuple[str, ...]:
        """What it finds: plates on no vehicle; the others become attributes."""
        return (LABEL,)

    @property
    def attributes(self) -> Attributes:
        """What it says of vehicles and of plates on none."""
        kinds = {"plate_colour": get_args(Colour), "plate_kind": (*KINDS,)}
        return {"plate": (), **kinds, "plate_accepted": (True, False)}

    @property
    def picture_width_px(self) -> int:
        """The width of a picture in which plates across the street have enough pixels: no sub-stream's."""
        return 1280

    @field_validator("beginnings")
    @classmethod
    def _of_plates(cls, beginnings: dict[str, float]) -> dict[str, float]:
        if wrong := [b for b in beginnings if b[:1] not in {*PROVINCES} or b[1:] not in {"", *LETTERS}]:
            raise ValueError(f"no plate begins with {', '.join(wrong)}; allowed: 粤, 粤T and the like")
        if (total := sum(beginnings.values())) > 1:
            raise ValueError(f"shares add up to {total:g}; allowed: 1 or less")
        return beginnings

    def check(self, config: Root) -> Iterable[Problem]:
        """Yield cameras where no stage before this one finds vehicles, and models that cannot be used."""
        for camera_id, _, given in () if self.without_vehicle else before(self, config):
            if not set(self.vehicles).intersection(given):
                found = f"{list(self.vehicles)}, of which no stage before it at camera {camera_id} finds any"
                yield Problem(("vehicles",), found, "a label of its object stage, or without_vehicle: true")
        for model in (name for name, model in manifest().items() if model.family.startswith("plate-")):
            try:
                verify(model, config.models_dir)
            except ModelError as error:
                yield Problem(("kind",), f"'plate', but {error}", "an installed model")


class Reader(Protocol):
    """What finds and reads plates."""

    @property
    def models(self) -> tuple[str, ...]:
        """Return the ids of the models it runs."""
        ...

    def read(
        self, image_bgr: NDArray[np.uint8], windows: Sequence[Window] | None = None
    ) -> tuple[Reading, ...]:
        """Return the plates of a picture, H × W × 3, or of parts of it."""
        ...


@dataclass(frozen=True)
class Plate:
    """The stage with its reader."""

    config: Config
    reader: Reader

    @property
    def models(self) -> tuple[str, ...]:
        """Return the ids of the models that find and read plates."""
        return self.reader.models

    def open(self, camera_id: str, track_epoch: str) -> CameraPlate:
        """Return the stage for one camera, with no votes cast."""
        del camera_id
        return CameraPlate(self, track_epoch)


@dataclass
class _Known:
    """What is known of the plate of one track: its votes, and what they last came to."""

    at: datetime
    looked_at: datetime = NEVER
    stood: XYXYN = (0, 0, 0, 0)
    looks: int = 0  # while it stood there
    votes: Votes = field(default_factory=Votes)
    verdict: Verdict | None = None

    def settled(self, xyxyn: XYXYN) -> bool:
        """Return whether another look at the vehicle, which is at ``xyxyn``, is unlikely to tell more."""
        sure = self.verdict is not None and self.verdict.accepted
        return sure or (self.looks >= PATIENCE and not moved(self.stood, xyxyn))

    def look(self, at: datetime, xyxyn: XYXYN) -> None:
        """Count a look at the vehicle, which is at ``xyxyn``."""
        if moved(self.stood, xyxyn):
            self.stood, self.looks = xyxyn, 0
        self.looked_at, self.looks = at, self.looks + 1


class _Alone(NamedTuple):
    """A plate on no vehicle: its number, where it is, and when it was there."""

    track_id: str
    xyxyn: XYXYN
    at: datetime


class CameraPlate:
    """The plates of one camera. Nothing of what they say goes into a log."""

    def __init__(self, stage: Plate, track_epoch: str) -> None:
        self._config, self._reader, self._epoch = stage.config, stage.reader, track_epoch
        self._sureness = Sureness(stage.config.min_looks, stage.config.min_share)
        self._known: dict[str, _Known] = {}
        self._loose = LoosePlates()
        self._looked_at: datetime | None = None
        self._alone: list[_Alone] = []

    def look(
        self, image_bgr: NDArray[np.uint8], at: datetime, objects: tuple[DetectedObject, ...]
    ) -> tuple[DetectedObject, ...]:
        """Return ``objects``, vehicles with what their plates say, and an object for each other plate.

        ``plate`` is the text, ``plate_colour`` and ``plate_kind`` may be None, ``plate_confidence`` is 0-1.
        Only where ``plate_accepted`` is true may more follow than a person's look. ``plate_candidates`` has
        for each place what may stand there, with its share of the votes.
        """
        vehicles = [thing for thing in objects if thing.label in self._config.vehicles]
        if self._is_due(at):
            self._look(image_bgr, at, vehicles)
        for vehicle in vehicles:
            if vehicle.track_id in self._known:
                self._known[vehicle.track_id].at = at
        self._known = {n: known for n, known in self._known.items() if at - known.at <= FORGOTTEN}
        return (*(self._said(thing) for thing in objects), *self._plates())

    def _is_due(self, at: datetime) -> bool:
        every = timedelta(seconds=self._config.look_every_s)
        return self._looked_at is None or at - self._looked_at >= every

    def _look(self, image_bgr: NDArray[np.uint8], at: datetime, vehicles: Sequence[DetectedObject]) -> None:
        size = (image_bgr.shape[1], image_bgr.shape[0])
        awaited = self._awaited(at, vehicles)
        everywhere = self._config.without_vehicle
        windows = [(0, 0, *size)] if everywhere else [window(awaited[n], size) for n in awaited]
        since = at - timedelta(seconds=self._config.settled_every_s)
        alone = (plate for plate in self._alone if vehicles and plate.at >= since)
        self._alone = [plate for plate in alone if not any(holds(w, plate.xyxyn, size) for w in windows)]
        if windows:
            self._looked_at = at
            for track_id in awaited:
                self._of(track_id, at).look(at, awaited[track_id])
            self._vote(image_bgr, at, vehicles, self._reader.read(image_bgr, None if everywhere else windows))

    def _awaited(self, at: datetime, vehicles: Sequence[DetectedObject]) -> dict[str, XYXYN]:
        """Return the vehicles to look at by their tracks, those first that have waited longest."""
        since = at - timedelta(seconds=self._config.settled_every_s)
        waiting: list[tuple[datetime, str, XYXYN]] = []
        for vehicle in vehicles:
            # A vehicle gets its number with the next picture or never; its plate waits till then.
            if vehicle.track_id is not None:
                known = self._of(vehicle.track_id, at)
                if known.looked_at <= since or not known.settled(vehicle.xyxyn):
                    waiting.append((known.looked_at, vehicle.track_id, vehicle.xyxyn))
        return {track_id: xyxyn for _, track_id, xyxyn in sorted(waiting)[: self._config.most_vehicles]}

    def _of(self, track_id: str, at: datetime) -> _Known:
        known = self._known.setdefault(track_id, _Known(at))
        known.at = at
        return known

    def _vote(
        self,
        image_bgr: NDArray[np.uint8],
        at: datetime,
        vehicles: Sequence[DetectedObject],
        readings: Sequence[Reading],
    ) -> None:
        size = (image_bgr.shape[1], image_bgr.shape[0])
        found = [(weigh(image_bgr, r), r) for r in readings if matches(r.text)]
        taken: set[int] = set()
        alone: list[tuple[float, Reading]] = []
        for weight, reading in sorted(found, key=lambda look: -look[0]):
            on = carrier(reading, vehicles, size)
            if on is None or on in taken:
                alone.append((weight, reading))
                continue
            taken.add(on)
            if (track_id := vehicles[on].track_id) is not None:
                self._cast(track_id, reading, weight, at)
        numbers = self._loose.number(tuple(reading for _, reading in alone), at)
        for n, (weight, reading) in zip(numbers, alone, strict=True):
            self._cast(self._name(n), reading, weight, at)
        new = {self._name(n): box(r, size) for n, (_, r) in zip(numbers, alone, strict=True)}
        self._alone = [plate for plate in self._alone if plate.track_id not in new]
        self._alone += [_Alone(track_id, xyxyn, at) for track_id, xyxyn in new.items()]

    def _cast(self, track_id: str, reading: Reading, weight: float, at: datetime) -> None:
        known = self._of(track_id, at)
        known.votes.cast(reading, weight)
        known.verdict = known.votes.verdict(self._sureness)

    def _name(self, n: int) -> str:
        return f"{self._epoch}:{LABEL}{n}"

    def _said(self, thing: DetectedObject) -> DetectedObject:
        known = self._known.get(thing.track_id or "")
        if known is None or known.verdict is None or thing.label not in self._config.vehicles:
            return thing
        return thing.model_copy(update={"attributes": {**thing.attributes, **_attributes(known.verdict)}})

    def _plates(self) -> Iterable[DetectedObject]:
        """Yield the plates on no vehicle, where they were last found."""
        for plate in self._alone:
            known = self._known.get(plate.track_id)
            if known is not None and known.verdict is not None:
                yield DetectedObject(
                    track_id=plate.track_id,
                    label=LABEL,
                    confidence=known.verdict.confidence,
                    xyxyn=plate.xyxyn,
                    attributes=_attributes(known.verdict),
                )


def _attributes(verdict: Verdict) -> dict[str, Any]:
    return {
        "plate": verdict.text,
        "plate_colour": verdict.colour,
        "plate_kind": verdict.kind,
        "plate_confidence": round(verdict.confidence, 3),
        "plate_accepted": verdict.accepted,
        "plate_candidates": [{c: round(share, 3) for c, share in place} for place in verdict.characters],
    }


def build(config: Config, models_dir: Path | None) -> Plate:
    """Load the models; ModelError where one is missing or altered."""
    reader = PlateReader(models_dir, long_side=config.long_side_px, prior=config.beginnings)
    return Plate(config, reader)

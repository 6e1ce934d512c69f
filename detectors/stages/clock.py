"""``kind: clock``: the time that a camera burns into its picture, compared with the host's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from detectors.clock.line import MODEL, LineReader
from detectors.clock.parse import Order
from detectors.clock.sight import Reader, Sight
from detectors.clock.watch import TimeInPicture
from detectors.models.store import verify
from lianfang.config import Config as Root
from lianfang.config import Problem, Stanza
from lianfang.config.drawn import Coordinate
from lianfang.errors import ModelError
from lianfang.events import DetectedObject

_USUAL_ZONE = "Asia/Shanghai"  # where nobody has put in the community's, as the loader does


class Config(Stanza):
    """The time in the picture. It finds no objects: how far the clock is off is said of the camera."""

    kind: Literal["clock"]
    region: tuple[Coordinate, Coordinate, Coordinate, Coordinate] | None = None
    """Where the time stands, closely: x_min, y_min, x_max, y_max, 0-1. Searched for once where not given."""
    every_s: float = Field(default=60, ge=5, le=3600)
    """Seconds between two readings."""
    date_order: Order = "auto"
    """How a date that ends with its year begins: mdy, dmy; auto takes what is nearer to today."""
    timezone: str | None = None
    """IANA time zone of what cameras show; the community's where not given."""

    @model_validator(mode="after")
    def _some_region(self) -> Config:
        if self.region is not None and not (
            self.region[0] < self.region[2] and self.region[1] < self.region[3]
        ):
            raise ValueError("a 'region' as x_min, y_min, x_max, y_max with x_min < x_max and y_min < y_max")
        return self

    def check(self, config: Root) -> Iterable[Problem]:
        """Yield the model if it cannot be used, and a time zone that there is none of."""
        if self.timezone is not None and self.timezone not in available_timezones():
            yield Problem(("timezone",), repr(self.timezone), "an IANA time zone such as Asia/Shanghai")
        try:
            verify(MODEL, config.models_dir)
        except ModelError as error:
            yield Problem(("kind",), f"'clock', but {error}", "an installed model")


@dataclass(frozen=True)
class Clock:
    """The stage with its reader."""

    config: Config
    reader: Reader
    models: tuple[str, ...]

    def open(self, camera_id: str, track_epoch: str) -> CameraTime:
        """Return the stage for one camera; where its time stands is found first, unless it is given."""
        del camera_id, track_epoch
        config = self.config
        sight = Sight(self.reader, ZoneInfo(config.timezone or _USUAL_ZONE), config.date_order)
        return CameraTime(TimeInPicture(sight, config.every_s, config.region))


@dataclass
class CameraTime:
    """The time in the pictures of one camera."""

    watch: TimeInPicture
    read_s: float | None = None

    def look(
        self, image_bgr: NDArray[np.uint8], at: datetime, objects: tuple[DetectedObject, ...]
    ) -> tuple[DetectedObject, ...]:
        """Return ``objects`` as they are; what was read is asked for with `clock_offset_s`."""
        self.read_s = self.watch.look(image_bgr, at)
        return objects

    def clock_offset_s(self) -> float | None:
        """Return by how much the time in the last picture was ahead; None where none was read."""
        return self.read_s


def build(config: Config, models_dir: Path | None) -> Clock:
    """Load the model; ModelError where it is missing or altered."""
    reader = LineReader(models_dir)
    return Clock(config, reader, reader.models)

"""The plate stage over plates that a reader sees where a test puts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from detectors.plates.reading import Candidate, Reading
from detectors.plates.search import Window
from detectors.stages.plate import CameraPlate, Config, Plate
from lianfang.events import XYXYN, DetectedObject
from lianfang.plates import Colour, fitting

T0 = datetime(2026, 1, 2, 8, tzinfo=UTC)
WIDTH, HEIGHT = 800, 400
# Noise has detail everywhere: where a plate lies does not matter to its weight.
PICTURE = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
CAR: XYXYN = (0.1, 0.2, 0.4, 0.8)
BUS: XYXYN = (0.05, 0.0, 0.6, 0.9)


def vehicle(xyxyn: XYXYN = CAR, track: str | None = "e:1", label: str = "car") -> DetectedObject:
    return DetectedObject(track_id=track, label=label, confidence=0.8, xyxyn=xyxyn, attributes={"other": 1})


def plate(
    text: str = "粤T12345",
    centre: tuple[float, float] = (0.25, 0.6),
    confidence: float = 0.97,
    width_px: float = 90,
    colour: Colour = "blue",
) -> Reading:
    """Return a reading around ``centre`` (0-1), accepted where it is sure."""
    x, y, half = centre[0] * WIDTH, centre[1] * HEIGHT, width_px / 2
    corners = [
        (x - half, y - half / 3),
        (x + half, y - half / 3),
        (x + half, y + half / 3),
        (x - half, y + half / 3),
    ]
    kind = fitting(text, colour)
    return Reading(
        np.array(corners, np.float32),
        text,
        tuple((Candidate(c, confidence),) for c in text),
        confidence,
        colour,
        kind.name if kind else None,
        kind is not None and confidence > 0.9,
    )


@dataclass
class Seen:
    """A reader that sees what it is told where it is let look, and knows how often and where it looked."""

    plates: tuple[Reading, ...] = ()
    looks: int = 0
    windows: list[Window] = field(default_factory=list)
    models: tuple[str, ...] = ("m",)
    camera: CameraPlate = field(init=False)

    def read(
        self, image_bgr: NDArray[np.uint8], windows: Sequence[Window] | None = None
    ) -> tuple[Reading, ...]:
        assert image_bgr.shape == (HEIGHT, WIDTH, 3)
        self.looks += 1
        self.windows = [(0, 0, WIDTH, HEIGHT)] if windows is None else list(windows)
        return tuple(plate for plate in self.plates if any(inside(plate, one) for one in self.windows))


def inside(reading: Reading, window: Window) -> bool:
    x, y = reading.corners.mean(axis=0)
    return bool(window[0] <= x < window[2] and window[1] <= y < window[3])


def opened(*plates: Reading, **keys: object) -> Seen:
    seen = Seen(plates)
    config = Config.model_validate({"kind": "plate", **keys})
    seen.camera = Plate(config, seen).open("cam", "e")
    return seen


def look(seen: Seen, s: float, *objects: DetectedObject) -> tuple[DetectedObject, ...]:
    return seen.camera.look(PICTURE, T0 + timedelta(seconds=s), objects)


def texts(objects: Sequence[DetectedObject]) -> list[object]:
    return [thing.attributes.get("plate") for thing in objects]

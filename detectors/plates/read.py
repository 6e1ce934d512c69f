"""Reads plates: found, laid flat, read by two recognisers, and judged by grammar, colour and confidence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.engines.base import require_image
from detectors.models.manifest import entry
from detectors.models.store import verify
from detectors.plates.colour import colours
from detectors.plates.ctc import Steps
from detectors.plates.detector import PlateDetector
from detectors.plates.merge import Merged, Prior, merge
from detectors.plates.reading import Reading
from detectors.plates.recognise import PLATES, TEXT, Recogniser
from detectors.plates.rectify import WIDEN, flatten, in_one_row, sides
from lianfang.plates import KINDS, Colour, matches

Image = NDArray[np.uint8]

LONG_SIDE = 960
MIN_CONFIDENCE = 0.5
ACCEPTED_FROM = 0.8  # of each character: one recogniser alone cannot reach it against the other
_DETECTOR, _PLATES, _TEXT = "clp-det", "clp-rec", "ppocr-v4-rec"
_WEIGHTS = (0.6, 0.4)  # of clp-rec and ppocr-v4-rec
# Width by height of a plate of one row is 3.1 or more, of two rows 2; seen from the side both are narrower.
_MAYBE_TWO_ROWS = 2.6


class PlateReader:
    """Finds and reads plates; may be called from any number of threads at once."""

    def __init__(
        self,
        models_dir: Path | None = None,
        *,
        long_side: int = LONG_SIDE,
        min_confidence: float = MIN_CONFIDENCE,
        prior: Prior | None = None,
    ) -> None:
        """Load the three models; ModelError where one is missing, altered or cannot run.

        Pictures are searched at ``long_side`` pixels, finds below ``min_confidence`` (0-1) are dropped.
        ``prior`` is what is known of a site's plates; without it no province is likelier than another.
        """
        self._detector = PlateDetector(verify(_DETECTOR, models_dir))
        self._recognisers = (
            Recogniser(verify(_PLATES, models_dir), PLATES, entry(_PLATES).labels),
            Recogniser(verify(_TEXT, models_dir), TEXT),
        )
        self._long_side = long_side
        self._min_confidence = min_confidence
        self._prior = prior
        self.models = tuple(f"{name}@{entry(name).onnx_sha256[:12]}" for name in (_DETECTOR, _PLATES, _TEXT))

    def read(self, image_bgr: Image) -> tuple[Reading, ...]:
        """Return what every plate in ``image_bgr``, (height, width, 3), says, the clearest find first.

        Finds in which nobody reads a character are left out. ValueError for an array that is no picture.
        """
        found = self._detector.find(image_bgr, self._long_side, self._min_confidence)
        readings = (self._reading(image_bgr, plate.corners, WIDEN) for plate in found)
        return tuple(reading for reading in readings if reading.text)

    def read_plate(self, plate_bgr: Image) -> Reading:
        """Return what a plate says that is cut out along its edges; its text is "" where nobody reads any."""
        require_image(plate_bgr)
        height, width = plate_bgr.shape[:2]
        corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
        return self._reading(plate_bgr, corners, widen=0)

    def _reading(self, image_bgr: Image, corners: NDArray[np.float32], widen: float) -> Reading:
        across, down = sides(corners)
        rows = (1, 2) if across < _MAYBE_TWO_ROWS * down else (1,)
        looks = [self._look(image_bgr, corners, widen, count) for count in rows]
        merged, ground = max(looks, key=lambda look: look[0].score)
        return judged(corners, merged, ground)

    def _look(
        self, image_bgr: Image, corners: NDArray[np.float32], widen: float, rows: int
    ) -> tuple[Merged, tuple[Colour, ...]]:
        plate = flatten(image_bgr, corners, rows, widen)
        ground = colours(plate)
        opinions = self._opinions([in_one_row(plate) if rows == 2 else plate])
        return merge(opinions, _WEIGHTS, ground, self._prior), ground

    def _opinions(self, plates_bgr: Sequence[Image]) -> list[Steps]:
        return [steps for recogniser in self._recognisers for steps in recogniser.steps(plates_bgr)]


def judged(corners: NDArray[np.float32], merged: Merged, ground: Sequence[Colour]) -> Reading:
    """Return the reading of a plate whose ground may have the colours ``ground``, the likeliest first.

    The colour is the likeliest that a kind of plate with this text may have. Accepted is what is of a
    confirmed kind and ACCEPTED_FROM sure of each character.
    """
    fits = [
        (colour, kind.name) for colour in ground for kind in matches(merged.text) if colour in kind.colours
    ]
    colour, kind = fits[0] if fits else (ground[0] if len(ground) == 1 else None, None)
    confidence = min((place[0].confidence for place in merged.characters), default=0.0)
    sure = kind is not None and KINDS[kind].confirmed and confidence >= ACCEPTED_FROM
    return Reading(corners, merged.text, merged.characters, confidence, colour, kind, sure)

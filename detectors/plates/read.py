"""Reads plates: found, laid flat, read by two recognisers, and judged by grammar, colour and confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.engines.base import require_image
from detectors.models.manifest import entry
from detectors.models.store import verify
from detectors.plates.colour import colours
from detectors.plates.detector import Found, PlateDetector
from detectors.plates.merge import WORDS, Merged, Opinion, Prior, merge
from detectors.plates.reading import Reading
from detectors.plates.recognise import PLATES, TEXT, Recogniser
from detectors.plates.rectify import WIDEN, flatten, in_one_row, sides
from detectors.plates.search import Window, search, unknown, within
from lianfang.plates import KINDS, Colour, matches

Image = NDArray[np.uint8]

LONG_SIDE = 576
MIN_CONFIDENCE = 0.2  # low, since what is no plate does not read like one
ACCEPTED_FROM = 0.75  # of each character: one recogniser alone cannot reach it against the other
_DETECTOR, _PLATES, _TEXT = "clp-det", "clp-rec", "ppocr-v4-rec"
# Chosen on degraded crops of one half: clp-rec reads real plates better; ppocr-v4-rec alone knows the words
# at the end of special ones, and reads the eight characters on green better.
_UNKNOWN = (WORDS, "")
_WEIGHTS = {7: (0.6, 0.4), 8: (0.4, 0.6)}
# Width by height of a plate of one row is 3.1 or more, of two rows 2; seen from the side both are narrower.
_MAYBE_TWO_ROWS = 2.6
_TIGHTER = 0.05  # of a plate's size: what an unsure plate is cut narrower by for a second look
_CLEAR_FIND = 0.5  # a picture without such a find is worth a second search
_SHORTEST = 5  # characters: less is part of a plate, or of a sign


@dataclass(frozen=True, eq=False)
class _Look:
    """One way to cut out a plate: the colours that its ground may have, and what the recognisers say."""

    ground: tuple[Colour, ...]
    opinions: tuple[Opinion, ...]


class PlateReader:
    """Finds and reads plates; may be called from any number of threads at once."""

    def __init__(
        self,
        models_dir: Path | None = None,
        *,
        long_side: int = LONG_SIDE,
        again_long_side: int | None = None,
        min_confidence: float = MIN_CONFIDENCE,
        prior: Prior | None = None,
    ) -> None:
        """Load the three models; ModelError where one is missing, altered or cannot run.

        Pictures are searched at ``long_side`` pixels first, and from near where there may be a plate; finds
        below ``min_confidence`` (0-1) are dropped. With ``again_long_side`` larger pictures without a clear
        find are searched again at that size: for pictures that stand alone. ``prior`` is what is known of a
        site's plates; without it no province is likelier.
        """
        self._detector = PlateDetector(verify(_DETECTOR, models_dir))
        self._recognisers = (
            Recogniser(verify(_PLATES, models_dir), PLATES, entry(_PLATES).labels),
            Recogniser(verify(_TEXT, models_dir), TEXT),
        )
        self._long_side, self._again = long_side, again_long_side
        self._min_confidence = min_confidence
        self._prior = prior
        self.models = tuple(f"{name}@{entry(name).onnx_sha256[:12]}" for name in (_DETECTOR, _PLATES, _TEXT))

    def read(self, image_bgr: Image, windows: Sequence[Window] | None = None) -> tuple[Reading, ...]:
        """Return what every plate in ``image_bgr``, (height, width, 3), says, the clearest find first.

        With ``windows`` only these parts are searched, each at its own size, or at ``long_side`` if that is
        less: a vehicle far away is seen larger so than in the whole picture. Finds with fewer than 5
        characters are left out. ValueError for an array that is no picture.
        """
        require_image(image_bgr)
        found = self._found(image_bgr) if windows is None else self._found_within(image_bgr, windows)
        readings = (self._reading(image_bgr, plate.corners, WIDEN) for plate in found)
        return tuple(reading for reading in readings if len(reading.text) >= _SHORTEST)

    def read_plate(self, plate_bgr: Image) -> Reading:
        """Return what a plate says that is cut out along its edges; its text is "" where nobody reads any."""
        require_image(plate_bgr)
        height, width = plate_bgr.shape[:2]
        corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
        return self._reading(plate_bgr, corners, widen=0)

    def _found(self, image_bgr: Image) -> list[Found]:
        find, least = self._detector.find, self._min_confidence
        found = search(find, image_bgr, self._long_side, least)
        clear = any(plate.confidence >= _CLEAR_FIND for plate in found)
        if self._again and not clear and max(image_bgr.shape[:2]) > self._long_side:
            found = search(find, image_bgr, self._again, least)
        return found

    def _found_within(self, image_bgr: Image, windows: Sequence[Window]) -> list[Found]:
        found: list[Found] = []
        for window in windows:
            new = within(image_bgr, window, self._found_in_part)
            found += unknown(new, found)
        return sorted(found, key=lambda plate: -plate.confidence)

    def _found_in_part(self, part_bgr: Image) -> list[Found]:
        long_side = min(self._long_side, max(part_bgr.shape[:2]))
        return search(self._detector.find, part_bgr, long_side, self._min_confidence)

    def _reading(self, image_bgr: Image, corners: NDArray[np.float32], widen: float) -> Reading:
        across, down = sides(corners)
        counts = (1, 2) if across < _MAYBE_TWO_ROWS * down else (1,)
        looks = {rows: self._look(image_bgr, corners, rows, widen) for rows in counts}
        merged = {rows: self._merged(look) for rows, look in looks.items()}
        rows = max(merged, key=lambda count: merged[count].score)
        reading = judged(corners, merged[rows], looks[rows].ground)
        if reading.accepted or not reading.text:
            return reading
        again = self._look(image_bgr, corners, rows, widen - _TIGHTER)
        return judged(corners, self._merged(looks[rows], again), looks[rows].ground)

    def _look(self, image_bgr: Image, corners: NDArray[np.float32], rows: int, widen: float) -> _Look:
        plate = flatten(image_bgr, corners, rows, widen)
        ground = colours(plate)
        row = in_one_row(plate) if rows == 2 else plate
        count = 8 if ground[0] == "green" else 7
        steps = [recogniser.steps(row, count) for recogniser in self._recognisers]
        said = zip(steps, _WEIGHTS[count], _UNKNOWN, strict=True)
        return _Look(ground, tuple(Opinion(*one) for one in said))

    def _merged(self, *looks: _Look) -> Merged:
        """Return what the opinions of all ``looks`` come to; the ground is that of the first."""
        share = 1 / len(looks)
        opinions = [replace(one, weight=one.weight * share) for look in looks for one in look.opinions]
        return merge(opinions, looks[0].ground, self._prior)


def judged(corners: NDArray[np.float32], merged: Merged, ground: Sequence[Colour]) -> Reading:
    """Return the reading of a plate whose ground may have the colours ``ground``, the likeliest first.

    The colour is the likeliest that a kind of plate with this text may have. Accepted is what is of a
    confirmed kind and ACCEPTED_FROM sure of each character.
    """
    fits = [
        (colour, kind.name) for colour in ground for kind in matches(merged.text) if colour in kind.colours
    ]
    colour, kind = fits[0] if fits else (ground[0] if len(ground) == 1 else None, None)
    confidence = min((merged.support, *(place[0].confidence for place in merged.characters)))
    sure = kind is not None and KINDS[kind].confirmed and confidence >= ACCEPTED_FROM
    return Reading(corners, merged.text, merged.characters, confidence, colour, kind, sure)

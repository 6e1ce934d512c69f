"""Finds the heads of riders: looks at the square above each two-wheeler and says where heads are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, InvalidGraph, InvalidProtobuf

from detectors.helmets.classifier import as_input
from detectors.helmets.heads import Head
from detectors.helmets.regions import Region
from detectors.models.sessions import open_session
from lianfang.errors import ModelError

INPUT, OUTPUT = "squares", "map"
SQUARE_PX = 128
CELL_PX = 8  # of the square; the network says for each cell whether a head's middle is there, and its size
CELLS = SQUARE_PX // CELL_PX
SIZE_PX = 16.0  # the size of which the network says the logarithm of the factor
APART = 0.6  # middles of two heads are further apart, in heights of the larger
MAX_HEADS = 4  # of a two-wheeler


@dataclass(frozen=True)
class Located:
    """A head above the two-wheeler with that index, and how sure it is one, 0-1."""

    head: Head
    score: float
    vehicle: int


class HeadLocator:
    """A head locator that is ready to run; may be called from any number of threads at once."""

    def __init__(self, sha256: str, content: bytes) -> None:
        """Load weights; ModelError where they are none of a head locator."""
        try:
            self._session = open_session(content)
            self.min_score = float(self._session.get_modelmeta().custom_metadata_map["min_score"])
            self._maps(np.zeros((1, SQUARE_PX, SQUARE_PX, 3), np.uint8))
        except (KeyError, ValueError, Fail, InvalidArgument, InvalidGraph, InvalidProtobuf) as error:
            raise ModelError(f"helmet weights {sha256[:12]} are not of a head locator: {error}") from error
        self.model_id = f"helmet-locator@{sha256[:12]}"

    def heads(
        self, image_bgr: NDArray[np.uint8], regions: Sequence[Region], min_score: float | None = None
    ) -> list[Located]:
        """Return the heads in ``regions`` of a picture, the surest first, each once.

        ``min_score``, 0-1, takes the place of the bound that the weights bring.
        """
        if not regions:
            return []
        maps = self._maps(np.stack([region.square.cut(image_bgr, SQUARE_PX) for region in regions]))
        least = self.min_score if min_score is None else min_score
        found = []
        for region, one in zip(regions, maps, strict=True):
            for u, v, size, score in peaks(one, least):
                x, y = region.square.outside(u, v, SQUARE_PX)
                head = Head(x, y, size * region.square.side / SQUARE_PX)
                found.append(Located(head, score, region.vehicle))
        return _each_once(sorted(found, key=lambda located: -located.score))

    def _maps(self, squares_bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the maps (N, 4, 16, 16) of squares (N, 128, 128, 3)."""
        (maps,) = self._session.run([OUTPUT], {INPUT: as_input(squares_bgr)})
        return np.asarray(maps, np.float32)


def peaks(one: NDArray[np.float32], min_score: float) -> list[tuple[float, float, float, float]]:
    """Return (x, y, size, score) in pixels of the square of each peak in a map (4, 16, 16) of the network.

    The four planes are the head's score before the sigmoid, where in the cell its middle is (in cells from
    the cell's middle), and the logarithm of its size over `SIZE_PX`.
    """
    score = 1 / (1 + np.exp(-one[0]))
    padded = np.pad(score, 1, constant_values=-1)
    around = np.max([padded[i : i + CELLS, j : j + CELLS] for i in range(3) for j in range(3)], axis=0)
    found = []
    for row, column in np.argwhere((score >= min_score) & (score >= around)):
        right, down, log_size = (float(plane[row, column]) for plane in one[1:])
        size = SIZE_PX * float(np.exp(np.clip(log_size, -2, 3)))
        at = ((column + 0.5 + right) * CELL_PX, (row + 0.5 + down) * CELL_PX)
        found.append((*at, size, float(score[row, column])))
    return found


def _each_once(found: Sequence[Located]) -> list[Located]:
    kept: list[Located] = []
    for one in found:
        near = (
            np.hypot(one.head.x - other.head.x, one.head.y - other.head.y)
            < APART * max(one.head.size_px, other.head.size_px)
            for other in kept
        )
        if not any(near) and sum(other.vehicle == one.vehicle for other in kept) < MAX_HEADS:
            kept.append(one)
    return kept

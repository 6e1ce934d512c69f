"""What was read of one plate in one picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lianfang.plates import Colour


class Candidate(NamedTuple):
    """A character that may stand at one place of a plate, and the confidence in it, 0-1."""

    character: str
    confidence: float


@dataclass(frozen=True, eq=False)
class Reading:
    """One plate of one picture. The weak readings are here too: what may be acted on is ``accepted``."""

    corners: NDArray[np.float32]
    """(4, 2), x and y in pixels of the picture, clockwise from the plate's own top left."""
    text: str
    """The likeliest characters, one for each of ``characters``; those of two rows follow each other."""
    characters: tuple[tuple[Candidate, ...], ...]
    """What may stand at each place, at least one, the likeliest first: the rest is the ambiguity kept."""
    confidence: float
    """0-1, that of the weakest character of ``text``."""
    colour: Colour | None
    """The ground's colour; None where the picture does not show it (night, infra-red)."""
    kind: str | None
    """Name of the kind of plate that ``text`` and ``colour`` agree with, None where no kind does."""
    accepted: bool
    """Whether the recognisers agree, are sure, and a kind agrees with them."""

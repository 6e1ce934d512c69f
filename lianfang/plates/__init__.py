"""Number plates: what may stand on them, and which of them are taken for each other."""

from lianfang.plates.grammar import (
    ALPHABET,
    CONFUSIONS,
    DIGITS,
    KINDS,
    LETTERS,
    PROVINCES,
    Colour,
    Hit,
    Kind,
    fitting,
    folded,
    lookalikes,
    matches,
    nearest,
    normalised,
)

__all__ = [
    "ALPHABET",
    "CONFUSIONS",
    "DIGITS",
    "KINDS",
    "LETTERS",
    "PROVINCES",
    "Colour",
    "Hit",
    "Kind",
    "fitting",
    "folded",
    "lookalikes",
    "matches",
    "nearest",
    "normalised",
]

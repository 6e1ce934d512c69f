"""What may stand on a plate: ``grammar.toml``, checked, and what its kinds say of a text."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from itertools import product
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Colour = Literal["blue", "yellow", "green", "white", "black"]
_LONGEST = 8
_SEPARATORS = str.maketrans("", "", "·•.・-‐‑–— \u3000")


class Kind(BaseModel):
    """A kind of plate. ``pattern`` is of the whole text; the other keys are told in ``grammar.toml``."""

    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(cached_property,))

    name: str
    zh: str
    en: str
    pattern: str
    colours: tuple[Colour, ...] = Field(min_length=1)
    rows: tuple[int, ...] = Field(min_length=1)
    confirmed: bool = True

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """Return the pattern with its sets filled in; ASCII digits only."""
        pattern = self.pattern
        for placeholder, characters in (("<P>", PROVINCES), ("<L>", LETTERS), ("<N>", LETTERS + DIGITS)):
            pattern = pattern.replace(placeholder, f"[{characters}]")
        return re.compile(pattern, re.ASCII)

    def matches(self, text: str) -> bool:
        """Return whether ``text``, as ``normalised`` gives it, is of this kind; its colour is not asked."""
        return self.regex.fullmatch(text) is not None


@dataclass(frozen=True)
class Hit:
    """Listed plates that a text may be. Unless ``exact`` they only look like it: a person must decide."""

    plates: tuple[str, ...]
    exact: bool


def normalised(text: str) -> str:
    """Return ``text`` as plates are compared: capitals, half width, without dots, dashes and spaces."""
    return unicodedata.normalize("NFKC", text).translate(_SEPARATORS).upper()


def matches(text: str) -> tuple[Kind, ...]:
    """Return the kinds that ``text`` may be of, in the order of the data; none for what is no plate."""
    return tuple(kind for kind in KINDS.values() if kind.matches(text))


def fitting(text: str, colour: Colour | None) -> Kind | None:
    """Return the kind that text and colour agree with, None where none does or the colour is unknown.

    The colour settles the length: eight characters stand on green and nowhere else, seven never do.
    """
    return next((kind for kind in matches(text) if colour in kind.colours), None)


def folded(text: str) -> str:
    """Return ``text`` with each character in place of its group of confusions: what looks alike is equal."""
    return text.translate(_FOLD)


def lookalikes(text: str) -> list[str]:
    """Return every text that ``text`` may be taken for, ``normalised``, with itself: some thousand at most.

    What is longer than any plate is taken for nothing else.
    """
    text = normalised(text)
    if len(text) > _LONGEST:
        return [text]
    return ["".join(characters) for characters in product(*(_GROUP.get(c, c) for c in text))]


def nearest(text: str, listed: Iterable[str]) -> Hit | None:
    """Return the listed plates that ``text`` is, or else all that it may be by confusions; None for none.

    Both sides are compared ``normalised``, and plates come back as they were listed. Only an exact hit may
    set off more than a person's look: two listed plates that look alike are two answers.
    """
    text, plates = normalised(text), tuple(listed)
    for exact, seen_as in ((True, normalised), (False, _blurred)):
        if hits := tuple(plate for plate in plates if seen_as(plate) == seen_as(text)):
            return Hit(hits, exact)
    return None


def _blurred(text: str) -> str:
    return folded(normalised(text))


_DATA = tomllib.loads(files("lianfang.plates").joinpath("grammar.toml").read_text(encoding="utf-8"))

PROVINCES: str = _DATA["provinces"]
LETTERS: str = _DATA["letters"]
DIGITS: str = _DATA["digits"]
CONFUSIONS: tuple[str, ...] = tuple(_DATA["confusions"])
"""Groups of characters that are taken for each other; no character is in two of them."""
KINDS: dict[str, Kind] = {name: Kind(name=name, **table) for name, table in _DATA["kinds"].items()}
"""Every kind by its name."""
_WORDS = re.findall("[\u4e00-\u9fff]", "".join(kind.pattern for kind in KINDS.values()))
ALPHABET: str = "".join(dict.fromkeys([*PROVINCES, *LETTERS, *DIGITS, *_WORDS]))
"""Every character that can stand on a plate, once."""

_GROUP = {character: group for group in CONFUSIONS for character in group}
_FOLD = {ord(character): group[0] for group in CONFUSIONS for character in group}

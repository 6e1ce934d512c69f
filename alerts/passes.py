"""Who passes where access is controlled: cards and plates, lists of them, and what is kept of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from alerts.listed import UNCHANGED, Column, Entry, read_list
from alerts.plates import PLATE
from lianfang.plates import nearest, normalised

By = Literal["card", "plate"]

_CARD = re.compile(r"[0-9A-Z]{1,32}")
_BETWEEN = re.compile(r"[\s:.-]+")


def card(text: str) -> str:
    """Return the number of a card as it is written everywhere alike, "" where it is none.

    Readers write the same card with or without leading zeros, in groups or not.
    """
    number = _BETWEEN.sub("", text).upper()
    return (number.lstrip("0") or "0") if _CARD.fullmatch(number) else ""


@dataclass(frozen=True, slots=True)
class Pass:
    """What was shown at a door: a card or a plate, written everywhere alike."""

    by: By
    key: str

    @property
    def masked(self) -> str:
        """It as far as it is kept of somebody whom no list is about: enough to find it again, no more."""
        shown = 4 if len(self.key) >= 8 else 2
        head = self.key[:2] if self.by == "plate" else ""
        return f"{head}{'*' * max(1, len(self.key) - shown - len(head))}{self.key[-shown:]}"


PASSES: Mapping[str, Column] = {"card": Column(card, "a number of a card"), "plate": PLATE}


def shown(attributes: Mapping[str, str]) -> Pass | None:
    """Return what an event of access control says was shown, None where it says neither card nor plate."""
    if number := card(attributes.get("card", "")):
        return Pass("card", number)
    if plate := normalised(attributes.get("plate", "")):
        return Pass("plate", plate)
    return None


@dataclass(frozen=True)
class PassList:
    """Cards and plates of a list."""

    entries: tuple[Entry, ...] = ()

    @classmethod
    def read(cls, path: Path, zone: ZoneInfo, changed: Mapping[Path, str] = UNCHANGED) -> PassList:
        """Return the list in ``path``, a CSV file with the columns card or plate or both, from and until.

        ``changed`` is as of ``read_list``. Raises BadList.
        """
        return cls(read_list(path, zone, PASSES, changed))

    def stands(self, what: Pass, at: datetime) -> bool:
        """Say whether it is on the list at ``at``."""
        return any(entry.stands(at) for entry in self._of(what))

    def expired(self, what: Pass, at: datetime) -> bool:
        """Say whether it was on the list before ``at``, and is no more."""
        over = (e.until is not None and e.until <= at for e in self._of(what))
        return any(over) and not self.stands(what, at)

    def looks_listed(self, what: Pass, at: datetime) -> bool:
        """Say whether a plate on the list at ``at`` may have been taken for it."""
        plates = (e.key for e in self.entries if e.column == "plate" and e.stands(at))
        return what.by == "plate" and nearest(what.key, plates) is not None

    def _of(self, what: Pass) -> list[Entry]:
        return [entry for entry in self.entries if (entry.column, entry.key) == (what.by, what.key)]

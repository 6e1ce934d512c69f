"""Lists of number plates: files that people keep, each plate with the time for which it stands there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from alerts.listed import UNCHANGED, Column, Entry, read_list
from lianfang.events import DetectedObject
from lianfang.plates import Hit, matches, nearest, normalised


def _plate(text: str) -> str:
    plate = normalised(text)
    return plate if matches(plate) else ""


PLATE = Column(_plate, "a plate such as 粤T12345")


@dataclass(frozen=True)
class PlateList:
    """The entries of a list, in the order of its file."""

    entries: tuple[Entry, ...]

    @classmethod
    def read(cls, path: Path, zone: ZoneInfo, changed: Mapping[Path, str] = UNCHANGED) -> PlateList:
        """Return the list in ``path``, a CSV file with the columns plate, from, until; others are notes.

        Times are ISO 8601, without an offset in ``zone``; an empty one is no bound. ``changed`` is as of
        ``read_list``. Raises BadList.
        """
        return cls(read_list(path, zone, {"plate": PLATE}, changed))

    def hit(self, text: str, at: datetime) -> Hit | None:
        """Return the plates on the list at ``at`` that ``text`` is, or else may be; None for none."""
        return nearest(text, (entry.key for entry in self.entries if entry.stands(at)))


def sure_plate(detected: DetectedObject) -> str:
    """Return the plate of a vehicle that was read surely, normalised; "" for none."""
    sure = detected.attributes.get("plate_accepted") is True
    return normalised(str(detected.attributes.get("plate") or "")) if sure else ""

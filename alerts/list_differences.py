"""What versions changed of lists, as far as everybody may see it: plates are masked, notes are not told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from alerts.list_import import written
from alerts.list_sheet import Sheet, notes
from alerts.listed import BadList, entries_of, text_of
from alerts.passes import PASSES, Pass
from lianfang.config import Config
from lianfang.config.changes import Changes
from lianfang.config.differences import Difference
from lianfang.config.lists import lists

_HIDDEN = "***"
_Said = dict[str, tuple[list[str], list[str]]]
"""What is listed, masked → the times for which it is, and what is noted."""


def list_differences(file: Config, before: Changes, after: Changes) -> Iterator[Difference]:
    """Yield what is otherwise on the lists after than before, by list and plate or card."""
    files = lists(file)
    for name in sorted(before.lists.keys() | after.lists.keys()):
        if before.lists.get(name) == after.lists.get(name) or name not in files:
            continue
        was, now = (_said(files[name], changes.lists.get(name), file) for changes in (before, after))
        for key in [*was, *(key for key in now if key not in was)]:
            (times, noted), (later, noted_later) = was.get(key, ([], [])), now.get(key, ([], []))
            at = f"lists.{name}.{_masked(key)}"
            if times != later:
                yield Difference(at, "; ".join(times) or None, "; ".join(later) or None)
            elif noted != noted_later:
                yield Difference(f"{at}.note", _HIDDEN, _HIDDEN)


def _said(path: Path, text: str | None, file: Config) -> _Said:
    found: _Said = {}
    try:
        sheet = Sheet.read(path, text_of(path) if text is None else text)
    except BadList:
        return found
    zone = file.community.zone
    own = {name: column for name, column in PASSES.items() if name in sheet.columns}
    for row in sheet.rows:
        entries, _ = entries_of(row, zone, own) if own else ([], [])
        for entry in entries:
            times, noted = found.setdefault(f"{entry.column} {entry.key}", ([], []))
            times.append(f"{written(entry.since, zone)} – {written(entry.until, zone)}")
            noted.append(notes(row, PASSES))
    return found


def _masked(key: str) -> str:
    column, _, text = key.partition(" ")
    return Pass("plate" if column == "plate" else "card", text).masked

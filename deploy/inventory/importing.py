"""Rows of tables into a configuration: what each cell changes, and what is wrong with it."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from deploy.inventory.cells import shown_at
from deploy.inventory.draft import GONE, Draft, value_at
from deploy.inventory.names import made_id, meant, next_id
from deploy.inventory.rows import Row
from deploy.inventory.shapes import ALLOWED, parsed, shape_of
from deploy.inventory.sheets import ID, OF, SHEETS, Path
from lianfang.config.naming import next_name
from lianfang.config.stanza import Key
from lianfang.table_fault import Fault

_KNOWN_BY: Mapping[str, tuple[Path, ...]] = {
    "cameras": (("device_code",), ("source", "url"), ("name",)),
}
"""By what, beside its name, an entry is known whose row has no id."""

_WRONG = object()


class Importer:
    """Takes rows into a draft, and keeps which row said what, and what is wrong."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self.faults: list[Fault] = []
        self.rows: dict[tuple[str, ...], Row] = {}
        self.counts: Counter[str] = Counter()

    def take(self, rows: Iterable[Row]) -> None:
        """Take all rows in, sheet by sheet: what others name comes first, then ids that rows make up."""
        order = [sheet.id for sheet in SHEETS]
        for row in sorted(rows, key=lambda row: (order.index(row.sheet.id), not row.cells.get(ID))):
            key = self._key_of(row)
            if key is None:
                continue
            names = tuple(str(part) for part in key)
            if names in self.rows:
                first = self.rows[names]
                found = f"{key[-1]!r} again (first in {first.table.file.name}, row {first.number})"
                self.faults.append(row.fault(ID, found, "each id once"))
                continue
            self.rows[names] = row
            self._fill(row, key)

    def _key_of(self, row: Row) -> Key | None:
        """Return where the entry of a row stands or will stand; None where that is wrong."""
        above: Key = (row.sheet.section,)
        if row.sheet.within:
            of = self._meant(row, OF, "cameras", row.cells.get(OF, ""))
            if of is None:
                return None
            above = ("cameras", of, row.sheet.within)
        entries = self._draft.get(above) or {}
        name = row.cells.get(ID, "") or self._found(row, entries) or self._made(row, entries)
        if not name:
            self.faults.append(row.fault(ID, "nothing", "an id, or a name of which one can be made"))
            return None
        return (*above, name)

    def _found(self, row: Row, entries: Mapping[str, Any]) -> str | None:
        """Return the id of the one entry that a row without an id is about, if there is one."""
        for path in _KNOWN_BY.get(row.sheet.id, (("name",),)):
            if cell := row.cells.get(path, ""):
                found = [name for name, entry in entries.items() if shown_at(entry, path) == cell]
                if len(found) == 1:
                    return found[0]
        return None

    def _made(self, row: Row, entries: Mapping[str, Any]) -> str | None:
        taken = {*entries, *(names[-1] for names in self.rows)}
        point = meant(row.cells.get(("point",), ""), self._draft.get(("points",)) or {})
        if row.sheet.id == "cameras" and point:
            return next_id(f"{point}_c", taken)
        name = row.cells.get(("name",), "")
        return made_id(name, taken, row.sheet.id[0]) if name else None

    def _fill(self, row: Row, key: Key) -> None:
        """Set what the cells of a row say; a kind first, since it says what else there may be."""
        before = self._draft.get(key)
        if before is None:
            self._draft.set(key, {})
        changed = False
        for path, cell in sorted(row.cells.items(), key=lambda item: item[0][-1] != "kind"):
            if path not in (ID, OF) and shown_at(self._draft.get(key), path) != cell:
                changed |= self._set(row, key, path, cell)
        changed |= before is None and self._name(row, key)
        self.counts["added" if before is None else "changed" if changed else "unchanged"] += 1

    def _set(self, row: Row, key: Key, path: Path, cell: str) -> bool:
        """Set one cell; False where it says what stands there already, or is wrong."""
        entry = self._draft.get(key) or {}
        there = value_at(entry, path)
        if not cell:
            if shown_at(entry, path):
                self._draft.set((*key, *path), GONE)
            return bool(shown_at(entry, path))
        value = self._value(row, entry, path, cell)
        if value is _WRONG or (value is not None and value == there):
            return False
        self._draft.set((*key, *path, "zh") if isinstance(there, dict) else (*key, *path), value)
        return True

    def _value(self, row: Row, entry: Mapping[str, Any], path: Path, cell: str) -> Any:  # noqa: ANN401
        """Return what a cell means; _WRONG where it is wrong."""
        shape = shape_of(row.sheet.section, row.sheet.within, entry, path)
        if shape is None:
            kind = value_at(entry, (*path[:1], "kind")) or entry.get("kind") or row.sheet.en
            said = f"nothing: {kind} has no key {'.'.join(path)} that a cell can hold"
            self.faults.append(row.fault(path, repr(cell), said))
            return _WRONG
        try:
            value = parsed(shape, cell)
        except ValueError:
            self.faults.append(row.fault(path, repr(cell), ALLOWED[shape]))
            return _WRONG
        if "://" in cell and (wrong := _wrong_address(str(value_at(entry, path) or ""), cell)):
            self.faults.append(row.fault(path, *wrong))
            return _WRONG
        return self._referred(row, path, value)

    def _referred(self, row: Row, path: Path, value: Any) -> Any:  # noqa: ANN401
        """Return ids in place of names, where the column names entries; _WRONG where one is unknown."""
        column = next((one for one in row.headers.values() if one.path == path), None)
        if column is None or not column.refers or value is None:
            return value
        if not isinstance(value, list):
            return self._meant(row, path, column.refers, str(value)) or _WRONG
        ids = [self._meant(row, path, column.refers, one) for one in value]
        return _WRONG if None in ids else ids

    def _meant(self, row: Row, path: Path, section: str, said: str) -> str | None:
        entries = self._draft.get((section,)) or {}
        found = meant(said, entries)
        if found is None:
            close = difflib.get_close_matches(said, entries, n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            allowed = f"the id, or a name that only one has, of one of the {len(entries)} {section}{hint}"
            self.faults.append(row.fault(path, repr(said) if said else "nothing", allowed))
        return found

    def _name(self, row: Row, key: Key) -> bool:
        """Give a new camera without a name one by the community's template."""
        template = self._draft.get(("community", "camera_names"))
        point = self._draft.get(("points", self._draft.get((*key, "point")) or ""))
        if row.sheet.id != "cameras" or not template or not point or self._draft.get((*key, "name")):
            return False
        self._draft.set(
            (*key, "name"), next_name(template, str(point.get("name")), set(self._camera_names()))
        )
        return True

    def _camera_names(self) -> Iterator[str]:
        for camera in (self._draft.get(("cameras",)) or {}).values():
            yield str(camera.get("name", ""))


def _wrong_address(before: str, after: str) -> tuple[str, str] | None:
    """Return what is wrong with an address that a cell says: no secret comes in by it, and none is lost."""
    columns = "the address alone; user name and file or variable of the password have columns of their own"
    if "@" in after.partition("://")[2].partition("/")[0]:
        return "a login in the address", columns
    try:
        if "@" in urlsplit(before).netloc:
            return (
                "another address, where one with a login in it stands",
                "first move that login out of the address",
            )
    except ValueError:
        pass  # it could not be taken apart: a new one is as well
    return None

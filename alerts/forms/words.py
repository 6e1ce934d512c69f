"""What people read of rules and of their keys: ``words.toml``, the one place of it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

_FILE = Path(__file__).with_suffix(".toml")
_UNITS = {
    "_s": ("秒", "s"),
    "_pct": ("%", "%"),
    "_days": ("天", "days"),
}


class Phrase(BaseModel):
    """A word or a sentence in both languages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zh: str
    en: str


class Label(Phrase):
    """What a key is called; ``help`` explains it in Chinese, its docstring in English."""

    help: str = ""


class Glossary(BaseModel):
    """Everything that stands in the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kinds: Mapping[str, Label]
    tables: Mapping[str, Mapping[str, Label]]
    values: Mapping[str, Mapping[str, Phrase]]

    def key(self, key: str, *tables: str) -> Label:
        """Return what a key is called: by the first of ``tables`` that knows it, else wherever it stands.

        KeyError where nobody has named it.
        """
        return next(self.tables[t][key] for t in (*tables, "keys") if key in self.tables.get(t, {}))

    def value(self, key: str, value: str) -> Phrase:
        """Return what a value of a key is called; itself where nobody has named it."""
        return self.values.get(key, {}).get(value) or Phrase(zh=value, en=value)


@lru_cache(maxsize=1)
def glossary() -> Glossary:
    """Return the words, read once."""
    with _FILE.open("rb") as file:
        data = tomllib.load(file)
    kinds, values = data.pop("kinds"), data.pop("values")
    return Glossary(kinds=kinds, tables=data, values=values)


def unit(key: str) -> Phrase | None:
    """Return the unit that the name of a key ends with; None where it has none."""
    found = next((unit for suffix, unit in _UNITS.items() if key.endswith(suffix)), None)
    return Phrase(zh=found[0], en=found[1]) if found else None

"""Ids and names that tables leave out, and what they mean where they name something by its name."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Mapping
from typing import Any

from pypinyin import lazy_pinyin

_LONGEST = 48


def made_id(name: str, taken: Collection[str], before: str = "n") -> str:
    """Return an id made of a name, Chinese as pinyin, that is not ``taken``."""
    spelled = re.sub(r"[^a-z0-9]+", "_", "_".join(lazy_pinyin(name)).lower()).strip("_")[:_LONGEST].strip("_")
    base = spelled if spelled[:1].isalpha() else f"{before}_{spelled}".rstrip("_")
    return next(one for one in _numbered(base) if one not in taken)


def _numbered(base: str) -> itertools.chain[str]:
    return itertools.chain([base], (f"{base}_{n}" for n in itertools.count(2)))


def next_id(prefix: str, taken: Collection[str]) -> str:
    """Return the first of ``prefix``1, 2, 3 … that is not taken."""
    return next(one for n in itertools.count(1) if (one := f"{prefix}{n}") not in taken)


def meant(said: str, entries: Mapping[str, Any]) -> str | None:
    """Return the id of the entry that is called ``said``, by its id or by a name that only one has."""
    if said in entries:
        return said
    named = [name for name, entry in entries.items() if said and _name(entry) == said]
    return named[0] if len(named) == 1 else None


def _name(entry: Any) -> str:  # noqa: ANN401
    name = entry.get("name") if isinstance(entry, dict) else None
    return str(name.get("zh", "") if isinstance(name, dict) else name or "")

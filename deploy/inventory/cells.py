"""What an entry of a configuration says as cells of a table: never a secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from deploy.inventory.draft import value_at
from deploy.inventory.shapes import NULL, shown
from deploy.inventory.sheets import Path

_BLANK = " \u3000\xa0"


def shown_at(entry: Any, path: Path) -> str:  # noqa: ANN401
    """Return the cell of a key, "" for nothing and for what no cell can hold."""
    value = value_at(entry, path)
    if value is None:  # there is a difference: where nothing is said the usual value holds
        above = value_at(entry, path[:-1])
        return NULL if isinstance(above, Mapping) and path[-1] in above else ""
    if isinstance(value, Mapping) and path == ("name",):
        value = value.get("zh")
    text = (shown(value) or "").strip(_BLANK)
    return _without_login(text) if "://" in text else text


def _without_login(address: str) -> str:
    try:
        parts = urlsplit(address)
        return (
            parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
            if "@" in parts.netloc
            else address
        )
    except ValueError:
        return ""  # what cannot be taken apart may hold a password anywhere

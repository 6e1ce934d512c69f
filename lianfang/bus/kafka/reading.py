"""From the client's records to ours."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from lianfang.bus import Position, Record


def record_of(entry: Any) -> Record:  # noqa: ANN401 - kafka-python is untyped
    """Return ``entry`` as our record. Bytes that are no UTF-8 are shown as such, never dropped."""
    return Record(
        position=Position(entry.topic, entry.partition, entry.offset),
        key=_text(entry.key),
        value=entry.value or b"",
        headers={name: _text(content) for name, content in entry.headers},
        published_at=datetime.fromtimestamp(entry.timestamp / 1000, UTC),
    )


def _text(content: bytes | None) -> str:
    return (content or b"").decode(errors="backslashreplace")

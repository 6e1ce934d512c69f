"""What an owner offers: where the camera is, and what may be done with its pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lianfang.config.faults import Document, validated
from lianfang.config.guests import Guest


@dataclass(frozen=True)
class Offer:
    """As it came from the page. ``source`` is a stanza of a source, with its password; it is never logged."""

    allowed: dict[str, Any]  # of lianfang.config.guests.Guest, without name, near and paused
    source: dict[str, Any]
    how: Literal["fetched", "pushed"]
    owner: str
    language: Literal["zh", "en"]

    def guest(self, name: str, near: str) -> Guest:
        """Return what is allowed, of a camera that looks at ``name``; ConfigError says what is wrong."""
        return _guest({"name": name, **self.allowed}, near)

    @staticmethod
    def plain(name: str, near: str) -> Guest:
        """Return the least that a camera of that name could be; ConfigError where the name is forbidden."""
        return _guest({"name": name, "legal_class": "venue"}, near)


def _guest(data: dict[str, Any], near: str) -> Guest:
    return validated(Document(Path("camera"), {**data, "near": near or None}), Guest)

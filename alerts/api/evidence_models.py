"""What the API says of what was seen: pictures, the clip, and what people photographed."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from alerts.api.answer import Answer
from alerts.store.clips import Missing


class Evidence(Answer):
    """A picture. The addresses are null unless it is kept; ``reason`` says why it is missing."""

    id: str
    state: Literal["pending", "kept", "missing"]
    reason: str
    camera: str
    captured_at: AwareDatetime
    original_url: str | None
    annotated_url: str | None


class Gap(Answer):
    """From when to when there is no picture."""

    since: AwareDatetime
    until: AwareDatetime


class Clip(Answer):
    """The film from ``since`` to ``until``, as far as there are pictures: ``gaps`` are where there are none.

    The address is null unless it is kept; ``reason`` says why it is missing, or that the camera was lost.
    """

    id: str
    state: Literal["pending", "kept", "missing"]
    reason: Literal["", "camera_lost"] | Missing
    camera: str
    since: AwareDatetime
    until: AwareDatetime
    begins_at: AwareDatetime | None
    ends_at: AwareDatetime | None
    gaps: list[Gap]
    frames: int
    size_bytes: int
    sha256: str
    url: str | None


class Photo(Answer):
    """A photograph that a person put to the case."""

    url: str
    by_name: str
    at: AwareDatetime

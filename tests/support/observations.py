"""Scripted observations: who stands where, when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from lianfang.events import XYXYN, DetectedObject, FrameReference, Observation

START = datetime(2026, 7, 1, 6, 0, tzinfo=UTC)
HEIGHT, WIDTH = 0.2, 0.08


def at(seconds: float) -> datetime:
    """Return the moment ``seconds`` after the start of the script."""
    return START + timedelta(seconds=seconds)


def standing(x: float, y: float) -> XYXYN:
    """Return the box of a person whose feet are at (x, y)."""
    return (max(x - WIDTH / 2, 0), max(y - HEIGHT, 0), min(x + WIDTH / 2, 1), y)


def observation(
    seconds: float,
    people: Mapping[str | int | None, tuple[float, float]],
    *,
    camera: str = "cam",
    epoch: str = "e1",
    confidence: float = 0.9,
    label: str = "person",
    connection: str = "c",
    attributes: Mapping[str, object] | None = None,
) -> Observation:
    """Return what was seen at ``seconds``: track number (None: unconfirmed) → where the feet are.

    ``attributes`` are those of everybody.
    """
    objects = tuple(
        DetectedObject(
            track_id=None if n is None else f"{epoch}:{n}",
            label=label,
            confidence=confidence,
            xyxyn=standing(x, y),
            attributes=dict(attributes or {}),
        )
        for n, (x, y) in people.items()
    )
    moment = at(seconds)
    return Observation(
        camera_id=camera,
        track_epoch=epoch,
        frame=FrameReference(
            topic="frames.v1",
            partition=0,
            offset=round(seconds * 1000),
            camera_id=camera,
            epoch=connection,
            seq=0,
        ),
        captured_at=moment,
        published_at=moment,
        detected_at=moment,
        width=640,
        height=360,
        objects=objects,
    )

"""Which stream of a camera is read: the cheapest one that serves its detectors. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lianfang.config.stanza import Problem

if TYPE_CHECKING:
    from lianfang.config.camera import Camera
    from lianfang.config.model import Config

Stream = Literal["main", "sub"]
"""What a camera encodes: its best pictures, and smaller ones beside them."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a camera is read, and why so, for a person."""

    stream: Stream
    why: str


def way_of(config: Config, camera_id: str) -> Way:
    """Return the sub-stream where there is one and no detector needs more pixels, else the main stream."""
    camera = config.cameras[camera_id]
    if camera.stream != "auto":
        return Way(camera.stream, "so configured")
    if "sub" not in streams_of(camera):
        return Way("main", "no sub-stream")
    gives = sub_width_px(camera)
    for name, needs in needs_of(config, camera):
        if needs > gives:
            return Way("main", f"{name} needs {needs} px, the sub-stream gives {gives}")
    return Way("sub", f"{gives} px are enough for its detectors")


def vital(config: Config) -> frozenset[str]:
    """Return the cameras of rules of life safety."""
    rules = (rule for rule in config.rules.values() if getattr(rule, "life_safety", False))
    return frozenset(camera_id for rule in rules for camera_id in getattr(rule, "cameras", ()))


def streams_of(camera: Camera) -> tuple[Stream, ...]:
    """Return the streams that a camera has, as far as the configuration says."""
    streams: tuple[Stream, ...] = getattr(camera.source, "streams", ("main",))
    return streams


def sub_width_px(camera: Camera) -> int:
    """Return how wide the published pictures of its sub-stream are."""
    share = camera.crop.x_max - camera.crop.x_min if camera.crop else 1.0
    return min(camera.max_width, round(camera.sub_width * share))


def needs_of(config: Config, camera: Camera) -> Iterator[tuple[str, int]]:
    """Yield the detectors of a camera that say how wide a picture they need, at most its ``max_width``."""
    for name in camera.detectors:
        needs = getattr(config.detectors.get(name), "picture_width_px", None)
        if needs is not None:
            yield name, min(needs, camera.max_width)


def streamed_wrongly(config: Config, camera_id: str) -> Iterator[Problem]:
    """Yield a problem where a stream is asked for that there is none of, or that does not serve."""
    camera = config.cameras[camera_id]
    if camera.stream != "sub":
        return
    if "sub" not in streams_of(camera):
        yield Problem(("stream",), "'sub' of a source without a sub-stream", "auto or main")
    for name, needs in needs_of(config, camera):
        if needs > (gives := sub_width_px(camera)):
            found = f"'sub', which is {gives} px wide, where {name} needs {needs}"
            yield Problem(("stream",), found, "auto or main; or a larger sub_width", warning=True)

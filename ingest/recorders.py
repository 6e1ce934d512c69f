"""The addresses that recorders give their channels, by make. Facts, kept as data: a site may correct them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from string import Formatter
from typing import Literal

Make = Literal["hikvision", "dahua", "uniview"]


@dataclass(frozen=True, slots=True)
class Recorder:
    """Paths of a live main stream, of a live sub-stream, and of what was recorded.

    They hold {channel}, and {start} and {end} as ``moment`` writes a time, which is in the zone of the
    recorder's clock.
    """

    main: str
    sub: str
    playback: str
    moment: Callable[[datetime], str]


def _compact(at: datetime) -> str:
    # The Z stands there for form's sake: most firmware takes it for the time of its own clock.
    return f"{at:%Y%m%dT%H%M%SZ}"


def _underscored(at: datetime) -> str:
    return f"{at:%Y_%m_%d_%H_%M_%S}"


def _epoch(at: datetime) -> str:
    return str(int(at.timestamp()))


MAKES: dict[Make, Recorder] = {
    "hikvision": Recorder(
        "/Streaming/Channels/{channel}01",
        "/Streaming/Channels/{channel}02",
        "/Streaming/tracks/{channel}01?starttime={start}&endtime={end}",
        _compact,
    ),
    "dahua": Recorder(
        "/cam/realmonitor?channel={channel}&subtype=0",
        "/cam/realmonitor?channel={channel}&subtype=1",
        "/cam/playback?channel={channel}&starttime={start}&endtime={end}",
        _underscored,
    ),
    "uniview": Recorder(
        "/unicast/c{channel}/s0/live",
        "/unicast/c{channel}/s1/live",
        "/c{channel}/b{start}/e{end}/replay/",
        _epoch,
    ),
}


def filled(path: str, recorder: Recorder, channel: int, span: tuple[datetime, datetime] | None = None) -> str:
    """Return ``path`` with its values in place; ValueError or LookupError for a name that means nothing."""
    values = {"channel": str(channel)}
    if span is not None:
        values |= {"start": recorder.moment(span[0]), "end": recorder.moment(span[1])}
    parts = []
    for text, name, form, conversion in Formatter().parse(path):
        if form or conversion:
            raise ValueError("no format of its own")
        parts += [text, values[name] if name is not None else ""]
    return "".join(parts)

"""What people change of a running configuration: laid over the file, and checked as the file is."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

from lianfang.config.camera import Camera
from lianfang.config.faults import Document, judge_all, validated
from lianfang.config.guests import PREFIX, Guest
from lianfang.config.joining import joined, unjoinable
from lianfang.config.lists import lists
from lianfang.config.model import Config
from lianfang.config.sharing import log_keys
from lianfang.config.stanza import Id, Key, Stanza
from lianfang.errors import ConfigError, ConfigProblem

_NAMED = Path("changes")
Data = dict[str, Any]
GuestId = Annotated[str, StringConstraints(pattern=rf"^{PREFIX}[a-z0-9_]{{1,50}}$")]


class Drawn(Stanza):
    """What is drawn on the picture of a camera otherwise than in the file: whole stanzas, None is removed."""

    zones: dict[Id, Data | None] = Field(default_factory=dict)
    """Zones."""
    lines: dict[Id, Data | None] = Field(default_factory=dict)
    """Lines."""


SPEAKER_KEYS = (
    "quiet",
    "quieter",
    "max_volume_pct",
    "night_volume_pct",
    "per_hour",
    "per_day",
    "per_night",
)
"""What people may change of a speaker: when it is quiet or quieter, how loud it is, how much it says."""


class Changes(Stanza):
    """What is otherwise than in the file. Without anything it is the file."""

    rules: dict[Id, Data] = Field(default_factory=dict)
    """Whole stanzas of rules, of the file or new."""
    cameras: dict[Id, Drawn] = Field(default_factory=dict)
    """Zones and lines of cameras."""
    cameras_off: tuple[Id, ...] = ()
    """Cameras that a person has switched off."""
    speakers: dict[Id, Data] = Field(default_factory=dict)
    """What is otherwise of speakers, by key."""
    guests: dict[GuestId, Guest] = Field(default_factory=dict)
    """Cameras that others have connected."""
    lists: dict[str, Annotated[str, AfterValidator(sys.intern)]] = Field(default_factory=dict)
    """Lists of rules, by name: each a CSV file as it is now. Versions that have the same text share it."""

    def only_off(self) -> Changes:
        """Return nothing of it but the cameras that are off: they stay so whatever else does not fit."""
        return Changes(cameras_off=self.cameras_off)


@dataclass(frozen=True, slots=True)
class Version:
    """What is otherwise than in the configuration file, from ``since`` on until the next one."""

    number: int
    since: datetime
    changes: Changes


def read(data: Any) -> Changes:  # noqa: ANN401 - whatever was written once
    """Return changes from plain data; ConfigError where they are none."""
    return validated(Document(_NAMED, data), Changes)


def applied(config: Config, changes: Changes) -> Config:
    """Return ``config``, as loaded, with ``changes``; ConfigError carries every problem, by key.

    Cameras that are off and that the file has no more are no fault.
    """
    cameras: dict[str, Any] = dict(config.cameras)
    document = Document(_NAMED)
    files = lists(config)
    wrong = [*_strangers(document, config, changes), *unjoinable(document, config, changes.guests)]
    for camera_id in changes.cameras.keys() & config.cameras.keys():
        cameras[camera_id] = _drawn(config.cameras[camera_id], changes.cameras[camera_id])
    receivers = {**config.receivers}
    for name in changes.speakers.keys() & config.receivers.keys():
        try:
            receivers[name] = _speaking(config.receivers[name], changes.speakers[name])
        except ConfigError as error:
            wrong += [replace(found, key=f"receivers.{name}.{found.key}") for found in error.problems]
    if wrong:
        raise ConfigError(wrong)
    document.data = {
        **dict(config),
        "rules": {**config.rules, **changes.rules},
        "cameras": cameras,
        "receivers": receivers,
    }
    resulting = joined(_without(validated(document, Config), changes.cameras_off), changes.guests)
    resulting = resulting.with_lists({files[name]: text for name, text in changes.lists.items()})
    named = {path for _, path in paths(("rules",), config.rules)}
    wrong = [
        document.problem(
            key, repr(str(path)), f"a file that rules of the configuration file name: {_list(named)}"
        )
        for rule_id in changes.rules
        for key, path in paths(("rules", rule_id), resulting.rules[rule_id])
        if path not in named  # or whoever changes rules could have any file read
    ]
    if wrong:
        raise ConfigError(wrong)
    judge_all(document, resulting, lambda _: None)
    wrong = [
        document.problem(key, found, "no change here: who reads what belongs together goes by the file")
        for key, found in _joined_anew(config, resulting)
    ]
    if wrong:
        raise ConfigError(wrong)
    return resulting


def paths(key: Key, value: object) -> Iterator[tuple[Key, Path]]:
    """Yield every path in ``value``, with its key."""
    if isinstance(value, Path):
        yield key, value
    elif isinstance(value, Stanza):
        for name in type(value).model_fields:
            yield from paths((*key, name), getattr(value, name))
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from paths((*key, name), item)
    elif isinstance(value, tuple):
        for i, item in enumerate(value):
            yield from paths((*key, i), item)


def _list(paths: Iterable[Path]) -> str:
    return ", ".join(sorted(map(str, paths))) or "there is none"


def _drawn(camera: Camera, drawn: Drawn) -> Data:
    """Return the stanza of a camera as plain data, with what is drawn on it."""
    zones: dict[str, Any] = {**camera.zones, **drawn.zones}
    lines: dict[str, Any] = {**camera.lines, **drawn.lines}
    return {
        **dict(camera),
        "zones": {name: zone for name, zone in zones.items() if zone is not None},
        "lines": {name: line for name, line in lines.items() if line is not None},
    }


def _speaking(speaker: Stanza, changed: Data) -> Stanza:
    """Return the stanza of a speaker with other hours and bounds; ConfigError where they are none."""
    return validated(Document(_NAMED, {**dict(speaker), **changed}), type(speaker))


def _without(config: Config, cameras_off: tuple[str, ...]) -> Config:
    off = {
        name: config.cameras[name].model_copy(update={"enabled": False})
        for name in cameras_off
        if name in config.cameras
    }
    return config.model_copy(update={"cameras": {**config.cameras, **off}}) if off else config


def _strangers(document: Document, config: Config, changes: Changes) -> Iterator[ConfigProblem]:
    for key, named, known in (
        ("cameras", changes.cameras, config.cameras.keys()),
        ("receivers", changes.speakers, set(config.receivers_of("speaker"))),
        ("lists", changes.lists, lists(config).keys()),
    ):
        for name in sorted(named.keys() - known):
            yield document.problem((key, name), repr(name), f"one of {', '.join(sorted(known))}")
    for name, changed in changes.speakers.items():
        for key in sorted(changed.keys() - set(SPEAKER_KEYS)):
            yield document.problem(("receivers", name, key), "a change", ", ".join(SPEAKER_KEYS))


def _joined_anew(before: Config, after: Config) -> Iterator[tuple[Key, str]]:
    """Yield sources that belong together only now: by the file, their events lie in several partitions."""
    was, now = log_keys(before), log_keys(after)
    was |= {guest: guest for guest in after.cameras.keys() - was.keys() if guest.startswith(PREFIX)}
    first: dict[str, str] = {}
    for source in now:
        other = first.setdefault(now[source], source)
        if was.get(other) != was.get(source) or source not in was:
            yield (source,), f"{source} together with {other}"

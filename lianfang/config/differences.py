"""What is different between two states of a configuration, key by key. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lianfang.config.changes import SPEAKER_KEYS, Changes, Data
from lianfang.config.model import Config

_MISSING = object()


@dataclass(frozen=True)
class Difference:
    """One key that differs; None is that there is nothing."""

    key: str
    before: Any
    after: Any


def changeable(file: Config, changes: Changes) -> Data:
    """Return as plain data all that may be changed while it runs, as it is with ``changes``."""
    rules = {rule_id: _plain(rule) for rule_id, rule in file.rules.items()}
    cameras = {}
    for camera_id, camera in file.cameras.items():
        drawn = changes.cameras.get(camera_id)
        zones: Data = {name: _plain(zone) for name, zone in camera.zones.items()}
        lines: Data = {name: _plain(line) for name, line in camera.lines.items()}
        off = camera_id in changes.cameras_off or not camera.enabled
        cameras[camera_id] = {
            "enabled": not off,
            "zones": _present({**zones, **(drawn.zones if drawn else {})}),
            "lines": _present({**lines, **(drawn.lines if drawn else {})}),
        }
    speakers = {
        name: {
            **file.receivers[name].model_dump(mode="json", include=set(SPEAKER_KEYS), exclude_unset=True),
            **changes.speakers.get(name, {}),
        }
        for name in file.receivers_of("speaker")
    }
    return {"rules": {**rules, **changes.rules}, "cameras": cameras, "receivers": speakers}


def differences(before: Data, after: Data) -> list[Difference]:
    """Return what differs, in the order of the keys; lists are compared whole."""
    return list(_compared((), before, after))


def _compared(key: tuple[str, ...], before: object, after: object) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in [*before, *(name for name in after if name not in before)]:
            yield from _compared((*key, name), before.get(name, _MISSING), after.get(name, _MISSING))
    elif before != after:
        known = [None if value is _MISSING else value for value in (before, after)]
        yield Difference(".".join(key), *known)


def _present(stanzas: Data) -> Data:
    return {name: stanza for name, stanza in stanzas.items() if stanza is not None}


def _plain(stanza: Any) -> Data:  # noqa: ANN401 - any stanza
    data: Data = stanza.model_dump(mode="json", exclude_unset=True)
    kind = {"kind": data.pop("kind")} if "kind" in data else {}  # as people write it: first
    return {**kind, **data}

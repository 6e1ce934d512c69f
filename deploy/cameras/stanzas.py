"""What was found, as YAML to paste into a configuration; all that is said beside it is a comment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from deploy.cameras.login import Login
from ingest.onvif import Information, Profile
from ingest.onvif.discovery import Found
from lianfang.redact import quoted

_LONGEST_ID = 63


@dataclass(frozen=True)
class Described:
    """What a device said of itself."""

    information: Information
    profiles: Sequence[Profile]

    @property
    def lenses(self) -> list[str]:
        """The tokens of what it looks through: one of a camera, one a channel of a recorder."""
        return list(dict.fromkeys(profile.source for profile in self.profiles))


@dataclass(frozen=True)
class Seen:
    """A device that was found, and what it said: None if it was not asked, a text for why it said nothing."""

    found: Found
    said: Described | str | None


def written(seen: Iterable[Seen], login: Login | None) -> str:
    """Return the text."""
    cameras: dict[str, Any] = {}
    comments: list[str] = []
    for device in seen:
        comments += _told(device)
        if not isinstance(device.said, str):
            cameras |= _stanzas(device, login, cameras)
    return commented(comments) + (in_yaml({"cameras": cameras}) if cameras else "")


def commented(lines: Iterable[str]) -> str:
    """Return lines as comments: whatever a device is called, it ends none."""
    return "".join(f"# {quoted(line)}\n" for line in lines)


def in_yaml(data: Mapping[str, Any]) -> str:
    """Return a part of a configuration."""
    return yaml.safe_dump(dict(data), allow_unicode=True, sort_keys=False, width=110)


def unused(wanted: str, used: Iterable[str]) -> str:
    """Return an id made of ``wanted`` that is not in ``used``."""
    begin = re.sub(r"[^a-z0-9]+", "_", f"cam_{wanted}".lower()).strip("_")[: _LONGEST_ID - 4]
    taken = set(used)
    return next(name for name in _numbered(begin) if name not in taken)


def _numbered(begin: str) -> Iterator[str]:
    yield begin
    number = 2
    while True:
        yield f"{begin}_{number}"
        number += 1


def _told(device: Seen) -> Iterator[str]:
    found, said = device.found, device.said
    what: Sequence[str] = (found.name, found.hardware)
    if isinstance(said, Described):
        made = said.information
        what = (made.make, made.model, made.firmware)
    yield " ".join([found.url, *filter(None, what)])
    if found.said:
        yield f"- it calls itself {found.said}: behind an address translation, or wrongly set"
    if isinstance(said, str):
        yield f"- {said}"
    elif said is not None:
        for p in said.profiles:
            yield f"- profile {p.token}: {p.encoding} {p.width}x{p.height}, {p.fps:g}/s, lens {p.source}"


def _stanzas(device: Seen, login: Login | None, used: Mapping[str, Any]) -> dict[str, Any]:
    said, found = device.said, device.found
    lenses = said.lenses if isinstance(said, Described) else []
    made: dict[str, Any] = {}
    for lens in lenses if len(lenses) > 1 else [None]:
        name = unused(found.host if lens is None else f"{found.host}_{lens}", {*used, *made})
        source: dict[str, Any] = {"kind": "onvif", "url": found.url}
        source |= login.stanza() if login else {}
        source |= {"lens": lens} if lens is not None else {}
        made[name] = {"name": found.name or name, "point": "TODO", "source": source}
    return made

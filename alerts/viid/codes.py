"""The numbers and names of GA/T 1400: ``codes.toml``, and what a site has corrected in a file of its own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from alerts.corrections import corrected

ObjectKind = Literal["motor_vehicle", "non_motor_vehicle", "person", "image"]
RecordKind = Literal["ape", "tollgate"]
Kind = ObjectKind | RecordKind | Literal["video"]
_Digits = Annotated[str, Field(pattern=r"^[0-9]{1,3}$")]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StatusCodes(_Table):
    """What the codes of an item's status mean."""

    taken: frozenset[int]
    unknown: frozenset[int]
    again: frozenset[int]
    refused: frozenset[int]


class Collection(_Table):
    """Where objects of a kind are posted, and in which keys."""

    path: str
    list: str
    item: str


class PlateCodes(_Table):
    """Class and colour of a kind of plate."""

    class_: _Digits = Field(alias="class")
    colour: _Digits


class RuleCodes(_Table):
    """What incidents of a kind of rule are reported as."""

    objects: tuple[ObjectKind, ...] = Field(min_length=1)
    event_sort: int = Field(ge=0)
    extra: dict[ObjectKind, dict[str, str | int | float | bool]] = {}


class VideoCodes(_Table):
    """What is said of a slice of video: digits 21 and 22 of its id, where it comes from, its format."""

    type: Annotated[str, Field(pattern=r"^[0-9]{2}$")]
    source: _Digits
    file_format: str


class IsOnlineCodes(_Table):
    """What is said of a camera's stream."""

    online: _Digits
    offline: _Digits
    unknown: _Digits


class TollgateStatusCodes(_Table):
    """What is said of a tollgate: its camera is looked at, or nobody looks there."""

    in_use: _Digits
    out_of_use: _Digits


class SubscriptionCodes(_Table):
    """How one subscribes to objects or records of a kind: its number, and the key of its list."""

    detail: int = Field(ge=1, le=999)
    list: str


class Codes(_Table):
    """All of them."""

    status: StatusCodes
    semantic: Mapping[ObjectKind, _Digits]
    collections: dict[Kind, Collection]
    pictures: Mapping[Literal["scene"] | ObjectKind, _Digits]
    plates: dict[str, PlateCodes]
    rules: dict[str, RuleCodes]
    is_online: IsOnlineCodes
    video: VideoCodes
    tollgate_status: TollgateStatusCodes
    subscriptions: dict[Kind, SubscriptionCodes]

    def rule(self, kind: str) -> RuleCodes:
        """Return what incidents of a kind of rule are reported as."""
        return self.rules.get(kind, self.rules["other"])


@lru_cache(maxsize=16)
def known(path: Path | None) -> Codes:
    """Return what ``read`` does, as it was when this process asked first."""
    return read(path)


def read(path: Path | None) -> Codes:
    """Return the codes, with the corrections in the TOML file ``path`` if there is one; BadCodes."""
    return corrected(Codes, "alerts.viid", path)

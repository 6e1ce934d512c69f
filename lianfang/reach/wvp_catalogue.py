"""What a WVP platform has: its devices and their channels, page by page. A bad row costs no other one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from lianfang.config.stanza import DeviceCode
from lianfang.reach.wvp import Platform, read_as
from lianfang.redact import quoted

_PAGE = 50  # rows: one of a channel is 2 KiB and more
_MOST_PAGES = 2000
_CAMERAS = frozenset({"131", "132"})  # digits 11 to 13 of a code (GB/T 28181): others give no picture
_ON = frozenset({"1", "on", "true", "ok", "online"})  # platforms of different age write it differently

_Words = Annotated[str, BeforeValidator(lambda value: "" if value is None else quoted(str(value)))]
_On = Annotated[bool, BeforeValidator(lambda value: str(value).lower() in _ON)]


class _Row(BaseModel):
    """A row of a device or of a channel; it says much more."""

    model_config = ConfigDict(extra="ignore")

    code: DeviceCode = Field(alias="deviceId")
    name: _Words = ""
    make: _Words = Field(default="", alias="manufacturer")
    model: _Words = ""
    registered: _On = Field(default=False, alias="onLine")
    status: _On = False
    longitude: float | None = Field(default=None, ge=-180, le=180)
    latitude: float | None = Field(default=None, ge=-90, le=90)


class _Page(BaseModel):
    pages: int = 1
    rows: list[Any] = Field(alias="list")


@dataclass(frozen=True, slots=True)
class Listed:
    """A device, or a channel of one. Degrees are of WGS-84, None where it says none."""

    code: str
    name: str
    online: bool
    make: str
    model: str
    longitude: float | None
    latitude: float | None

    @property
    def is_camera(self) -> bool:
        """Whether its code says that it is a camera."""
        return self.code[10:13] in _CAMERAS


@dataclass
class Catalogue:
    """What could be read, and what is wrong with each row that could not."""

    rows: list[Listed] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


async def devices(platform: Platform) -> Catalogue:
    """Return the devices that the platform knows."""
    return await _all(platform, "/api/device/query/devices")


async def channels(platform: Platform, device: str) -> Catalogue:
    """Return the channels of a device."""
    return await _all(platform, f"/api/device/query/devices/{device}/channels")


async def _all(platform: Platform, path: str) -> Catalogue:
    catalogue, page = Catalogue(), 0
    while page < _MOST_PAGES:
        page += 1
        said = read_as(_Page, await platform.get(f"{path}?page={page}&count={_PAGE}"))
        for number, row in enumerate(said.rows, start=(page - 1) * _PAGE + 1):
            try:
                catalogue.rows.append(_listed(row))
            except ValidationError as error:
                catalogue.faults.append(f"row {number}{_called(row)}: {'; '.join(_wrong(error))}")
        if page >= said.pages or not said.rows:
            break
    return catalogue


def _listed(row: object) -> Listed:
    said = _Row.model_validate(row)
    online = said.registered or said.status
    return Listed(said.code, said.name, online, said.make, said.model, said.longitude, said.latitude)


def _called(row: object) -> str:
    name = row.get("name") if isinstance(row, dict) else None
    return f" ({quoted(str(name))})" if name else ""


def _wrong(error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False):
        where = ".".join(map(str, fault["loc"]))
        yield f"{where}: {fault['msg']}, found {quoted(repr(fault['input']))}" if where else fault["msg"]

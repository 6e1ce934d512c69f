"""The file of a camera (一机一档): what a platform asks of the device, beside where it stands."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import Field

from lianfang.config.stanza import Stanza

if TYPE_CHECKING:
    from lianfang.config.camera import Camera

_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}


class Record(Stanza):
    """What the file of a camera says of the device. A platform is told of cameras that lack none of it."""

    model: str = Field(default="", max_length=100)
    """Make and model, as on the device."""
    ip_address: IPv4Address | None = None
    """Its address, where the source's is a name or another machine's."""
    port: int | None = Field(default=None, ge=1, le=65535)
    """Its port, where the source's is not its own."""
    function_type: str = Field(default="", pattern=r"^([0-9]{1,2}(/[0-9]{1,2})*)?$")
    """What it is there for, by the platform's numbers, several with a slash: FunctionType of GA/T 1400."""


def address_of(camera: Camera) -> tuple[str, int | None]:
    """Return IPv4 address and port of the device, as its file says or else the URL of its source does.

    "" and None where neither says it: a name in the URL is no address.
    """
    record = camera.record
    try:
        parts = urlsplit(getattr(camera.source, "url", ""))
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme)
        found = str(IPv4Address(host))
    except ValueError:
        found, port = "", None
    if record.ip_address is not None:
        found, port = str(record.ip_address), port if str(record.ip_address) == found else None
    return found, record.port or port

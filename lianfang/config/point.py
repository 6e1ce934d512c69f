"""Monitoring points, and who is on duty there."""

from __future__ import annotations

from pydantic import Field

from lianfang.config.map import Datum
from lianfang.config.stanza import PlaceCode, Stanza


class Contact(Stanza):
    """Who is on duty for a point."""

    name: str
    """Whom to ask for."""
    phone: str = ""
    """Telephone, as people would dial it."""


class Point(Stanza):
    """A monitoring point: one place, watched by one or more cameras."""

    name: str = Field(min_length=1, max_length=100)
    """As people there call it: speakers may say it."""
    longitude: float | None = Field(default=None, ge=-180, le=180)
    """Degrees east."""
    latitude: float | None = Field(default=None, ge=-90, le=90)
    """Degrees north."""
    datum: Datum = "wgs84"
    """Datum of the coordinates: a Chinese web map's (GCJ-02) lie up to 700 m off GPS."""
    place_code: PlaceCode = ""
    """Administrative division (GB/T 2260), for platforms; the community's where not given."""
    position_type: str = Field(default="", pattern=r"^([0-9]{1,2})?$")
    """What lies there: PositionType of GA/T 1400, such as 8 near a school, 15 key waters."""
    duty_contact: Contact | None = None
    """Who is on duty there; named in every message."""

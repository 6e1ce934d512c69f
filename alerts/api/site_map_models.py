"""What the API says of the map: its ground, and what stands where. Coordinates are as they were given."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from alerts.api.answer import Answer
from alerts.api.models import Named, NamedInBoth
from lianfang.config.map import Datum

Longitude = Annotated[float, Field(ge=-180, le=180)]
Latitude = Annotated[float, Field(ge=-85, le=85)]
Share = Annotated[float, Field(ge=0, le=1)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class Place(Answer):
    """Where something is: degrees, in the datum in which somebody measured it."""

    longitude: Longitude
    latitude: Latitude
    datum: Datum


class Spot(BaseModel):
    """A spot of the plan, 0-1 from its left and its top, and where that is, in degrees."""

    x: Share
    y: Share
    longitude: Longitude
    latitude: Latitude


class Bounds(BaseModel):
    """Where the edges of a plan lie that is drawn along meridians and parallels."""

    west: Longitude
    south: Latitude
    east: Longitude
    north: Latitude


class Placing(BaseModel):
    """Where the plan lies, by two or three spots of it, or by its edges."""

    model_config = ConfigDict(extra="forbid")

    spots: Annotated[list[Spot], Field(max_length=3)] = []
    bounds: Bounds | None = None
    datum: Datum = "wgs84"
    reason: Reason


class Plan(Answer):
    """A plan that somebody uploaded. ``corners`` are null until it is placed: top left, and on clockwise."""

    url: str
    width: int
    height: int
    corners: tuple[Place, Place, Place, Place] | None
    spots: list[Spot]
    by_name: str
    at: AwareDatetime
    reason: str


class MapTiles(Answer):
    """Tiles of the site's own; ``url`` holds {z}, {x} and {y}, ``bounds`` are west, south, east, north."""

    url: str
    kind: Literal["raster", "vector"]
    datum: Datum
    min_zoom: int
    max_zoom: int
    bounds: tuple[float, float, float, float]
    layers: list[str]
    attribution: str


class MapZone(Answer):
    """A zone in the picture of a camera, and the speakers that are heard there, nearest first."""

    camera: str
    id: str
    name: str
    speakers: list[str]


class MapPoint(Answer):
    """A monitoring point; ``place`` is null where nobody measured it."""

    id: str
    name: str
    place: Place | None
    zones: list[MapZone]


class MapSpeaker(Answer):
    """A speaker and how it is; without a place of its own it stands at ``point``."""

    id: str
    name: NamedInBoth
    point: Named | None
    place: Place | None
    own_place: bool
    health: Literal["ready", "emergency", "faulty", "silent"]


class SiteMap(Answer):
    """The map: cameras stand at their points. ``fault`` says why the tiles are not drawn."""

    plan: Plan | None
    tiles: MapTiles | None
    fault: str
    points: list[MapPoint]
    speakers: list[MapSpeaker]

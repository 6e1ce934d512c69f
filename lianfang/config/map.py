"""The map of the console: what it is drawn on, and where devices stand on it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from lianfang.config.stanza import Problem, Stanza

if TYPE_CHECKING:
    from lianfang.config.model import Config

Datum = Literal["wgs84", "gcj02", "cgcs2000"]


class Position(Stanza):
    """Where a device stands."""

    longitude: float = Field(ge=-180, le=180)
    """Degrees east."""
    latitude: float = Field(ge=-90, le=90)
    """Degrees north."""
    datum: Datum = "wgs84"
    """Datum of the coordinates: a Chinese web map's (GCJ-02) lie up to 700 m off GPS."""


class SiteMap(Stanza):
    """Tiles of the site's own; without any the console draws a plan that was uploaded, or a grid."""

    tiles: Path | None = None
    """A .pmtiles or .mbtiles file, or a folder of z/x/y.png, .jpg, .webp or .pbf; relative to this file."""
    datum: Literal["wgs84", "gcj02"] = "wgs84"
    """Datum that the tiles are drawn in; those of Chinese web maps are gcj02."""
    attribution: str = Field(default="", max_length=200)
    """Whose map it is: shown on it."""

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield a problem where the tiles are not there."""
        del config
        if self.tiles is not None and not self.tiles.exists():
            yield Problem(("tiles",), f"no {self.tiles}", "a file or a folder that is there", warning=True)

"""Tiles of the site's own: a PMTiles or MBTiles file, or a folder.

The file is opened for each tile, so that it can be replaced while the service runs. Tiles are
numbered as on the web: z/x/y, y from the north.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol

from pmtiles.reader import Reader
from pmtiles.tile import Compression, TileType

from lianfang.errors import LianfangError

Media = Literal["png", "jpg", "webp", "pbf"]
_BY_NAME: dict[str, Media] = {
    "png": "png",
    "jpg": "jpg",
    "jpeg": "jpg",
    "webp": "webp",
    "pbf": "pbf",
    "mvt": "pbf",
}
_BY_TYPE: dict[TileType, Media] = {
    TileType.MVT: "pbf",
    TileType.PNG: "png",
    TileType.JPEG: "jpg",
    TileType.WEBP: "webp",
}
_PLAIN = (Compression.NONE, Compression.GZIP)
_MAX_ZOOM = 24
_WORLD = (-180.0, -85.051128, 180.0, 85.051128)

Bounds = tuple[float, float, float, float]


class BadTiles(LianfangError):  # noqa: N818 - reads as the fact it states
    """What is there are no tiles that can be shown."""


@dataclass(frozen=True, slots=True)
class TileInfo:
    """What tiles there are. ``bounds`` are west, south, east, north; ``layers`` those of vector tiles."""

    media: Media
    min_zoom: int
    max_zoom: int
    bounds: Bounds
    layers: tuple[str, ...] = ()


class Tiles(Protocol):
    """Tiles of one source."""

    def info(self) -> TileInfo:
        """Say what there is; BadTiles."""
        ...

    def tile(self, z: int, x: int, y: int) -> bytes | None:
        """Return a tile, possibly compressed by gzip; None where there is none."""
        ...


def tiles_at(path: Path) -> Tiles:
    """Return the tiles that lie at ``path``; BadTiles where that is none of the three."""
    if path.is_dir():
        return _Folder(path)
    kinds: dict[str, Callable[[Path], Tiles]] = {".pmtiles": _Pmtiles, ".mbtiles": _Mbtiles}
    kind = kinds.get(path.suffix)
    if kind is None or not path.is_file():
        raise BadTiles(f"found {path}; allowed: a .pmtiles or .mbtiles file, or a folder, that is there")
    return kind(path)


class _Pmtiles:
    """One file of PMTiles, version 3."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def info(self) -> TileInfo:
        with _said(self._path), self._path.open("rb") as file:
            reader = Reader(_from(file))
            header, metadata = reader.header(), reader.metadata()
        media = _BY_TYPE.get(header["tile_type"])
        if media is None or header["tile_compression"] not in _PLAIN:
            raise BadTiles(
                f"{self._path}: found tiles of another kind; allowed: vector (MVT), PNG, JPEG, WebP"
            )
        west, south, east, north = (
            header[f"{name}_e7"] / 1e7 for name in ("min_lon", "min_lat", "max_lon", "max_lat")
        )
        return TileInfo(
            media, header["min_zoom"], header["max_zoom"], (west, south, east, north), _layers(metadata)
        )

    def tile(self, z: int, x: int, y: int) -> bytes | None:
        with _said(self._path), self._path.open("rb") as file:
            found: bytes | None = Reader(_from(file)).get(z, x, y)
        return found


class _Mbtiles:
    """One file of MBTiles: a SQLite database, whose rows are counted from the south."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def info(self) -> TileInfo:
        with self._open() as database:
            metadata = dict(database.execute("SELECT name, value FROM metadata"))
            low, high = database.execute("SELECT min(zoom_level), max(zoom_level) FROM tiles").fetchone()
        media = _BY_NAME.get(str(metadata.get("format", "png")))
        if media is None or low is None:
            raise BadTiles(f"{self._path}: found no tiles of the formats pbf, png, jpg, webp")
        described = json.loads(metadata.get("json") or "{}")
        return TileInfo(media, low, high, _bounds(metadata.get("bounds")), _layers(described))

    def tile(self, z: int, x: int, y: int) -> bytes | None:
        key = (z, x, (1 << z) - 1 - y)
        query = "SELECT tile_data FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?"
        with self._open() as database:
            found = database.execute(query, key).fetchone()
        return bytes(found[0]) if found else None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        uri = f"{self._path.resolve().as_uri()}?mode=ro&immutable=1"
        with _said(self._path), closing(sqlite3.connect(uri, uri=True)) as database:
            yield database


class _Folder:
    """A folder z/x/y.ext; a ``metadata.json`` beside them says bounds and layers, as TileJSON does."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def info(self) -> TileInfo:
        zooms = sorted(int(d.name) for d in self._path.iterdir() if d.name.isdecimal() and d.is_dir())
        zooms = [zoom for zoom in zooms if zoom <= _MAX_ZOOM]
        first = next((tile for zoom in zooms for tile in self._path.glob(f"{zoom}/*/*.*")), None)
        media = _BY_NAME.get(first.suffix.lstrip(".").lower()) if first else None
        if media is None:
            raise BadTiles(f"{self._path}: found no z/x/y.png, .jpg, .webp or .pbf")
        described: dict[str, Any] = {}
        with _said(self._path):
            if (file := self._path / "metadata.json").is_file():
                described = json.loads(file.read_text(encoding="utf-8"))
        return TileInfo(media, zooms[0], zooms[-1], _bounds(described.get("bounds")), _layers(described))

    def tile(self, z: int, x: int, y: int) -> bytes | None:
        found = next((f for name in _BY_NAME if (f := self._path / f"{z}/{x}/{y}.{name}").is_file()), None)
        return found.read_bytes() if found else None


def _from(file: BinaryIO) -> Callable[[int, int], bytes]:
    def read(offset: int, length: int) -> bytes:
        file.seek(offset)
        return file.read(length)

    return read


@contextmanager
def _said(path: Path) -> Iterator[None]:
    """Say which file is at fault, whatever a reader stumbled over."""
    try:
        yield
    except (OSError, sqlite3.Error, ValueError, LookupError, gzip.BadGzipFile) as error:
        raise BadTiles(f"{path}: {error}") from error
    except Exception as error:
        if type(error).__module__.startswith("pmtiles"):  # its errors have no class of their own above them
            raise BadTiles(f"{path}: no PMTiles of version 3") from error
        raise


def _layers(described: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(layer["id"]) for layer in described.get("vector_layers", ()))


def _bounds(value: object) -> Bounds:
    """Return bounds as MBTiles (a text) or TileJSON (a list) has them; else the whole world."""
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    try:
        west, south, east, north = (float(part) for part in parts)
    except (TypeError, ValueError):
        return _WORLD
    return west, south, east, north

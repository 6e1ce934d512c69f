"""The map: where a plan lies by what is said of its spots, and tiles of each kind of source."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import write

from alerts.map.plan import BadPlan, Reference, corners, of_bounds
from alerts.map.tiles import BadTiles, tiles_at
from lianfang.config.map import SiteMap

TILE, NORTH = (15, 27298, 13519), b"\x89PNG north"
LAYERS = {"vector_layers": [{"id": "water", "fields": {}}, {"id": "roads", "fields": {}}]}


@given(
    longitude=st.floats(-179, 179),
    latitude=st.floats(-80, 80),
    turn=st.floats(-3, 3),
    at=st.tuples(st.floats(0, 0.4), st.floats(0, 0.4)),
)
def test_two_spots_place_a_plan_so_that_they_lie_where_they_were_said_to(
    longitude: float, latitude: float, turn: float, at: tuple[float, float]
) -> None:
    first = Reference(*at, longitude, latitude)
    second = Reference(0.9, 0.8, longitude + 0.004, latitude + 0.002 * turn)
    (west, north), (east, _), _, (_, south) = placed = corners(1200, 800, [first, second])
    a, b = (complex(*placed[i]) - complex(*placed[0]) for i in (1, 3))
    for spot in (first, second):  # along the sides of the picture, which are straight on a map
        found = complex(west, north) + spot.x * a + spot.y * b
        assert abs(found.real - spot.longitude) < 1e-6
        assert abs(found.imag - spot.latitude) < 2e-6
    assert (east, south) != (west, north)


def test_a_plan_by_its_edges_lies_between_them() -> None:
    placed = corners(1000, 500, of_bounds(120.0, 29.99, 120.01, 30.0))
    assert placed == ((120.0, 30.0), (120.01, 30.0), (120.01, 29.99), (120.0, 29.99))


@pytest.mark.parametrize(
    ("spots", "found"),
    [
        ([Reference(0, 0, 120, 30)], "found 1 reference points"),
        ([Reference(0.5, 0.5, 120, 30), Reference(0.51, 0.5, 120.1, 30)], "at one spot"),
        ([Reference(0, 0, 120, 30), Reference(1, 1, 120, 30)], "at one spot"),
        ([Reference(0, 0, 120, 30), Reference(1, 1, 121, 31)], "km wide"),
        ([Reference(i / 2, i / 2, 120 + i / 100, 30) for i in range(3)], "on one line"),
    ],
)
def test_what_places_a_plan_nowhere_is_said(spots: list[Reference], found: str) -> None:
    with pytest.raises(BadPlan, match=found):
        corners(1000, 1000, spots)


def _pmtiles(path: Path) -> Path:
    with write(str(path)) as writer:
        writer.write_tile(zxy_to_tileid(*TILE), NORTH)
        header = {
            "tile_type": TileType.PNG,
            "tile_compression": Compression.NONE,
            "min_zoom": 15,
            "max_zoom": 15,
            "min_lon_e7": 1199000000,
            "min_lat_e7": 299000000,
            "max_lon_e7": 1201000000,
            "max_lat_e7": 301000000,
            "center_zoom": 15,
            "center_lon_e7": 1200000000,
            "center_lat_e7": 300000000,
        }
        writer.finalize(header, LAYERS)
    return path


def _mbtiles(path: Path) -> Path:
    z, x, y = TILE
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE metadata (name text, value text)")
        database.execute(
            "CREATE TABLE tiles (zoom_level integer, tile_column integer, tile_row integer, tile_data blob)"
        )
        rows = {"format": "png", "bounds": "119.9,29.9,120.1,30.1", "json": json.dumps(LAYERS)}
        database.executemany("INSERT INTO metadata VALUES (?, ?)", rows.items())
        south = (1 << z) - 1 - y
        database.execute("INSERT INTO tiles VALUES (?, ?, ?, ?)", (z, x, south, NORTH))
    return path


def _folder(path: Path) -> Path:
    z, x, y = TILE
    (path / f"{z}/{x}").mkdir(parents=True)
    (path / f"{z}/{x}/{y}.png").write_bytes(NORTH)
    (path / "metadata.json").write_text(json.dumps(LAYERS | {"bounds": [119.9, 29.9, 120.1, 30.1]}))
    return path


@pytest.mark.parametrize(("name", "made"), [("a.pmtiles", _pmtiles), ("a.mbtiles", _mbtiles), ("a", _folder)])
def test_tiles_of_every_source_are_the_same(tmp_path: Path, name: str, made: Callable[[Path], Path]) -> None:
    tiles = tiles_at(made(tmp_path / name))
    info, (z, x, y) = tiles.info(), TILE
    assert (info.media, info.min_zoom, info.max_zoom) == ("png", 15, 15)
    assert info.bounds == pytest.approx((119.9, 29.9, 120.1, 30.1))
    assert info.layers == ("water", "roads")
    assert tiles.tile(z, x, y) == NORTH
    assert tiles.tile(z, x, y + 1) is None


@pytest.mark.parametrize("name", ["none.pmtiles", "text.pmtiles", "text.mbtiles", "text.zip", "empty"])
def test_what_holds_no_tiles_is_said_with_its_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    for file in ("text.pmtiles", "text.mbtiles", "text.zip"):
        (tmp_path / file).write_bytes(gzip.compress(b"no tiles") * 20)
    with pytest.raises(BadTiles, match=name):
        tiles_at(tmp_path / name).info()


def test_tiles_that_are_not_there_are_warned_of(tmp_path: Path) -> None:
    (problem,) = SiteMap(tiles=tmp_path / "none.pmtiles").check(None)  # type: ignore[arg-type]
    assert problem.warning
    assert "none.pmtiles" in problem.found

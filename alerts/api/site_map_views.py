"""The map as the API shows it: put together from the configuration and the store."""

from __future__ import annotations

from alerts.api import site_map_models as models
from alerts.api.dependencies import Dependencies
from alerts.api.names import Names
from alerts.channels.base import SpeakerConfig
from alerts.map.plan import Reference, corners
from alerts.map.tiles import BadTiles, tiles_at
from alerts.store.plans import PlanImageRow, PlanRow, in_force
from alerts.store.speakers import health
from lianfang.config import Config, Point
from lianfang.config.map import Position
from lianfang.config.sharing import heard_at


def site_map(deps: Dependencies) -> models.SiteMap:
    """Return the map as it is now."""
    config, names = deps.config, Names(deps.settings.config)
    speakers = config.receivers_of("speaker")
    with deps.store.read() as session:
        healths = health(session, speakers, deps.clock.now())
        found = in_force(session)
        plan = _plan(names, *found) if found else None
    tiles, fault = _tiles(config)
    return models.SiteMap(
        plan=plan,
        tiles=tiles,
        fault=fault,
        points=[_point(config, point_id) for point_id in config.points],
        speakers=[_speaker(config, names, speaker, healths[speaker]) for speaker in speakers],
    )


def _plan(names: Names, row: PlanRow, image: PlanImageRow) -> models.Plan:
    spots = [Reference(**spot) for spot in row.spots]
    placed = corners(image.width, image.height, spots) if spots else ()
    places = [models.Place(longitude=x, latitude=y, datum=row.datum) for x, y in placed]
    return models.Plan.model_validate(
        {
            "url": f"/api/map/plans/{image.sha256}.jpg",
            "width": image.width,
            "height": image.height,
            "corners": tuple(places) or None,
            "spots": row.spots,
            "by_name": names.operator(row.by),
            "at": row.at,
            "reason": row.reason,
        }
    )


def _tiles(config: Config) -> tuple[models.MapTiles | None, str]:
    """Return the tiles of the site's own, and why there are none though some are configured."""
    settings = config.map
    if settings.tiles is None:
        return None, ""
    try:
        info = tiles_at(settings.tiles).info()
    except BadTiles as error:
        return None, str(error)
    shown = models.MapTiles(
        url="/api/map/tiles/{z}/{x}/{y}",
        kind="vector" if info.media == "pbf" else "raster",
        datum=settings.datum,
        min_zoom=info.min_zoom,
        max_zoom=info.max_zoom,
        bounds=info.bounds,
        layers=list(info.layers),
        attribution=settings.attribution,
    )
    return shown, ""


def _point(config: Config, point_id: str) -> models.MapPoint:
    point = config.points[point_id]
    zones = [
        models.MapZone(camera=camera_id, id=zone_id, name=zone.name or zone_id, speakers=list(zone.speakers))
        for camera_id, camera in config.cameras.items()
        if camera.point == point_id
        for zone_id, zone in camera.zones.items()
    ]
    return models.MapPoint(id=point_id, name=point.name, place=_place(point), zones=zones)


def _speaker(config: Config, names: Names, speaker: str, state: str) -> models.MapSpeaker:
    stanza, point_id = config.receivers[speaker], heard_at(config, speaker)
    own = stanza.position if isinstance(stanza, SpeakerConfig) else None
    point = config.points.get(point_id) if point_id else None
    return models.MapSpeaker.model_validate(
        {
            "id": speaker,
            "name": next(named for named in names.receivers() if named.id == speaker),
            "point": names.point(point_id) if point_id else None,
            "place": _place(own or point),
            "own_place": own is not None,
            "health": state,
        }
    )


def _place(of: Point | Position | None) -> models.Place | None:
    if of is None or of.longitude is None or of.latitude is None:
        return None
    return models.Place(longitude=of.longitude, latitude=of.latitude, datum=of.datum)

"""The map: what it is drawn on, what stands where, and the plan that people upload."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from alerts.api.dependencies import Dependencies
from alerts.api.gate import CurrentSession
from alerts.api.problems import ApiError, described
from alerts.api.site_map_models import Placing, Reason, SiteMap
from alerts.api.site_map_views import site_map
from alerts.map import keep
from alerts.map.plan import BadPlan, Reference, of_bounds
from alerts.map.tiles import BadTiles, tiles_at
from alerts.photos import NoPicture
from alerts.store.plans import PlanImageRow

_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_SENT = {"requestBody": {"required": True, "content": {"image/jpeg": _BINARY, "image/png": _BINARY}}}
_MEDIA = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp", "pbf": "application/x-protobuf"}
_KEPT = {"Cache-Control": "private, max-age=3600"}
_GZIP = b"\x1f\x8b"

Why = Annotated[Reason, Query(description="Why: whoever comes after must be able to judge it.")]
Zoom = Annotated[int, Path(ge=0, le=24)]
Number = Annotated[int, Path(ge=0, lt=1 << 24)]


def uploads(deps: Dependencies) -> APIRouter:
    """Return the route that takes a plan; its body is longer than others'."""
    routes = _routes()

    @routes.put("/map/plan", openapi_extra=_SENT)
    async def upload_plan(request: Request, user: CurrentSession, reason: Why) -> SiteMap:
        """Take a picture, JPEG or PNG, as the plan. It is drawn once somebody says where it lies."""
        data, said = await request.body(), keep.Said(user.operator, reason)
        with _refusals():
            await asyncio.to_thread(keep.upload, deps.store, deps.clock, said, data)
        return await asyncio.to_thread(site_map, deps)

    return routes


def placing(deps: Dependencies) -> APIRouter:
    """Return the routes that say where the plan lies, or take it away."""
    routes = _routes()

    @routes.put("/map/plan/placing")
    def place_plan(body: Placing, user: CurrentSession) -> SiteMap:
        """Say where the plan lies: two spots turn and scale it, three may stretch it as well."""
        spots = [Reference(spot.x, spot.y, spot.longitude, spot.latitude) for spot in body.spots]
        references = of_bounds(**body.bounds.model_dump()) if body.bounds else spots
        with _refusals():
            keep.place(deps.store, deps.clock, keep.Said(user.operator, body.reason), references, body.datum)
        return site_map(deps)

    @routes.delete("/map/plan")
    def take_plan_away(user: CurrentSession, reason: Why) -> SiteMap:
        """Draw no plan any more. What was said of it stays written down."""
        with _refusals():
            keep.take_away(deps.store, deps.clock, keep.Said(user.operator, reason))
        return site_map(deps)

    return routes


def router(deps: Dependencies) -> APIRouter:
    """Return the routes below /map that show."""
    routes = _routes()

    @routes.get("/map")
    def show_map() -> SiteMap:
        """Say what the map is drawn on and what stands where; conditions of cameras come by the stream."""
        return site_map(deps)

    @routes.get(
        "/map/plans/{sha256}.jpg",
        response_class=Response,
        responses={200: {"content": {"image/jpeg": _BINARY}}, **described(HTTPStatus.NOT_FOUND)},
    )
    def show_plan(sha256: str) -> Response:
        """Give the picture of a plan."""
        with deps.store.read() as session:
            row = session.get(PlanImageRow, sha256)
            if row is None:
                raise ApiError(HTTPStatus.NOT_FOUND, "no_plan", "there is no such plan")
            return Response(row.image, media_type="image/jpeg", headers=_KEPT)

    @routes.get(
        "/map/tiles/{z}/{x}/{y}",
        response_class=Response,
        responses={
            200: {"content": dict.fromkeys(_MEDIA.values(), _BINARY)},
            204: {"description": "No tile there"},
            **described(HTTPStatus.NOT_FOUND),
        },
    )
    def show_tile(z: Zoom, x: Number, y: Number) -> Response:
        """Give a tile of the site's own."""
        path = deps.config.map.tiles
        try:
            if path is None or max(x, y) >= 1 << z:
                raise ApiError(HTTPStatus.NOT_FOUND, "no_tiles", "there is no such tile")
            tiles = tiles_at(path)
            media, data = tiles.info().media, tiles.tile(z, x, y)
        except BadTiles as error:
            raise ApiError(HTTPStatus.NOT_FOUND, "no_tiles", str(error)) from error
        if data is None:
            return Response(status_code=HTTPStatus.NO_CONTENT, headers=_KEPT)
        packed = {"Content-Encoding": "gzip"} if data.startswith(_GZIP) else {}
        return Response(data, media_type=_MEDIA[media], headers=_KEPT | packed)

    return routes


def _routes() -> APIRouter:
    return APIRouter(
        tags=["map"],
        responses=described(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
    )


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except NoPicture as error:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "no_picture", str(error)) from error
    except BadPlan as error:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_plan", str(error)) from error
    except LookupError as error:
        raise ApiError(HTTPStatus.NOT_FOUND, "no_plan", str(error.args[0])) from error

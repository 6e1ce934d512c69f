"""Walk tests: started on the spot, followed while they go on, kept and given as a table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Annotated

import structlog
from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from alerts import walks
from alerts.api.dependencies import Dependencies
from alerts.api.gate import CurrentSession
from alerts.api.names import Names
from alerts.api.problems import ApiError, described
from alerts.api.sheet import CSV, sheet
from alerts.api.walk_models import FinishWalk, StartWalk, WalkTest
from alerts.store.walks import WalkTestRow
from alerts.store.walks import walks as kept
from lianfang.config import Config

_log = structlog.get_logger()
_SHOWN, _EXPORTED = 200, 100_000
_COLUMNS = (
    *("started_at", "by", "point", "camera", "zone", "distance_m", "accuracy_m", "light", "verdict"),
    *("height_px", "confidence", "seen_s", "alert_s", "rule", "held", "pictures", "seen", "most", "note"),
)

OfCamera = Annotated[str, Query(description="Of this camera.")]
OfZone = Annotated[str, Query(description="Of this zone.")]


def router(deps: Dependencies) -> APIRouter:
    """Return the routes below /walk-tests."""
    names = Names(deps.settings.config)
    routes = APIRouter(
        tags=["walk tests"],
        responses=described(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
    )

    def shown(row: WalkTestRow) -> WalkTest:
        return _view(names, deps.config, row, deps.clock.now())

    @routes.get("/walk-tests")
    def list_walk_tests(camera: OfCamera = "", zone: OfZone = "") -> list[WalkTest]:
        """List walk tests, the newest first."""
        with deps.store.read() as session:
            return [shown(row) for row in kept(session, camera, zone, _SHOWN)]

    @routes.get("/walk-tests.csv", response_class=StreamingResponse, responses=CSV)
    def export_walk_tests(camera: OfCamera = "", zone: OfZone = "") -> StreamingResponse:
        """Give them as CSV; times are the community's."""
        local = deps.config.community.zone
        with deps.store.read() as session:
            views = [shown(row) for row in kept(session, camera, zone, _EXPORTED)]
        return sheet(
            "walk-tests.csv", _COLUMNS, [_line(view, view.started_at.astimezone(local)) for view in views]
        )

    @routes.get("/walk-tests/{walk_id}")
    def show_walk_test(walk_id: str) -> WalkTest:
        """Show one, as it goes on."""
        with deps.store.read() as session:
            row = session.get(WalkTestRow, walk_id)
            if row is None:
                raise ApiError(HTTPStatus.NOT_FOUND, "no_walk_test", f"no walk test {walk_id}")
            return shown(row)

    @routes.post("/walk-tests", status_code=HTTPStatus.CREATED, responses=described(HTTPStatus.CONFLICT))
    def start_walk_test(body: StartWalk, user: CurrentSession) -> WalkTest:
        """Begin one: until it is over nobody outside hears of whoever walks there.

        It is refused where an incident is open: that would be taken for the test.
        """
        with _refusals("no_zone"):
            wanted = walks.Wanted(**body.model_dump())
            row = walks.start(deps.store, deps.config, deps.clock, user.operator, wanted)
        _log.info(
            "walk_test_started", walk=row.id, camera_id=row.camera, zone=row.zone, operator=user.operator
        )
        return shown(row)

    @routes.post("/walk-tests/{walk_id}/finish")
    def finish_walk_test(walk_id: str, body: FinishWalk, user: CurrentSession) -> WalkTest:
        """End one. For half a minute more nobody hears of whoever is there: they are to leave the zone."""
        with _refusals("no_walk_test"):
            row = walks.finish(deps.store, deps.clock, walk_id, user.operator, counts=body.counts)
        _log.info("walk_test_finished", walk=row.id, camera_id=row.camera, operator=user.operator)
        return shown(row)

    return routes


@contextmanager
def _refusals(missing: str) -> Iterator[None]:
    try:
        yield
    except walks.NotNow as error:
        raise ApiError(HTTPStatus.CONFLICT, error.code, str(error)) from error
    except LookupError as error:
        raise ApiError(HTTPStatus.NOT_FOUND, missing, str(error.args[0])) from error


def _view(names: Names, config: Config, row: WalkTestRow, now: datetime) -> WalkTest:
    def since_start(at: datetime | None) -> float | None:
        return None if at is None else round((at - row.started_at).total_seconds(), 1)

    return WalkTest(
        id=row.id,
        camera=names.camera(row.camera),
        point=names.point(row.point),
        zone=names.zone(row.camera, row.zone),
        by_name=names.operator(row.by),
        distance_m=row.distance_m,
        accuracy_m=row.accuracy_m,
        light=row.light,
        note=row.note,
        started_at=row.started_at,
        until=row.until,
        ended_at=row.ended_at,
        quiet_until=(row.ended_at or row.until) + walks.LEAVE,
        verdict=walks.verdict(row, now),
        pictures=row.pictures,
        seen=row.seen,
        most=row.most,
        height_px=walks.height_px(row),
        last_height_px=row.height_px,
        last_seen_at=row.last_seen_at,
        confidence=round(row.confidence, 2),
        seen_s=since_start(row.seen_at),
        alert_s=since_start(row.alert_at),
        rule=names.rule(row.rule) if row.rule else None,
        held=row.held,
        rules=[names.rule(rule) for rule in walks.tried_by(config, row.camera, row.zone)],
    )


def _line(view: WalkTest, local: datetime) -> list[object]:
    named = {
        "started_at": local.isoformat(timespec="seconds"),
        "by": view.by_name,
        "point": view.point.name,
        "camera": view.camera.name,
        "zone": view.zone.name,
        "rule": view.rule.name.zh if view.rule else "",
    }
    return [named.get(column, getattr(view, column, "")) for column in _COLUMNS]

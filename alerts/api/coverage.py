"""Where no camera sees and no speaker is heard, by zone; and what people said of how speakers are heard."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

import structlog
from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from sqlalchemy import select

from alerts.api.dependencies import Dependencies
from alerts.api.gate import CurrentSession
from alerts.api.names import Names
from alerts.api.problems import ApiError, described
from alerts.api.sheet import CSV, sheet
from alerts.api.walk_models import AudibilityTest, Coverage, CoveredZone, SayHeard
from alerts.map.covering import Covered, Known, covered
from alerts.store.schema import CameraStateRow
from alerts.store.speakers import health
from alerts.store.walks import AudibilityRow, heard, newest_heard, newest_walks
from lianfang.config import Config
from lianfang.events import BLINDING

_log = structlog.get_logger()
_SHOWN, _EXPORTED = 200, 100_000
_COLUMNS = ("at", "by", "speaker", "distance_m", "heard", "volume_pct", "camera", "zone", "note")

OfSpeaker = Annotated[str, Query(description="Of this speaker.")]


def router(deps: Dependencies) -> APIRouter:
    """Return /coverage and the routes below /audibility-tests."""
    names = Names(deps.settings.config)
    routes = APIRouter(
        tags=["walk tests"],
        responses=described(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
    )

    @routes.get("/coverage")
    def show_coverage() -> Coverage:
        """Say of each zone whether a camera sees it and a speaker is heard there; and points without one."""
        found = _covered(deps)
        zones = [_zone(names, one) for one in found]
        return Coverage(months=deps.config.community.walk_test_months, zones=zones)

    @routes.get("/audibility-tests")
    def list_audibility_tests(speaker: OfSpeaker = "") -> list[AudibilityTest]:
        """List what people said of how speakers are heard, the newest first."""
        with deps.store.read() as session:
            return [_test(names, deps.config, row) for row in heard(session, speaker, _SHOWN)]

    @routes.get("/audibility-tests.csv", response_class=StreamingResponse, responses=CSV)
    def export_audibility_tests(speaker: OfSpeaker = "") -> StreamingResponse:
        """Give it as CSV; times are the community's."""
        with deps.store.read() as session:
            tests = [_test(names, deps.config, row) for row in heard(session, speaker, _EXPORTED)]
        local = deps.config.community.zone
        lines = [
            [
                *(
                    test.at.astimezone(local).isoformat(timespec="seconds"),
                    test.by_name,
                    test.speaker.name.zh,
                ),
                *(test.distance_m, test.heard, test.volume_pct),
                *(test.camera.name if test.camera else "", test.zone.name if test.zone else "", test.note),
            ]
            for test in tests
        ]
        return sheet("audibility-tests.csv", _COLUMNS, lines)

    @routes.post("/audibility-tests", status_code=HTTPStatus.CREATED)
    def say_heard(body: SayHeard, user: CurrentSession) -> AudibilityTest:
        """Say how a speaker was heard at a distance from it, or in a zone."""
        config = deps.config
        if body.speaker not in config.receivers_of("speaker"):
            raise ApiError(HTTPStatus.NOT_FOUND, "no_speaker", f"no speaker {body.speaker!r}")
        camera = config.cameras.get(body.camera)
        if (body.camera or body.zone) and (camera is None or body.zone not in camera.zones):
            detail = f"no zone {body.zone!r} of a camera {body.camera!r}"
            raise ApiError(HTTPStatus.NOT_FOUND, "no_zone", detail)
        row = AudibilityRow(**body.model_dump(), by=user.operator, at=deps.clock.now())
        with deps.store.write() as session:
            session.add(row)
        _log.info("speaker_heard", receiver=row.speaker, heard=row.heard, operator=user.operator)
        return _test(names, config, row)

    return routes


def _covered(deps: Dependencies) -> list[Covered]:
    config, now = deps.config, deps.clock.now()
    with deps.store.read() as session:
        states = session.scalars(select(CameraStateRow)).all()
        blind = (s.camera for s in states if s.condition == "offline" or not BLINDING.isdisjoint(s.faults))
        known = Known(
            blind=frozenset(blind),
            healths=health(session, config.receivers_of("speaker"), now),
            walks=newest_walks(session, now),
            heard=newest_heard(session),
        )
    return covered(config, known, now)


def _zone(names: Names, one: Covered) -> CoveredZone:
    return CoveredZone(
        point=names.point(one.point),
        camera=names.camera(one.camera) if one.camera else None,
        zone=names.zone(one.camera, one.zone) if one.camera else None,
        sight=one.sight,
        hearing=one.hearing,
        walked_at=one.walk.started_at if one.walk else None,
        distance_m=one.walk.distance_m if one.walk else None,
    )


def _test(names: Names, config: Config, row: AudibilityRow) -> AudibilityTest:
    return AudibilityTest.model_validate(
        {
            "speaker": next((r for r in names.receivers() if r.id == row.speaker), None)
            or {"id": row.speaker, "name": {"zh": row.speaker, "en": row.speaker}},
            "camera": names.camera(row.camera) if row.camera else None,
            "zone": names.zone(row.camera, row.zone) if row.zone else None,
            "distance_m": row.distance_m,
            "heard": row.heard,
            "volume_pct": row.volume_pct,
            "note": row.note,
            "by_name": names.operator(row.by),
            "at": row.at,
            "hour": row.at.astimezone(config.community.zone).hour,
        }
    )

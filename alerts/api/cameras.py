"""The cameras' conditions and the community. Never where a picture comes from: that holds passwords."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import camera_clocks
from alerts.api import site_models
from alerts.api.dependencies import Dependencies
from alerts.api.names import Names
from alerts.api.problems import ApiError, described
from alerts.store.schema import CameraStateRow
from lianfang.config import Camera, Config
from lianfang.config.camera import PlaysBack
from lianfang.events import CameraCondition
from lianfang.redact import redact


class CameraViews:
    """The cameras of the configuration with what their streams said last."""

    def __init__(self, config: Callable[[], Config], names: Names) -> None:
        self._config, self._names = config, names

    def all(self, session: Session) -> list[site_models.Camera]:
        """Return every camera, in the order of the configuration."""
        config = self._config()
        states = {row.camera: row for row in session.scalars(select(CameraStateRow))}
        return [
            self._camera(camera_id, camera, states.get(camera_id))
            for camera_id, camera in config.cameras.items()
        ]

    def _camera(self, camera_id: str, camera: Camera, state: CameraStateRow | None) -> site_models.Camera:
        known: Iterable[str] = list(CameraCondition)
        condition = state.condition if state is not None and state.condition in known else "unknown"
        told = state if camera.enabled else None
        clock = camera_clocks.known(told) if told else None
        return site_models.Camera.model_validate(
            {
                "id": camera_id,
                "name": camera.name,
                "point": self._names.point(camera.point),
                "condition": condition if camera.enabled else "disabled",
                "since": state.since if state else None,
                "reason": redact(told.reason) if told else "",
                "detail": redact(told.detail) if told else "",
                "faults": camera_clocks.faults(told) if told else [],
                "clock": clock.model_dump() if clock else None,
            }
        )


def router(deps: Dependencies, views: CameraViews) -> APIRouter:
    """Return the routes /cameras and /community."""
    routes = APIRouter(tags=["community"])

    @routes.get("/cameras")
    def list_cameras() -> list[site_models.Camera]:
        """List every camera with its condition."""
        with deps.store.read() as session:
            return views.all(session)

    @routes.get("/cameras/{camera}/playback", responses=described(HTTPStatus.NOT_FOUND))
    def show_playback(
        camera: str, at: AwareDatetime, for_s: Annotated[float, Query(ge=1, le=3600)] = 60
    ) -> site_models.Playback:
        """Say where the recorder of a camera plays what it recorded from a moment on; it asks for a login."""
        known = deps.config.cameras.get(camera)
        if known is None:
            raise ApiError(HTTPStatus.NOT_FOUND, "no_camera", f"no camera {camera}")
        if not isinstance(known.source, PlaysBack):
            raise ApiError(HTTPStatus.NOT_FOUND, "no_recorder", f"camera {camera} hangs on no recorder")
        return site_models.Playback(url=known.source.playback(at, for_s, deps.config.community.zone))

    @routes.get("/community")
    async def show_community() -> site_models.Community:
        """Name the community, its language and its time zone."""
        community = deps.config.community
        return site_models.Community(
            name=community.name,
            language=community.language,
            timezone=community.timezone,
            receivers=Names(deps.settings.config).receivers(),
            speakers=deps.config.receivers_of("speaker"),
            assignees=Names(deps.settings.config).assignees(),
        )

    return routes

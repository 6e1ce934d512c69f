"""A camera as it is now: a stream of pictures, or one picture. Whoever looks is written down first."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response, StreamingResponse
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.types import Receive, Scope, Send

from alerts.api.dependencies import Dependencies
from alerts.api.gate import CurrentSession
from alerts.api.names import Names
from alerts.api.problems import ApiError, described
from alerts.api.sessions import Session, Sessions
from alerts.guests.looking import Looks
from alerts.live.looking import LiveLooks
from alerts.live.sights import Shot
from alerts.live.viewers import Full, Viewer, Viewers
from alerts.store.looks import Looked
from lianfang.config.guests import PREFIX
from lianfang.config.sharing import log_keys

_BOUNDARY = "picture"
_FIRST_S, _QUIET_S, _CHECK_S = 5.0, 10.0, 1.0
_NEW = timedelta(seconds=10)
Why = Annotated[str, Query(max_length=500, description="Why; needed where the camera is a guest's.")]
_MJPEG: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"multipart/x-mixed-replace": {"schema": {"type": "string", "format": "binary"}}},
        "description": "JPEG pictures, each with `X-Captured-At`, and annotated with `X-Objects`: label, "
        "confidence and xyxyn (0-1) of what detectors saw in it, without it where they have not looked.",
    }
}
_JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}
}
_PROBLEMS = described(
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
)


class LiveStream(StreamingResponse):
    """One viewer's stream; ``leave`` is called however it ends, even before it has begun."""

    media_type = f"multipart/x-mixed-replace; boundary={_BOUNDARY}"

    def __init__(self, parts: AsyncIterator[bytes], leave: Callable[[], None]) -> None:
        # Its encoding is said, or it would be gzipped, and kept back until there is enough to gzip.
        super().__init__(parts, headers={"X-Accel-Buffering": "no", "Content-Encoding": "identity"})
        self._leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Give pictures until either side ends it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._leave()


class Watching(Collector):
    """How many look at cameras now, asked when it is scraped."""

    def __init__(self, viewers: Viewers) -> None:
        self._viewers = viewers

    def collect(self) -> list[GaugeMetricFamily]:
        """Return the number as of now."""
        text = "People who look at a camera as it is now"
        return [GaugeMetricFamily("lianfang_live_viewers", text, value=self._viewers.count)]


def viewers_of(deps: Dependencies) -> Viewers:
    """Return who looks at cameras."""
    file = deps.settings.file
    keys = log_keys(file)
    viewers = Viewers(deps.bus, deps.clock, file.api.live_viewers, lambda camera: keys.get(camera, camera))
    deps.registry.register(Watching(viewers))
    return viewers


def router(deps: Dependencies, viewers: Viewers, sessions: Sessions, guests: Looks) -> APIRouter:
    """Return /cameras/{camera}/live.mjpeg and /cameras/{camera}/picture.jpg."""
    routes = APIRouter(tags=["cameras"])
    door = _Door(deps, viewers, sessions, LiveLooks(deps.store, deps.clock, guests))

    @routes.get(
        "/cameras/{camera}/live.mjpeg", response_class=StreamingResponse, responses={**_MJPEG, **_PROBLEMS}
    )
    async def look_live(
        camera: str,
        user: CurrentSession,
        annotated: Annotated[bool, Query(description="With what detectors saw.")] = False,
        fps: Annotated[
            float, Query(gt=0, le=25, description="`live_fps` of the configuration at most.")
        ] = 25,
        reason: Why = "",
    ) -> StreamingResponse:
        """Look at a camera as it is now, until either side ends it, or no picture comes for 10 s.

        As many may look at a time as the configuration says. Who looks is written down before the first
        picture is given.
        """
        door.let_in(camera, reason)
        viewer = door.enter(camera, annotated=annotated)
        try:
            first = await door.first(camera, viewer)
            look = await asyncio.to_thread(door.note, camera, "live", user, reason)
        except BaseException:
            viewers.leave(camera, viewer)
            raise

        def leave() -> None:
            viewers.leave(camera, viewer)
            asyncio.get_running_loop().run_in_executor(None, door.looks.ended, look)

        pictures = _Pictures(viewer, min(fps, deps.settings.file.api.live_fps), door.may(camera, user))
        return LiveStream(pictures.stream(first), leave)

    @routes.get("/cameras/{camera}/picture.jpg", response_class=Response, responses={**_JPEG, **_PROBLEMS})
    def show_picture(camera: str, user: CurrentSession, reason: Why = "") -> Response:
        """Show the newest picture of a camera, of the last ten seconds. Who looked is written down before."""
        door.let_in(camera, reason)
        newest = deps.newest(camera, deps.clock.now() - _NEW)
        if newest is None:
            raise _no_picture(camera)
        door.note(camera, "picture", user, reason)
        return Response(newest, media_type="image/jpeg")

    return routes


class _Door:
    """Who may look at what, and for how long."""

    def __init__(self, deps: Dependencies, viewers: Viewers, sessions: Sessions, looks: LiveLooks) -> None:
        self._deps, self._viewers, self._sessions, self.looks = deps, viewers, sessions, looks
        self._names = Names(deps.settings.config)

    def let_in(self, camera: str, reason: str) -> None:
        """Raise ApiError where nobody may look, or not without a word why."""
        known = self._deps.config.cameras.get(camera)
        if known is None:
            raise ApiError(HTTPStatus.NOT_FOUND, "no_camera", f"no camera {camera!r}")
        if not known.enabled:
            raise ApiError(HTTPStatus.CONFLICT, "camera_off", f"camera {camera} is switched off")
        if camera.startswith(PREFIX) and not reason.strip():
            detail = "reason: found nothing; allowed: why you look, for the owner of the camera to read"
            raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "reason_missing", detail)

    def enter(self, camera: str, *, annotated: bool) -> Viewer:
        """Return a viewer; ApiError where too many look already."""
        try:
            return self._viewers.open(camera, annotated=annotated)
        except Full as error:
            raise ApiError(HTTPStatus.TOO_MANY_REQUESTS, "too_many_viewers", str(error)) from error

    async def first(self, camera: str, viewer: Viewer) -> Shot:
        """Return the first picture; ApiError where none comes."""
        shot = await viewer.next(_FIRST_S)
        if shot is None:
            raise _no_picture(camera)
        return shot

    def note(self, camera: str, what: Looked, user: Session, reason: str) -> int | None:
        """Write down that somebody looks."""
        who = user.operator, self._names.operator(user.operator)
        return self.looks.begun(camera, what, *who, reason)

    def may(self, camera: str, user: Session) -> Callable[[], bool]:
        """Return what says whether somebody may go on looking."""

        def go_on() -> bool:
            known = self._deps.config.cameras.get(camera)
            shared = known is not None and known.enabled and not self._viewers.closed
            return shared and self._sessions.is_alive(user)

        return go_on


def _no_picture(camera: str) -> ApiError:
    return ApiError(HTTPStatus.NOT_FOUND, "no_picture", f"camera {camera} gives no picture now")


class _Pictures:
    """What one viewer is given: at most so many pictures a second, always the newest."""

    def __init__(self, viewer: Viewer, fps: float, may: Callable[[], bool]) -> None:
        self._viewer, self._pause_s, self._may = viewer, 1 / fps, may

    async def stream(self, first: Shot) -> AsyncIterator[bytes]:
        """Yield the parts of the stream."""
        clock, shot = asyncio.get_running_loop().time, first
        yield f"--{_BOUNDARY}\r\n".encode()
        while True:
            begun = clock()
            yield _part(shot)
            while (found := await self._viewer.next(_CHECK_S)) is None:
                if not self._may() or clock() - begun > _QUIET_S:
                    return
            await asyncio.sleep(max(0.0, begun + self._pause_s - clock()))
            shot = await self._viewer.next(0) or found
            if not self._may():
                return


def _part(shot: Shot) -> bytes:
    """Return a part with the boundary behind it: a browser shows a picture when it has read that."""
    head = [
        "Content-Type: image/jpeg",
        f"Content-Length: {len(shot.jpeg)}",
        f"X-Captured-At: {shot.captured_at.isoformat()}",
    ]
    if shot.objects is not None:
        objects = [
            {"label": o.label, "confidence": round(o.confidence, 2), "xyxyn": [round(v, 4) for v in o.xyxyn]}
            for o in shot.objects
        ]
        head.append(f"X-Objects: {json.dumps(objects)}")
    return "\r\n".join([*head, "", ""]).encode() + shot.jpeg + f"\r\n--{_BOUNDARY}\r\n".encode()

"""Server-sent events: every change of an incident, and of a camera, as it happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from starlette.types import Receive, Scope, Send

from alerts.api import models, site_models
from alerts.api.cameras import CameraViews
from alerts.api.dependencies import Dependencies
from alerts.api.feed import ChangeFeed
from alerts.api.gate import CurrentSession
from alerts.api.problems import described
from alerts.api.sessions import Sessions
from alerts.api.sight import Sight
from alerts.api.views import Views
from alerts.store.schema import CameraStateRow, ChangeRow, IncidentRow
from lianfang.config import Config

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": (
            "Events `change` (IncidentChanged, with its number as id), `cameras` (CamerasChanged), "
            "`heartbeat` (Heartbeat: after everything missed, then every 15 s) and `reset` (what the client "
            "knows is too old to be completed: read the pages again)."
        ),
        "model": models.IncidentChanged | site_models.CamerasChanged | models.Heartbeat,
    }
}


class StoreSource:
    """The changes and cameras of the store, encoded as events."""

    def __init__(self, deps: Dependencies, views: Views, cameras: CameraViews, sight: Sight) -> None:
        self._deps, self._views, self._cameras, self._sight = deps, views, cameras, sight
        self._told: tuple[Config, list[Any]] | None = None
        self._states: Mapping[str, str] = {}

    def position(self) -> int:
        """Return the number of the newest change, 0 if there is none."""
        with self._deps.store.read() as session:
            return session.scalar(select(func.max(ChangeRow.seq))) or 0

    def changes(self, after: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """Return the changes after a number, oldest first, each with the incident as it is now."""
        with self._deps.store.read() as session:
            newer = select(ChangeRow).where(ChangeRow.seq > after).order_by(ChangeRow.seq).limit(limit)
            changes = list(session.scalars(newer))
            ids = {change.incident_id for change in changes}
            rows = list(session.scalars(select(IncidentRow).where(IncidentRow.id.in_(ids)))) if ids else []
            incidents = {i.id: i for i in self._views.incidents(session, rows)} if rows else {}
            told = ((self._views.change(c), incidents[c.incident_id]) for c in changes)
            return [(c.seq, self._sight.event(about, _encode(c, about))) for c, about in told]

    def cameras(self) -> Mapping[str, str]:
        """Return the state of every camera, as JSON.

        It is asked many times a second, and cameras change seldom: what was built stands until one does.
        """
        with self._deps.store.read() as session:
            rows = session.execute(select(*CameraStateRow.__table__.columns).order_by(CameraStateRow.camera))
            told = self._deps.config, [tuple(row) for row in rows]
            if self._told is None or told[0] is not self._told[0] or told[1] != self._told[1]:
                self._states = {c.id: c.model_dump_json() for c in self._cameras.all(session)}
                self._told = told
        return self._states

    def heartbeat(self, position: int) -> bytes:
        """Return the event that says that everything up to ``position`` was sent.

        An event and no comment: a page cannot see comments, and would call a dead connection live.
        """
        beat = models.Heartbeat(now=self._deps.clock.now(), position=position)
        return format_sse_event(data_str=beat.model_dump_json(), event="heartbeat")


def _encode(change: models.Change, incident: models.Incident) -> bytes:
    data = models.IncidentChanged(change=change, incident=incident).model_dump_json()
    return format_sse_event(data_str=data, event="change", id=str(change.seq))


class EventStream(StreamingResponse):
    """One console's stream. A store that cannot be read is an error response, not an empty stream."""

    media_type = "text/event-stream"

    def __init__(
        self,
        feed: ChangeFeed,
        after: int | None,
        seconds_left: Callable[[], float],
        see: Callable[[bytes], bytes],
    ) -> None:
        super().__init__(feed.follow(after, seconds_left, see), headers={"X-Accel-Buffering": "no"})
        self._feed = feed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Follow the feed until the client goes, the session ends or the service stops."""
        with self._feed.joined():
            await self._feed.refresh()
            await super().__call__(scope, receive, send)


class Streams(Collector):
    """How many consoles follow, asked when it is scraped.

    Not a Gauge: under several processes that one is kept in the files of all of them as well, and would be
    exported twice.
    """

    def __init__(self, feed: ChangeFeed) -> None:
        self._feed = feed

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the number as of now."""
        text = "Consoles that follow the live stream"
        yield GaugeMetricFamily("lianfang_console_streams", text, value=self._feed.followers)


def router(deps: Dependencies, feed: ChangeFeed, sessions: Sessions, sight: Sight) -> APIRouter:
    """Return /events."""
    routes = APIRouter(tags=["events"])
    deps.registry.register(Streams(feed))

    @routes.get(
        "/events",
        status_code=HTTPStatus.OK,
        response_class=EventStream,
        responses={**_STREAM, **described(HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE)},
    )
    async def follow_events(
        user: CurrentSession,
        after: Annotated[int | None, Query(ge=0, description="`position` of the page of incidents.")] = None,
        last_event_id: Annotated[int | None, Header(ge=0, description="Goes before `after`.")] = None,
    ) -> EventStream:
        """Follow what happens, from a change on or from now on; a browser resumes it by itself."""

        def seconds_left() -> float:
            if not sessions.is_alive(user):
                return 0
            return (user.expires_at - deps.clock.now()).total_seconds()

        begin = after if last_event_id is None else last_event_id
        return EventStream(feed, begin, seconds_left, sight.seen_by(user.operator))

    return routes

"""The application: every part of the API put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from http import HTTPStatus
from operator import attrgetter
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from alerts.api import (
    audit,
    auth,
    backtests,
    broadcasts,
    camera_details,
    cameras,
    clips,
    console,
    coverage,
    deliveries,
    dispositions,
    events,
    evidence,
    exports,
    guest_hooks,
    guests,
    handovers,
    health,
    incidents,
    live,
    microphone,
    needs,
    openapi,
    ops,
    people,
    photos,
    pictures,
    plate_changes,
    plates,
    police,
    problems,
    profiles,
    quiets,
    readings,
    receipts,
    receivers,
    recordings,
    rules,
    share,
    site_map,
    sound_tests,
    speakers,
    speech,
    standstill,
    statistics,
    suppressions,
    trials,
    walks,
    weeks,
)
from alerts.api import settings as settings_routes
from alerts.api.access import Access
from alerts.api.auditing import Auditing
from alerts.api.dependencies import Dependencies
from alerts.api.feed import ChangeFeed
from alerts.api.gate import MAX_BODY_BYTES, MAX_LONG_BODY_BYTES, CurrentSession, Gate, current_session
from alerts.api.headers import SecurityHeaders
from alerts.api.names import Names
from alerts.api.sight import Sight
from alerts.api.timing import Timing
from alerts.api.views import Views
from alerts.backtest.runs import Runs
from alerts.guests.book import GuestBook
from alerts.guests.looking import Looks
from alerts.store import Store


def create_app(deps: Dependencies, *, static: Path = console.STATIC) -> FastAPI:
    """Return the API and the console; ``ApiServer`` ends what is in ``app.state``.

    ConfigError if an operator's password hash is none. Its streams need the lifespan to be run.
    """
    names = Names(deps.settings.config)
    access = Access.of(deps, names)
    views = Views(names, Timing(deps.settings.config))
    camera_views = cameras.CameraViews(deps.settings.config, names)
    sight = Sight(deps.settings.config, names)
    feed = ChangeFeed(events.StoreSource(deps, views, camera_views, sight))
    book = GuestBook(deps.store, deps.settings, deps.clock, deps.evidence_dir, deps.forget)
    looks = Looks(deps.store, deps.clock)
    runs, viewers = Runs(deps.clock), live.viewers_of(deps)

    app = FastAPI(
        title="lianfang",
        version="1",
        description="Incidents, their evidence and what a person does about them.",
        openapi_url=None,  # served below, behind the session
        lifespan=_follow_the_store(deps.store, feed, runs),
        generate_unique_id_function=attrgetter("name"),
        middleware=[
            Middleware(GZipMiddleware, minimum_size=1024, compresslevel=5),
            Middleware(SecurityHeaders),
            Middleware(Gate, sessions=access.sessions),
            Middleware(Auditing, store=deps.store, clock=deps.clock, names=names),
        ],
    )
    app.state.feed, app.state.viewers = feed, viewers
    problems.install(app)
    openapi.install(app)
    guards = [Depends(current_session), Depends(needs.allowed(names, access.passwords))]
    behind_login = (
        speech.router(deps),  # before the actions, whose path would stand for its own
        exports.router(deps, views, looks),  # likewise
        incidents.router(deps, views, sight),
        evidence.router(deps, looks),
        clips.router(deps, looks),
        events.router(deps, feed, access.sessions, sight),
        cameras.router(deps, camera_views),
        camera_details.router(deps, names),
        live.router(deps, viewers, access.sessions, looks),
        profiles.router(deps),
        settings_routes.router(deps),
        rules.router(deps),
        weeks.router(deps),
        plates.router(deps),
        plate_changes.router(deps),
        backtests.router(deps, runs, looks, sight),
        suppressions.router(deps),
        trials.router(deps),
        statistics.router(deps),
        broadcasts.router(deps),
        standstill.router(deps),
        microphone.router(deps),  # before the calls, whose path would stand for its own
        speakers.router(deps),
        receivers.router(deps),
        deliveries.router(deps),
        police.router(deps),
        photos.router(deps),
        dispositions.router(deps, names),
        guests.router(deps, book, looks),
        recordings.router(deps),
        quiets.router(deps),
        sound_tests.router(deps),
        handovers.router(deps, sight),
        people.router(deps, access.book, feed.nudge),
        audit.router(deps),
        health.router(deps),
        site_map.router(deps),
        site_map.placing(deps),
        walks.router(deps),
        coverage.router(deps),
    )
    uploads = (
        photos.uploads(deps),
        recordings.uploads(deps),
        site_map.uploads(deps),
        plate_changes.uploads(deps),
    )
    # Uploads come before the actions, whose path would stand for their own.
    _include(app, uploads, MAX_LONG_BODY_BYTES, guards)
    login = auth.router(deps, access, feed.nudge, guards)
    app.include_router(login, prefix="/api", max_body_size=MAX_BODY_BYTES)
    _include(app, behind_login, MAX_BODY_BYTES, guards)
    for router in (*_of_machines(deps), pictures.router(deps, looks), *_of_guests(deps, book)):
        app.include_router(router)

    @app.get("/api/openapi.json", include_in_schema=False)
    def openapi_document(_user: CurrentSession) -> dict[str, Any]:
        return app.openapi()

    @app.get("/api/{path:path}", include_in_schema=False)
    async def unknown(path: str) -> None:
        # Without it the console's page would answer: it stands for every path that is nothing else.
        raise problems.ApiError(HTTPStatus.NOT_FOUND, "not_found", f"no /api/{path}")

    console.install(app, static)
    return app


def _include(app: FastAPI, routers: Iterable[APIRouter], max_body_size: int, guards: list[Any]) -> None:
    """Serve ``routers`` below /api to whoever the guards let in.

    Each goes into the application itself: with a router in a router every route would be made once more.
    """
    closed = problems.described(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
    for router in routers:
        app.include_router(
            router, prefix="/api", max_body_size=max_body_size, dependencies=guards, responses=closed
        )


def _of_machines(deps: Dependencies) -> tuple[APIRouter, ...]:
    return receipts.router(deps), readings.router(deps), ops.router(deps)


def _of_guests(deps: Dependencies, book: GuestBook) -> tuple[APIRouter, ...]:
    return share.router(deps, book), guest_hooks.router(deps, book)


def _follow_the_store(
    store: Store, feed: ChangeFeed, runs: Runs
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Return the lifespan of the application: the feed's reader, woken by every commit.

    With it end the back-tests.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        reader = asyncio.create_task(feed.run())
        store.on_commit(feed.wake)
        yield
        feed.close()
        reader.cancel()
        with suppress(asyncio.CancelledError):
            await reader
        await asyncio.to_thread(runs.close)

    return lifespan

"""The server that speakers fetch sound from: signed links, nothing else, apart from API and console."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from alerts.voice.clips import Clips
from lianfang.clock import Clock
from lianfang.config.voice import ClipServer
from lianfang.errors import LianfangError


@asynccontextmanager
async def serving(settings: ClipServer | None, clips: Clips, clock: Clock) -> AsyncIterator[None]:
    """Serve the clips inside the block; nothing where there are no settings."""
    if settings is None:
        yield
        return

    async def get(request: web.Request) -> web.StreamResponse:
        until, signature = request.query.get("until", ""), request.query.get("signature", "")
        found = await asyncio.to_thread(clips.find, request.match_info["name"], until, signature, clock.now())
        if found is None:
            raise web.HTTPNotFound(text="no such clip, or its time is over\n")
        return web.FileResponse(found, headers={"Content-Type": "audio/wav", "Cache-Control": "no-store"})

    app = web.Application()
    app.add_routes([web.get("/{name}", get)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, settings.host, settings.port).start()
        except OSError as error:
            where = f"{settings.host}:{settings.port}"
            raise LianfangError(f"voice.serve cannot listen on {where}: {error.strerror}") from error
        yield
    finally:
        await runner.cleanup()

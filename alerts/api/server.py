"""The API under uvicorn, as the service runs it."""

from __future__ import annotations

import asyncio
import socket

import uvicorn
from fastapi import FastAPI

from alerts.api.feed import ChangeFeed
from alerts.live.viewers import Viewers

_GRACE_S = 5  # for requests under way; streams end at once


class ApiServer(uvicorn.Server):
    """A server that ends the streams when it is asked to stop: they would never end by themselves.

    ``serve()`` runs on the caller's loop; from another thread set ``should_exit``.
    """

    def __init__(self, app: FastAPI, *, host: str, port: int) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                lifespan="on",
                log_config=None,  # the service has configured logging
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_GRACE_S,
            )
        )
        self._feed: ChangeFeed = app.state.feed
        self._viewers: Viewers = app.state.viewers

    @property
    def port(self) -> int:
        """The port it listens on, which port 0 leaves to the system; known once ``started``."""
        address: tuple[str, int] = self.servers[0].sockets[0].getsockname()
        return address[1]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then the server."""
        self._feed.close()
        await asyncio.to_thread(self._viewers.close)
        await super().shutdown(sockets)

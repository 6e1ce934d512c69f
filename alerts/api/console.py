"""The console's files, as Vite has built them into ``static``."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

STATIC = Path(__file__).parent / "static"
_NOT_BUILT = "The API runs, but the console was not built. Run `make setup` and start again.\n"


def install(app: FastAPI, static: Path) -> None:
    """Serve the console at / and, for its own routes, at every path that is nothing else."""
    if (static / "index.html").is_file():
        app.frontend("/", directory=static, fallback="index.html")
        return

    @app.get("/", include_in_schema=False, response_class=PlainTextResponse)
    async def not_built() -> PlainTextResponse:
        return PlainTextResponse(_NOT_BUILT, HTTPStatus.SERVICE_UNAVAILABLE)

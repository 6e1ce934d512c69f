"""For machines that look after this one: alive, ready, metrics. No personal data in any of it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Literal

from fastapi import APIRouter, Response
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from pydantic import BaseModel, ConfigDict

from alerts.api.dependencies import Dependencies


class Health(BaseModel):
    """The process is alive."""

    model_config = ConfigDict(frozen=True)

    status: Literal["ok"]


class Readiness(BaseModel):
    """Whether every component works; ``components`` holds "ok" or what is wrong."""

    model_config = ConfigDict(frozen=True)

    ready: bool
    components: dict[str, str]


def router(deps: Dependencies) -> APIRouter:
    """Return /healthz, /readyz and /metrics."""
    routes = APIRouter(tags=["operations"])

    @routes.get("/healthz")
    async def alive() -> Health:
        """Say that the process runs."""
        return Health(status="ok")

    @routes.get("/readyz", responses={HTTPStatus.SERVICE_UNAVAILABLE.value: {"model": Readiness}})
    def ready(response: Response) -> Readiness:
        """Say whether every component works; 503 if one does not."""
        components = dict(deps.ready())
        is_ready = all(state == "ok" for state in components.values())
        if not is_ready:
            response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        return Readiness(ready=is_ready, components=components)

    @routes.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    def metrics() -> Response:
        """Show the metrics in the text format of Prometheus."""
        return Response(generate_latest(deps.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return routes

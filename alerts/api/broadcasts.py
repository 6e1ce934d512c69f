"""How much has been said in the last hour, and where nothing more is."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from alerts.api.dependencies import Dependencies
from alerts.api.models import Named
from alerts.api.names import Names
from alerts.pipeline.budget import spent


class BroadcastsView(BaseModel):
    """Broadcasts of the last hour against ``community.broadcasts``.

    ``used_up``: nothing more is said anywhere; of ``cameras`` nothing is. What may save a life is said.
    """

    said: int
    per_hour: int
    used_up: bool
    cameras: list[Named]


def router(deps: Dependencies) -> APIRouter:
    """Return /broadcasts."""
    routes, names = APIRouter(tags=["broadcasts"]), Names(deps.settings.config)

    @routes.get("/broadcasts")
    def show_broadcasts() -> BroadcastsView:
        """Show whether the budget of broadcasts is used up."""
        with deps.store.read() as session:
            found = spent(session, deps.config.community.broadcasts, deps.clock.now())
        return BroadcastsView(
            said=found.by_camera.total(),
            per_hour=found.bounds.per_hour,
            used_up=found.is_used_up,
            cameras=[names.camera(camera) for camera in sorted(found.by_camera) if found.is_enough(camera)],
        )

    return routes

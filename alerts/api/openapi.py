"""The OpenAPI document, put right where the framework's says something else than the API does."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from alerts.api.problems import Problem


def install(app: FastAPI) -> None:
    """Make ``app.openapi()`` return the corrected document."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            for operations in document["paths"].values():
                for operation in operations.values():
                    _correct(operation["responses"])
            document["components"]["schemas"][Problem.__name__] = Problem.model_json_schema()
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI documents it


def _correct(responses: dict[str, dict[str, Any]]) -> None:
    """Declare events as what is in their data."""
    content = responses.get("200", {}).get("content", {})
    if "text/event-stream" in content:
        content["text/event-stream"]["schema"].pop("type", None)  # "string" contradicts the models

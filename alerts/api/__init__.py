"""The HTTP API and the console's files. Only this package knows FastAPI."""

from alerts.api.app import create_app
from alerts.api.dependencies import Dependencies
from alerts.api.server import ApiServer

__all__ = ["ApiServer", "Dependencies", "create_app"]

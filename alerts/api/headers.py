"""What browsers are told to do, and not to do, with every answer."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECURITY = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"  # blob: pictures that are asked for with a secret in a header
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(self), microphone=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_ASSETS = "/assets/"  # Vite puts a hash into their names: they never change


class SecurityHeaders:
    """ASGI middleware: the security headers, and who may keep a copy of what."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers to the start of every response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY)
                headers.setdefault("Cache-Control", _cache_control(scope["path"], message["status"]))
            await send(message)

        await self._app(scope, receive, with_headers)


def _cache_control(path: str, status: int) -> str:
    if path.startswith(_ASSETS) and status == 200:
        return "public, max-age=31536000, immutable"
    # Answers depend on who asks; the page itself names the assets of its version.
    return "private, no-store" if path.startswith(("/api", "/share")) else "no-cache"

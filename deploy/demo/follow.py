"""Follow what happens as a console does: log in, and read the stream of events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp

from deploy.demo.site import OPERATOR, Site
from lianfang.errors import LianfangError

_START_WITHIN_S = 60.0
_RETRY_S = 0.3


async def events(site: Site) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Yield (event, data) from the API, from the first change on, through restarts of the service."""
    base, last_id = f"http://127.0.0.1:{site.port}/api", ""
    async with aiohttp.ClientSession(
        headers={"X-Requested-With": "lianfang"},
        cookie_jar=aiohttp.CookieJar(unsafe=True),  # cookies of an IP address
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
    ) as session:
        while True:
            try:
                await _login(session, base, site)
                headers = {"Last-Event-ID": last_id} if last_id else {}
                async with session.get(f"{base}/events?after=0", headers=headers) as response:
                    response.raise_for_status()
                    async for name, identity, data in _parse(response):
                        last_id = identity or last_id
                        yield name, data
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(_RETRY_S)


async def ready(site: Site) -> None:
    """Return once the API is ready; LianfangError if that takes more than a minute."""
    try:
        async with asyncio.timeout(_START_WITHIN_S):
            await _answered(f"http://127.0.0.1:{site.port}/readyz")
    except TimeoutError as error:
        raise LianfangError(f"the services are not ready after {_START_WITHIN_S:.0f} s") from error


async def _answered(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(url) as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(_RETRY_S)


async def _login(session: aiohttp.ClientSession, base: str, site: Site) -> None:
    body = {"operator": OPERATOR, "password": site.password}
    async with session.post(f"{base}/login", json=body) as response:
        if response.status >= 400:
            raise LianfangError(f"the demo cannot log in: {response.status} {await response.text()}")


async def _parse(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, str, dict[str, Any]]]:
    """Yield (event, id, data) of a text/event-stream."""
    fields: dict[str, str] = {}
    async for raw in response.content:
        line = raw.decode().rstrip("\r\n")
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        elif fields.get("data"):
            yield fields.get("event", "message"), fields.get("id", ""), json.loads(fields["data"])
            fields = {}

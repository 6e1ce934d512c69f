"""The dead-man's switch: somebody outside hears from us while all is well, and rings when we fall silent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import aiohttp
import structlog

from lianfang.config.runtime import DeadMan

_log = structlog.get_logger()


async def report_alive(settings: DeadMan, ready: Callable[[], Mapping[str, str]]) -> None:
    """Call the switch every ``settings.every_s`` while every component is "ok", until cancelled.

    Whatever is not ok is logged once and the switch is not called: its silence is the alarm, and it needs
    nothing of this machine to work.
    """
    silent_because = ""
    timeout = aiohttp.ClientTimeout(total=settings.timeout_s)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        while True:
            states = await asyncio.to_thread(ready)
            reason = "; ".join(f"{name}: {state}" for name, state in states.items() if state != "ok")
            reason = reason or await _call(session, settings.url)
            if reason != silent_because:
                say = _log.warning if reason else _log.info
                say("dead_man_silent" if reason else "dead_man_called", reason=reason)
                silent_because = reason
            await asyncio.sleep(settings.every_s)


async def _call(session: aiohttp.ClientSession, url: str) -> str:
    """Call the switch; return why it has not heard us, "" if it has."""
    try:
        async with session.post(url, allow_redirects=False) as response:
            return "" if response.status < 300 else f"the switch answered {response.status}"
    except (aiohttp.ClientError, TimeoutError) as error:
        return f"the switch cannot be reached: {type(error).__name__}"

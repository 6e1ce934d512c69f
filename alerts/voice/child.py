"""Children that play or speak."""

from __future__ import annotations

import asyncio
from contextlib import suppress


async def killed(process: asyncio.subprocess.Process) -> None:
    """End it for certain."""
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()

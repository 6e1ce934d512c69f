"""Ending tasks for certain."""

from __future__ import annotations

import asyncio


async def end(*tasks: asyncio.Task[None], patience_s: float = 2.0) -> None:
    """Cancel tasks and return once all of them have ended, however they did.

    One that has not ended after ``patience_s`` seconds is told again: ``asyncio.wait_for`` of Python 3.11, by
    which libraries wait, forgets a cancellation that comes together with what it waits for.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        ended, left = await asyncio.wait(left, timeout=patience_s)
        for task in ended:
            if not task.cancelled():
                task.exception()  # whoever ends it does not ask

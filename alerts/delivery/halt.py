"""An attempt at a speech that can be broken off: the device must confirm that it is silent."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from alerts.channels.base import Channel, Receipt, Speaker
from alerts.delivery.attempt import Attempt, command_id
from alerts.delivery.policy import Stopped
from alerts.store.schema import OutboxRow
from lianfang.errors import PermanentError, TransientError

_log = structlog.get_logger()

_TRIES = 2
_TRY_S = 5.0  # for a channel without a time-out of its own
_PAUSE_S = 0.2


async def until_over(
    row: OutboxRow, channel: Channel, attempt: Coroutine[Any, Any, Attempt], stop: asyncio.Future[str]
) -> Attempt | Stopped:
    """Return what ``attempt`` came to, or that it was broken off because ``stop`` was set to a reason.

    A speaker that cannot be stopped plays to its end. One that does not confirm it is not waited for: what
    is more urgent must be tried, and the command ends by itself after its ``max_s``.
    """
    task = asyncio.create_task(attempt)
    try:
        either: set[asyncio.Future[Any]] = {task, stop}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if task.done() or not isinstance(channel, Speaker):
            return await task
        word = await _silenced(channel, row)
        if isinstance(word, PermanentError):
            _log.warning("speaker_not_stopped", receiver=row.receiver, delivery=row.id, error=str(word))
            return await task
        if isinstance(word, TransientError):
            _log.error("stop_not_confirmed", receiver=row.receiver, delivery=row.id, error=str(word))
            return Stopped(stop.result(), f"stop not confirmed: {word}")
        if word.outcome == "finished":  # a moment before
            return Attempt(row, receipt=word)
        return Stopped(stop.result(), f"the speaker says {word.outcome}")
    finally:
        task.cancel()


async def _silenced(channel: Speaker, row: OutboxRow) -> Receipt | PermanentError | TransientError:
    """Ask until the speaker confirms; a second time, because the command may still be on its way to it."""
    fault: PermanentError | TransientError = TransientError("never asked")
    for n in range(_TRIES):
        if n:
            await asyncio.sleep(_PAUSE_S)
        try:
            async with asyncio.timeout(_TRY_S):
                return await channel.stop(command_id(row))
        except TimeoutError:
            fault = TransientError(f"no answer within {_TRY_S:g} s")
        except (PermanentError, TransientError) as error:
            fault = error
    return fault

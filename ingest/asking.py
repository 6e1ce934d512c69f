"""Questions of a camera's thread to somebody on the network: they end when the camera is to end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from ingest.sources.base import SourceLost
from lianfang.errors import LianfangError, NotLetIn, PermanentError, UnknownName
from lianfang.events import CameraReason

_Given = TypeVar("_Given")
_LOOK_S = 0.2
_REASONS: tuple[tuple[type[LianfangError], CameraReason], ...] = (
    (NotLetIn, CameraReason.UNAUTHORIZED),
    (UnknownName, CameraReason.NOT_FOUND),
    (PermanentError, CameraReason.REFUSED),
)


class Stopped(Exception):  # noqa: N818 - reads as the fact it states
    """The camera is to end: nobody wants the answer any more."""


def answered(question: Coroutine[Any, Any, _Given], within_s: float, stop: threading.Event) -> _Given:
    """Return the answer to ``question``, in an event loop of its own.

    SourceLost where it takes longer than ``within_s``, and in place of every error of ours within; Stopped
    once ``stop`` is set.
    """
    try:
        return asyncio.run(_answer(question, within_s, stop))
    except TimeoutError:
        raise SourceLost(CameraReason.TIMED_OUT, f"asked for its stream, no word in {within_s:g} s") from None
    except SourceLost:
        raise
    except LianfangError as error:
        reason = next((r for kind, r in _REASONS if isinstance(error, kind)), CameraReason.UNREACHABLE)
        raise SourceLost(reason, str(error)) from None


async def _answer(question: Coroutine[Any, Any, _Given], within_s: float, stop: threading.Event) -> _Given:
    answering = asyncio.create_task(question)
    try:
        async with asyncio.timeout(within_s):
            while not (await asyncio.wait({answering}, timeout=_LOOK_S))[0]:
                if stop.is_set():
                    raise Stopped
        return answering.result()
    finally:
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)

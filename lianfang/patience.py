"""Wait for what another machine must give, and say so once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import structlog

from lianfang.clock import Clock
from lianfang.errors import TransientError

_log = structlog.get_logger()

_RETRY_S = 0.2
_SAY_AFTER_S = 2.0
Reached = TypeVar("Reached")


def wait_for(what: str, reach: Callable[[], Reached], clock: Clock, stop: threading.Event) -> Reached | None:
    """Return what ``reach`` gives once it raises no TransientError, None where ``stop`` came first.

    If it takes long, the log says what is waited for, and when it is there.
    """
    started, said = clock.monotonic(), False
    while not stop.is_set():
        try:
            reached = reach()
        except TransientError as error:
            if not said and clock.monotonic() - started >= _SAY_AFTER_S:
                _log.warning(f"waiting_for_{what}", reason=str(error))
                said = True
            stop.wait(_RETRY_S)
        else:
            if said:
                _log.info(f"{what}_reached", after_s=round(clock.monotonic() - started, 1))
            return reached
    return None

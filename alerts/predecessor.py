"""The alert service that was there before this one, and has not let go of the embedded bus yet."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import structlog

from lianfang.bus import Bus
from lianfang.bus.connect import own
from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.errors import LianfangError, TransientError

_log = structlog.get_logger()

_WAIT_S = 15.0  # for one whose supervisor was killed to end by itself: it is given 10 s to
_RETRY_S = 0.2


@contextmanager
def own_at_last(config: Config, clock: Clock, stop: threading.Event) -> Iterator[Bus | None]:
    """Give the bus, None where ``stop`` came first; LianfangError if another process goes on to keep it."""
    since, waiting = clock.monotonic(), False
    with ExitStack() as opened:
        while not stop.is_set():
            try:
                bus = opened.enter_context(own(config, clock))
            except TransientError as error:
                if clock.monotonic() - since >= _WAIT_S:
                    raise LianfangError(str(error)) from error
                if not waiting:
                    _log.warning("waiting_for_predecessor", reason=str(error), at_most_s=_WAIT_S)
                waiting = True
                stop.wait(_RETRY_S)
            else:
                yield bus
                return
        yield None

"""Asks devices what their clocks say, apart from their pictures: one after the other, in its own thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

from ingest.sources.base import TellsClock
from lianfang.clock import Clock
from lianfang.config import Stanza
from lianfang.errors import LianfangError

EVERY_S = 300.0
"""Between two rounds: less than what is known of a clock lasts."""


class AskedClocks:
    """The devices among ``sources`` that can be asked; ``tell`` gets camera and seconds that it is ahead."""

    def __init__(
        self, sources: Mapping[str, Stanza], clock: Clock, tell: Callable[[str, float], object]
    ) -> None:
        self._asked = {name: source for name, source in sources.items() if isinstance(source, TellsClock)}
        self._clock, self._tell = clock, tell

    def run(self, stop: threading.Event) -> None:
        """Ask until ``stop`` is set. One that does not answer is asked again in the next round."""
        while self._asked and not stop.is_set():
            for camera_id, source in self._asked.items():
                if stop.is_set():
                    return
                with suppress(LianfangError, TimeoutError, OSError):
                    self._tell(camera_id, source.clock_ahead_s(self._clock))
            stop.wait(EVERY_S)

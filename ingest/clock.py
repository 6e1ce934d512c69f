"""By how much a camera's clock is off: what its sender reports and its ONVIF service say of it.

Reports are late, early or wrong now and then, so the median of a minute counts. Where they say nothing, or
count seconds since the camera's start instead of telling the time, there is no value rather than a wrong one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median

from lianfang.camera_clock import ClockJudge
from lianfang.events import CameraClock, ClockSource

EVERY_S = 1.0
"""Between two samples: all pictures between two reports say the same."""
WINDOW_S = 60.0
"""Samples older than this count no more."""
LEAST = 10
"""Fewer samples are no value."""
MOVED_S = 0.5
"""A change of this much is worth saying before the next turn."""
MOVED_EVERY_S = 60.0
"""Yet not more often: on a machine that cannot keep up pictures come late by more than that, now and then."""
AGAIN_S = 600.0
"""So often it is said in any case: whoever reads it can tell how old it is."""
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""A camera that says less tells no time: it counts from its start, in NTP's era of 1900 or in Unix's."""


class ClockWatch:
    """The clock of one camera; one thread uses it.

    ``monotonic`` gives seconds of the monotonic clock; ``judge`` says what is a fault.
    """

    def __init__(self, monotonic: Callable[[], float], judge: ClockJudge) -> None:
        self._monotonic, self._judge = monotonic, judge
        self._samples: deque[tuple[float, float]] = deque()
        self._asked: tuple[float, float] | None = None
        self._looked_s: float | None = None
        self._said_s = 0.0
        self.known: CameraClock | None = None
        """What was said last; None where nothing ever was."""

    def is_due(self) -> bool:
        """Say whether a sample is wanted: none for EVERY_S."""
        return self._looked_s is None or self._monotonic() - self._looked_s >= EVERY_S

    def saw(self, camera_time: datetime | None, captured_at: datetime) -> CameraClock | None:
        """Take note of a picture taken at ``camera_time`` by the camera's clock; return what is new of it."""
        if not self.is_due():
            return None
        now_s = self._looked_s = self._monotonic()
        if camera_time is not None and camera_time >= EARLIEST:
            self._samples.append((now_s, (camera_time - captured_at).total_seconds()))
        while self._samples and now_s - self._samples[0][0] > WINDOW_S:
            self._samples.popleft()
        return self._news(captured_at, now_s)

    def told(self, offset_s: float) -> None:
        """Take note of what its ONVIF service says: it counts where the stream says nothing."""
        self._asked = (self._monotonic(), offset_s)

    def _news(self, at: datetime, now_s: float) -> CameraClock | None:
        source: ClockSource = "rtcp"
        if len(self._samples) >= LEAST:
            offset_s = median(offset for _, offset in self._samples)
        elif self._asked is not None and now_s - self._asked[0] < AGAIN_S:
            source, offset_s = "onvif", self._asked[1]
        else:
            return None
        word, known = self._judge.word(offset_s, source, at), self.known
        if (
            known is not None
            and (known.source, known.trusted, known.off) == (source, word.trusted, word.off)
            and now_s - self._said_s
            < (AGAIN_S if abs(offset_s - known.offset_s) < MOVED_S else MOVED_EVERY_S)
        ):
            return None
        self._said_s, self.known = now_s, word
        return word

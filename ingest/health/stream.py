"""Whether as many pictures of a camera come as usual, and whether they are whole. On the pictures' time."""

from __future__ import annotations

from collections.abc import Sequence

from lianfang.events import CameraReason

WINDOW_S = 10.0
"""Pictures are counted for so long at a time."""
_RUNS = 3  # windows in a row that say the same before it counts, either way
_FEW, _ENOUGH = 0.5, 0.8  # of what is usual, or of what is asked for where that is less
_CORRUPT, _WHOLE = 0.2, 0.05  # share of the pictures that are damaged
_FOLLOWS = 0.2  # weight of a window in what is usual
_ADOPT_S = 3600.0  # so long after it began, fewer pictures are the usual ones: somebody has set the camera so


class StreamHealth:
    """What is wrong with the stream of one camera, over all its connections. One thread owns it."""

    def __init__(self) -> None:
        self.reason: CameraReason | None = None
        """Why the stream is degraded, None where it is not."""
        self.detail = ""
        """The figures of it, for technicians."""
        self._usual = 0.0
        self._since_s = 0.0
        self.begin()

    def begin(self) -> None:
        """Begin anew with a new connection; what is usual is known still."""
        self.reason, self.detail = None, ""
        self._begin_s: float | None = None
        self._good = self._bad = 0
        self._verdicts: list[CameraReason | None] = []

    def spoilt(self) -> None:
        """Take note of a picture that could not be used."""
        self._bad += 1

    def came(self, at_s: float, asked_fps: float) -> None:
        """Take note of a good picture taken at ``at_s`` of a camera of which ``asked_fps`` are published."""
        if self._begin_s is None or at_s < self._begin_s:
            self._begin_s = at_s
        lasted_s = at_s - self._begin_s
        if lasted_s >= WINDOW_S:
            self._judge(self._good / lasted_s, asked_fps, at_s)
            self._begin_s, self._good, self._bad = at_s, 0, 0
        self._good += 1

    def _judge(self, rate: float, asked_fps: float, at_s: float) -> None:
        """Let a window with ``rate`` good pictures a second count."""
        share = self._bad / (self._bad + self._good)
        wanted = min(self._usual, asked_fps)
        few, corrupt = self.reason is CameraReason.FEW_PICTURES, self.reason is CameraReason.CORRUPT
        verdict: CameraReason | None = None
        if share > (_WHOLE if corrupt else _CORRUPT):
            verdict = CameraReason.CORRUPT
        elif rate < (_ENOUGH if few else _FEW) * wanted:
            verdict = CameraReason.FEW_PICTURES
        else:
            self._usual += (rate - self._usual) * (_FOLLOWS if self._usual else 1)
        self._verdicts = [*self._verdicts, verdict][-_RUNS:]
        if len(self._verdicts) == _RUNS and _agree(self._verdicts) and verdict is not self.reason:
            self.reason, self._since_s = verdict, at_s
            figures = {
                CameraReason.FEW_PICTURES: f"{rate:.2g} pictures a second, usually {self._usual:.2g}",
                CameraReason.CORRUPT: f"{share:.0%} of the pictures are damaged",
            }
            self.detail = figures[verdict] if verdict else ""
        elif few and at_s - self._since_s >= _ADOPT_S:
            self._usual = rate


def _agree(verdicts: Sequence[CameraReason | None]) -> bool:
    return all(verdict is verdicts[0] for verdict in verdicts)

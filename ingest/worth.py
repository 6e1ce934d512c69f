"""What a camera is worth now, and saying so on the bus whenever any of it changes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import structlog

from ingest.announcer import Announcer
from lianfang.events import CameraClock, CameraCondition, CameraFault, CameraReason, CameraState

_TO_PUT_RIGHT: frozenset[str] = frozenset(
    {
        CameraReason.UNAUTHORIZED,
        CameraReason.FORBIDDEN,
        CameraReason.NOT_FOUND,
        CameraReason.BAD_ADDRESS,
        CameraReason.SECRET_MISSING,
    }
)
"""Reasons that end only when a person does something: a camera that is offline already says them as well."""


class Worth:
    """The one word on a camera: whoever finds something out about it says so here. One thread uses it.

    What is said goes with ``at``, the time of the picture that showed it, or of the loss. What is wrong with
    the view stays true while nothing is seen.
    """

    def __init__(self, camera_id: str, announcer: Announcer) -> None:
        self._id, self._announcer = camera_id, announcer
        self._state: CameraState | None = None
        self._faults: frozenset[CameraFault] = frozenset()
        self._log = structlog.get_logger().bind(camera_id=camera_id)

    @property
    def condition(self) -> CameraCondition | None:
        """What was said last of its stream; None where nothing was."""
        return self._state.condition if self._state else None

    def is_news(self, reason: CameraReason) -> bool:
        """Say whether ``reason`` tells people what to put right, where nothing of the kind was said."""
        return reason in _TO_PUT_RIGHT and self._state is not None and self._state.reason not in _TO_PUT_RIGHT

    def begin(self) -> None:
        """Begin anew: what is said next is news, whatever was said before."""
        self._state = None

    def online(self, at: datetime, epoch: str) -> None:
        """Say that its pictures come, by the connection ``epoch``."""
        self._say(at, condition=CameraCondition.ONLINE, epoch=epoch, reason="", detail="")

    def offline(self, at: datetime, epoch: str | None, reason: CameraReason, detail: str = "") -> None:
        """Say that none come; ``epoch`` is None where none ever did by this connection."""
        self._say(
            at, condition=CameraCondition.OFFLINE, epoch=epoch, reason=reason.value, detail=detail, clock=None
        )

    def streams(self, at: datetime, reason: CameraReason | None, detail: str = "") -> None:
        """Say why its pictures are fewer or worse than they should be, None where they are not."""
        if self._state is None or self.condition is CameraCondition.OFFLINE:
            return
        worse = reason is not None
        if (self._state.reason or None) == reason:
            return
        self._log.warning("camera_degraded" if worse else "camera_as_usual", reason=reason, detail=detail)
        condition = CameraCondition.DEGRADED if worse else CameraCondition.ONLINE
        self._say(at, condition=condition, reason=reason.value if reason else "", detail=detail)

    def views(self, at: datetime, faults: Iterable[CameraFault], of: frozenset[CameraFault]) -> None:
        """Say which of the faults ``of`` it has now; the others stay as they are."""
        self._mark(faults, of)
        if self._state is not None:
            self._say(at)

    def clock(self, word: CameraClock) -> None:
        """Say what is known of its clock."""
        self._mark({CameraFault.WRONG_CLOCK} if word.off else (), frozenset({CameraFault.WRONG_CLOCK}))
        if self._state is not None and self.condition is not CameraCondition.OFFLINE:
            self._say(word.at, clock=word)

    def flush(self) -> None:
        """Say again what the bus did not take. Never waits."""
        self._announcer.flush()

    def _mark(self, faults: Iterable[CameraFault], of: frozenset[CameraFault]) -> None:
        before, self._faults = self._faults, (self._faults - of) | frozenset(faults)
        for name, kinds in (("began", self._faults - before), ("ended", before - self._faults)):
            if kinds:
                self._log.warning(f"camera_fault_{name}", faults=sorted(kinds))

    def _say(self, at: datetime, **changes: Any) -> None:  # noqa: ANN401 - fields of CameraState
        before = self._state
        known = before.model_dump() if before else {"camera_id": self._id}
        state = CameraState.model_validate(
            {**known, "faults": sorted(self._faults), **changes, "captured_at": at}
        )
        if before is not None and state.model_copy(update={"captured_at": before.captured_at}) == before:
            return
        self._state = state
        self._announcer.announce(state)

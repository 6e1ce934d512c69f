"""What is known of one receiver while the worker runs: how much is under way, and whether it answers."""

from __future__ import annotations

import structlog

from alerts.channels.base import EmergencyOnAir
from alerts.delivery.attempt import Attempt, FaultyChannelError
from alerts.delivery.breaker import Breaker
from alerts.store.speakers import Health
from lianfang.errors import TransientError


class Endpoint:
    """One receiver. It logs when its error changes and once when it is over, not every attempt."""

    def __init__(self, receiver: str, breaker: Breaker) -> None:
        self.breaker = breaker
        self.in_flight = 0
        self.last_health: Health = "ready"
        self._log = structlog.get_logger().bind(receiver=receiver)
        self._trouble = ""

    def heard(self, attempt: Attempt, now_s: float) -> bool:
        """Take note of an attempt's end; return whether the receiver is back after it was down."""
        error = attempt.error
        if isinstance(error, TransientError) and not isinstance(error, EmergencyOnAir):
            self.breaker.failed(now_s)
            if error.retry_after_s is not None:
                self.breaker.hold(now_s + error.retry_after_s)
            self._complain(attempt, error)
            return False
        # A refusal is an answer too: the receiver is there.
        if error is not None:
            self._complain(attempt, error)
        elif self._trouble:
            self._log.info("receiver_recovered", alert_id=attempt.row.about, after=self._trouble)
            self._trouble = ""
        return self.breaker.succeeded()

    def health(self, attempt: Attempt) -> Health:
        """Return how the receiver is after an attempt that was ``heard``."""
        if isinstance(attempt.error, EmergencyOnAir):
            return "emergency"
        return "silent" if self.breaker.is_open else "ready"

    def _complain(self, attempt: Attempt, error: Exception) -> None:
        # What follows the first colon quotes the receiver, and may differ every time.
        trouble = str(error).partition(":")[0]
        if trouble == self._trouble:
            return
        self._trouble = trouble
        fault = error.__cause__ if isinstance(error, FaultyChannelError) else None
        self._log.warning("receiver_failed", alert_id=attempt.row.about, error=str(error), exc_info=fault)

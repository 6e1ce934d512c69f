"""What follows from an attempt: pure, so that every case stands in a table of tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from alerts.channels.base import EmergencyOnAir
from alerts.delivery.attempt import Attempt
from alerts.delivery.backoff import Backoff
from alerts.store.subscriptions import receiver_of
from lianfang.errors import PermanentError, TransientError


@dataclass(frozen=True, slots=True)
class Done:
    """The receiver has it: its word for it, and what else it said."""

    outcome: str
    detail: str


@dataclass(frozen=True, slots=True)
class Again:
    """Try again at ``due_at``."""

    due_at: datetime
    error: str


@dataclass(frozen=True, slots=True)
class Kept:
    """The receiver wants no more calls: it is disabled, and this stays owed."""

    error: str


@dataclass(frozen=True, slots=True)
class Dead:
    """Nothing helps here. A speech goes to the next speaker if there is one; ``disable`` as in ``Kept``."""

    error: str
    disable: bool = False


@dataclass(frozen=True, slots=True)
class Late:
    """The command's time is over."""

    error: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """A speech was broken off: why (``alerts.store.speakers.Why``), and what the speaker said to it."""

    why: str
    detail: str


Verdict = Done | Again | Kept | Dead | Late | Stopped


class Policy(Protocol):
    """How one kind of delivery goes on after an attempt."""

    def after(self, attempt: Attempt, now: datetime, *, down: bool) -> Verdict:
        """Return what follows; ``down`` says that the receiver has failed for a while now."""
        ...


@dataclass(frozen=True, slots=True)
class NoticePolicy:
    """A notice is news for days: patience, then the dead letter, from where a person can send it again."""

    backoff: Backoff
    give_up_after: timedelta = timedelta(days=3)

    def after(self, attempt: Attempt, now: datetime, *, down: bool) -> Verdict:
        """Return what follows."""
        del down  # the breaker holds notices back before they are claimed
        row, error = attempt.row, attempt.error
        if attempt.receipt is not None:
            return Done(attempt.receipt.outcome, attempt.receipt.detail)
        if isinstance(error, PermanentError):
            return Kept(str(error)) if error.disable else Dead(str(error))
        if now - (row.owed_since or row.created_at) >= self.give_up_after:
            return Dead(f"given up after {self.give_up_after / timedelta(hours=1):g} h: {error}")
        return Again(now + timedelta(seconds=_wait_s(error, self.backoff, row.attempts)), str(error))


@dataclass(frozen=True, slots=True)
class ByReceiver:
    """The policy of each receiver, and its subscribers, that has one of its own; ``usual`` for the others."""

    usual: Policy
    own: Mapping[str, Policy]

    def after(self, attempt: Attempt, now: datetime, *, down: bool) -> Verdict:
        """Return what follows."""
        receiver = receiver_of(attempt.row.receiver)
        return self.own.get(receiver, self.usual).after(attempt, now, down=down)


@dataclass(frozen=True, slots=True)
class SpeechPolicy:
    """A speech is of use for seconds, and a neighbouring speaker is better than a second try.

    With a fallback, a speaker gets ``tries`` attempts, one if it was down before, none if it asks for
    patience beyond the longest pause or plays an emergency programme. The last speaker is tried until the
    validity ends.
    """

    backoff: Backoff
    tries: int = 2

    def after(self, attempt: Attempt, now: datetime, *, down: bool) -> Verdict:
        """Return what follows."""
        row, error = attempt.row, attempt.error
        if attempt.receipt is not None:
            return Done(attempt.receipt.outcome, attempt.receipt.detail)
        if row.valid_until is not None and now >= row.valid_until:
            return Late(str(error))
        if isinstance(error, PermanentError):
            return Dead(str(error), disable=error.disable)
        wait_s = _wait_s(error, self.backoff, row.attempts)
        hopeless = down or wait_s > self.backoff.cap_s or isinstance(error, EmergencyOnAir)
        if row.payload["fallbacks"] and (hopeless or row.attempts >= self.tries):
            return Dead(str(error))
        due_at = now + timedelta(seconds=wait_s)
        if row.valid_until is not None and due_at >= row.valid_until:
            return Late(str(error))
        return Again(due_at, str(error))


def _wait_s(error: TransientError | None, backoff: Backoff, attempts: int) -> float:
    if error is not None and error.retry_after_s is not None:
        return error.retry_after_s
    return backoff.delay_s(attempts)

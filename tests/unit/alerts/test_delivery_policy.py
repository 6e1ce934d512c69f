"""What follows from an attempt, case by case."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from alerts.channels.base import Receipt
from alerts.delivery.attempt import Attempt
from alerts.delivery.backoff import Backoff
from alerts.delivery.policy import (
    Again,
    ByReceiver,
    Dead,
    Done,
    Kept,
    Late,
    NoticePolicy,
    SpeechPolicy,
    Verdict,
)
from alerts.delivery.worker import notice_settings
from alerts.notice_settings import NoticeConfig, Retry
from alerts.store.schema import OutboxRow
from lianfang.errors import PermanentError, TransientError
from tests.support.delivery import FullJitter
from tests.support.outbox import T0

NOTICE = NoticePolicy(Backoff(5, 36_000, lambda: 1.0))
SPEECH = SpeechPolicy(Backoff(0.2, 2, lambda: 1.0))
VALID_S = 30
BUSY, GONE, NO = TransientError("busy"), PermanentError("gone", disable=True), PermanentError("no")


def _at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def _row(kind: str, attempts: int, fallbacks: list[str]) -> OutboxRow:
    return OutboxRow(
        kind=kind,
        attempts=attempts,
        created_at=T0,
        valid_until=_at(VALID_S) if kind == "speech" else None,
        payload={"speech": {}, "fallbacks": fallbacks} if kind == "speech" else {},
    )


@pytest.mark.parametrize(
    ("answer", "attempts", "at_s", "verdict"),
    [
        (Receipt("200", "ok"), 1, 0, Done("200", "ok")),
        (BUSY, 1, 0, Again(_at(5), "busy")),
        (BUSY, 3, 100, Again(_at(120), "busy")),
        (BUSY, 99, 100, Again(_at(36_100), "busy")),
        (TransientError("busy", retry_after_s=7), 9, 0, Again(_at(7), "busy")),
        (BUSY, 30, 3 * 86_400 - 1, Again(_at(3 * 86_400 - 1 + 36_000), "busy")),
        (BUSY, 30, 3 * 86_400, Dead("given up after 72 h: busy")),
        (NO, 1, 0, Dead("no")),
        (GONE, 1, 0, Kept("gone")),
    ],
)
def test_notice(answer: Receipt | TransientError, attempts: int, at_s: float, verdict: Verdict) -> None:
    assert NOTICE.after(_attempt(_row("notice", attempts, []), answer), _at(at_s), down=False) == verdict


def test_what_is_sent_again_has_all_its_time_again() -> None:
    row = _row("notice", 1, [])
    row.owed_since = _at(4 * 86_400)
    assert NOTICE.after(_attempt(row, BUSY), _at(5 * 86_400), down=False) == Again(
        _at(5 * 86_400 + 5), "busy"
    )


def test_a_receiver_has_its_own_patience() -> None:
    quick = NoticePolicy(Backoff(1, 2, lambda: 1.0), timedelta(hours=1))
    policy = ByReceiver(NOTICE, {"city": quick})
    mine, other = _row("notice", 9, []), _row("notice", 9, [])
    mine.receiver, other.receiver = "city", "police"
    assert policy.after(_attempt(mine, BUSY), T0, down=False) == Again(_at(2), "busy")
    assert policy.after(_attempt(mine, BUSY), _at(3600), down=False) == Dead("given up after 1 h: busy")
    assert policy.after(_attempt(other, BUSY), _at(3600), down=False) == Again(_at(3600 + 1280), "busy")


def test_retries_of_a_stanza_are_those_of_its_lane() -> None:
    city = NoticeConfig(retry=Retry(first_s=1, longest_s=2, give_up_h=1))
    settings = notice_settings(FullJitter(), {"city": city})
    row = _row("notice", 9, [])
    row.receiver = "city"
    assert settings.policy.after(_attempt(row, BUSY), T0, down=False) == Again(_at(2), "busy")
    row.receiver = "police"
    assert settings.policy.after(_attempt(row, BUSY), T0, down=False) == Again(_at(1280), "busy")


NEXT = ["bridge"]


@pytest.mark.parametrize(
    ("answer", "attempts", "fallbacks", "down", "at_s", "verdict"),
    [
        (Receipt("finished"), 1, NEXT, False, 3, Done("finished", "")),
        # It finished after its validity, because it began within it: that is a success.
        (Receipt("finished"), 1, NEXT, False, VALID_S + 9, Done("finished", "")),
        # One more try; after that a neighbour is better than a retry.
        (BUSY, 1, NEXT, False, 3, Again(_at(3.2), "busy")),
        (BUSY, 2, NEXT, False, 6, Dead("busy")),
        # Known to be down, or asking for patience that nobody at the water has: the neighbour at once.
        (BUSY, 1, NEXT, True, 3, Dead("busy")),
        (TransientError("busy", retry_after_s=5), 1, NEXT, False, 3, Dead("busy")),
        (TransientError("busy", retry_after_s=1), 1, NEXT, False, 3, Again(_at(4), "busy")),
        # The last speaker is tried until the validity ends.
        (BUSY, 2, [], True, 6, Again(_at(6.4), "busy")),
        (BUSY, 9, [], False, 20, Again(_at(22), "busy")),
        (TransientError("busy", retry_after_s=5), 1, [], False, 3, Again(_at(8), "busy")),
        (BUSY, 9, [], False, 28, Late("busy")),  # the next try would come too late
        (BUSY, 1, NEXT, False, VALID_S, Late("busy")),  # and so would the neighbour
        (NO, 1, NEXT, False, 3, Dead("no")),
        (NO, 1, [], False, 3, Dead("no")),
        (NO, 1, NEXT, False, VALID_S, Late("no")),
        (GONE, 1, NEXT, False, 3, Dead("gone", disable=True)),
    ],
)
def test_speech(
    answer: Receipt | TransientError,
    attempts: int,
    fallbacks: list[str],
    down: bool,
    at_s: float,
    verdict: Verdict,
) -> None:
    attempt = _attempt(_row("speech", attempts, fallbacks), answer)
    assert SPEECH.after(attempt, _at(at_s), down=down) == verdict


def _attempt(row: OutboxRow, answer: Receipt | TransientError | PermanentError) -> Attempt:
    return Attempt(row, receipt=answer) if isinstance(answer, Receipt) else Attempt(row, error=answer)

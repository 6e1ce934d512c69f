"""One shift hands over to the next: offered by the one who goes, confirmed by the one who comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from alerts.store import Store
from alerts.store.shifts import HandoverRow, offered
from lianfang.config import Config
from lianfang.errors import LianfangError
from lianfang.ids import identify

_log = structlog.get_logger()


class NotOffered(LianfangError):  # noqa: N818 - reads as the fact it states
    """The handover does not wait for an answer, or another one does."""


class NotBetween(LianfangError):  # noqa: N818
    """It is none of this person's business, or the other one is nobody who could take over."""


@dataclass(frozen=True)
class Offer:
    """What ``giver`` hands over to ``taker``: how things stand, as JSON, and what else is to be known."""

    giver: str
    taker: str
    note: str
    standing: dict[str, Any]


def offer(store: Store, config: Config, offered_now: Offer, at: datetime) -> HandoverRow:
    """Offer it and return its row. NotBetween where there is no such taker, NotOffered where one is open."""
    taker = config.api.operators.get(offered_now.taker)
    if (
        taker is None
        or taker.role not in ("administrator", "operator")
        or offered_now.taker == offered_now.giver
    ):
        raise NotBetween(f"{offered_now.taker!r} is no other operator")
    row = HandoverRow(
        id=identify("handover", offered_now.giver, at.isoformat()),
        giver=offered_now.giver,
        taker=offered_now.taker,
        note=offered_now.note,
        state="offered",
        standing=offered_now.standing,
        since=[],
        offered_at=at,
    )
    with store.write() as session:
        if offered(session) is not None:
            raise NotOffered("a handover waits for its taker already")
        session.add(row)
    _log.info("handover_offered", giver=row.giver, taker=row.taker)
    return row


def take(
    store: Store, handover_id: str, by: str, answer: str, open_now: Sequence[dict[str, Any]], at: datetime
) -> HandoverRow:
    """Confirm it as its taker; what is open and was not then is kept with it."""
    with store.write() as session:
        row = _waiting(session.get(HandoverRow, handover_id), handover_id)
        if by != row.taker:
            raise NotBetween(f"{by} is not to take over")
        known = {case["id"] for case in row.standing["open"]}
        row.since = [case for case in open_now if case["id"] not in known]
        _end(row, "taken", by, answer, at)
    return row


def withdraw(store: Store, handover_id: str, by: str, answer: str, at: datetime) -> HandoverRow:
    """Take it back as its giver, or refuse it as its taker."""
    with store.write() as session:
        row = _waiting(session.get(HandoverRow, handover_id), handover_id)
        if by not in (row.giver, row.taker):
            raise NotBetween(f"{by} neither gives nor takes")
        _end(row, "withdrawn", by, answer, at)
    return row


def _waiting(row: HandoverRow | None, handover_id: str) -> HandoverRow:
    if row is None:
        raise LookupError(f"no handover {handover_id}")
    if row.state != "offered":
        raise NotOffered(f"the handover is {row.state}")
    return row


def _end(row: HandoverRow, state: str, by: str, answer: str, at: datetime) -> None:
    row.state, row.ended_by, row.answer, row.ended_at = state, by, answer, at
    _log.info("handover_ended", state=state, giver=row.giver, taker=row.taker, by=by)

"""Who looks for a vehicle (布控) that an incident is about, and what they are owed: an answer, once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from alerts.dispositions import Disposition
from alerts.payload import WITHDRAWN, Hit, Notice, WantedBy
from alerts.rules.base import RuleSettings
from alerts.store import dispositions, outbox
from alerts.store.schema import IncidentRow
from alerts.viid.inbound.settings import tollgates_of
from lianfang.config import Config
from lianfang.ids import identify


def ordered_by(rule: object) -> str | None:
    """Return the receiver whose platform's dispositions a rule goes by, None for most rules."""
    found = getattr(rule, "dispositions", None)
    return found if isinstance(found, str) else None


def wanted(session: Session, config: Config, row: IncidentRow) -> tuple[Disposition, ...]:
    """Return the dispositions because of which an incident was raised, as they stood when it was."""
    receiver = ordered_by(config.rules.get(row.rule))
    if receiver is None or not row.subject:
        return ()
    tollgate = tollgates_of(config, receiver).get(row.camera, "")
    known = dispositions.about(session, receiver, row.subject)
    hit = known.hit(receiver, row.subject, row.opened_at, tollgate)
    return hit.dispositions if hit is not None else ()


def answer(
    session: Session,
    config: Config,
    rule: RuleSettings,
    row: IncidentRow,
    message: Notice,
    receiver: str,
    now: datetime,
    captured_at: datetime,
) -> None:
    """Owe ``receiver``, who is told ``message``, the answer to what it ordered; owed before, nothing more."""
    if receiver != ordered_by(rule) or message.change in WITHDRAWN:
        return
    for one in wanted(session, config, row):
        by = WantedBy(number=one.number, title=one.title, address=one.address)
        outbox.enqueue(
            session,
            id=identify("hit", receiver, row.id, one.number),
            receiver=receiver,
            incident_id=row.id,
            incident_version=row.version,
            kind="notice",
            payload=Hit(**dict(message), disposition=by).model_dump(mode="json"),
            now=now,
            captured_at=captured_at,
        )

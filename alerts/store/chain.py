"""Whether the audit is as it was written: each entry's digest is of itself and of the one before it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.store.audit import AuditRow, digest

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Chain:
    """What was found: ``entries`` in order, then one at ``broken`` that does not follow, None where all do.

    ``unchained`` entries are older than the chain and prove nothing. ``head`` is the digest of the last
    entry: who noted it elsewhere can tell later that nothing of what led to it was changed or cut off.
    ``knows`` says whether the digest that was asked for is one of the chain's.
    """

    entries: int
    unchained: int
    head: str
    broken: int | None
    knows: bool


def walked(session: Session, noted: str = "") -> Chain:
    """Go through the whole audit, oldest first; ``noted`` is a head that somebody wrote down earlier."""
    entries, unchained, head, knows = 0, 0, "", not noted
    rows = select(AuditRow).order_by(AuditRow.seq).execution_options(yield_per=_AT_ONCE)
    with closing(session.scalars(rows)) as found:
        for row in found:
            if row.digest is None and not entries:
                unchained += 1
                continue
            if row.digest != digest(head, row):
                return Chain(entries, unchained, head, row.seq, knows)
            head, entries = row.digest, entries + 1
            knows = knows or head == noted
    return Chain(entries, unchained, head, None, knows)

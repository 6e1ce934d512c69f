"""Let one write at a time do something of which the order must be that of the commits."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

# Keys of PostgreSQL's advisory locks: any numbers, as long as nothing else in the database uses them.
KEYS = {
    "migration": 0x6C66_0001,
    "changes": 0x6C66_0002,
    "said": 0x6C66_0003,
    "versions": 0x6C66_0004,
    "dispositions": 0x6C66_0005,
    "audit": 0x6C66_0006,
}


def alone(session: Session, what: Literal["changes", "said", "versions", "dispositions", "audit"]) -> None:
    """Wait for every write that does the same and has not ended; SQLite has one writer anyway.

    Numbers that are drawn within it grow in the order of the commits. A sequence alone gives them out of it:
    a reader that has seen 11 would never see a 10 that is committed after it.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(KEYS[what])))

"""Plans that people uploaded for the map: each word on one is a row, the newest is in force."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import LargeBinary, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts.store.schema import Base
from alerts.store.types import BigInt


class PlanImageRow(Base):
    """The picture of a plan, a JPEG; ``sha256`` is its digest."""

    __tablename__ = "plan_images"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    width: Mapped[int]
    height: Mapped[int]
    image: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class PlanRow(Base):
    """What ``by`` said of the plan and why: its picture ("" for none), and where some of its spots are."""

    __tablename__ = "plans"

    number: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=True)
    sha256: Mapped[str] = mapped_column(String(64))
    spots: Mapped[list[dict[str, Any]]]  # of alerts.map.plan.Reference; none until it is placed
    datum: Mapped[str] = mapped_column(String(16))
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)


def in_force(session: Session) -> tuple[PlanRow, PlanImageRow] | None:
    """Return the plan and its picture; None where there is none, or it was taken away."""
    row = session.scalars(select(PlanRow).order_by(PlanRow.number.desc()).limit(1)).first()
    image = session.get(PlanImageRow, row.sha256) if row is not None and row.sha256 else None
    return (row, image) if row is not None and image is not None else None

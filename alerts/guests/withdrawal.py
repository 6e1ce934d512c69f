"""What is deleted when an owner withdraws, what is kept and why, and until when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.incidents.model import ChangeKind, State
from alerts.store.clips import ClipRow
from alerts.store.guests import GuestRow
from alerts.store.incidents import add_change, hold
from alerts.store.schema import EvidenceRow, IncidentRow

PUBLIC = timedelta(days=30)
"""For so long at least what was recorded of a public place is kept (State Council decree 799, article 20)."""
WITHDRAWN = "withdrawn"
"""The reason of pictures and clips that were deleted."""
_HANDLING = frozenset({State.ACKNOWLEDGED, State.DISPATCHED, State.HANDLED})
Why = Literal["police", "handling", "public_place"]


@dataclass
class Report:
    """How much was deleted, and how much is kept for which reason."""

    pictures_deleted: int = 0
    clips_deleted: int = 0
    kept: dict[str, int] = field(default_factory=dict)  # Why → incidents

    @classmethod
    def of(cls, plain: Mapping[str, Any] | None) -> Report:
        """Return the report that was written down."""
        known = plain or {}
        counts = known.get("pictures_deleted", 0), known.get("clips_deleted", 0)
        return cls(*counts, dict(known.get("kept", {})))

    def followed_by(self, later: Report) -> Report:
        """Return all that was deleted, and what is kept after that."""
        pictures = self.pictures_deleted + later.pictures_deleted
        return Report(pictures, self.clips_deleted + later.clips_deleted, later.kept)

    def plain(self, at: datetime) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "at": at.isoformat(),
            "pictures_deleted": self.pictures_deleted,
            "clips_deleted": self.clips_deleted,
            "kept": self.kept,
        }


def required(row: IncidentRow, legal_class: str, now: datetime) -> Why | None:
    """Return why the pictures of an incident have to be kept; None where they have not.

    ``police``: a person has confirmed it for those who wait for that. ``handling``: people deal with it.
    ``public_place``: decree 799 holds whole there, and it is younger than 30 days.
    """
    if row.confirmed_at is not None:
        return "police"
    if row.state in _HANDLING:
        return "handling"
    if legal_class == "public_place" and now - row.opened_at < PUBLIC:
        return "public_place"
    return None


def purge(session: Session, guest: GuestRow, now: datetime) -> tuple[Report, list[str]]:
    """Forget the pictures and clips of a guest's camera that need not be kept.

    Return what that comes to, and the files, below the evidence folder, to be deleted once it is committed.
    """
    report, files = Report(), list[str]()
    ids = session.scalars(_incidents(guest.id).with_only_columns(IncidentRow.id)).all()
    incidents = {row.id: row for row in hold(session, ids).values() if row is not None}
    why = {name: required(row, guest.allowed["legal_class"], now) for name, row in incidents.items()}
    for picture in _of(session, EvidenceRow, guest.id):
        if why.get(picture.incident_id) is None and picture.reason != WITHDRAWN:
            files += [name for name in (picture.original, picture.annotated) if name]
            picture.state, picture.reason, picture.original, picture.annotated = "missing", WITHDRAWN, "", ""
            picture.sha256 = ""
            report.pictures_deleted += 1
            data = {"evidence": picture.id, "state": "missing", "reason": WITHDRAWN}
            add_change(session, picture.incident_id, ChangeKind.EVIDENCE, "system", data, now)
    for clip in _of(session, ClipRow, guest.id):
        if why.get(clip.incident_id) is None and clip.reason != WITHDRAWN:
            files += [clip.file] if clip.file else []
            clip.state, clip.reason, clip.file, clip.sha256 = "missing", WITHDRAWN, "", ""
            report.clips_deleted += 1
            data = {"clip": clip.id, "state": "missing", "reason": WITHDRAWN}
            add_change(session, clip.incident_id, ChangeKind.CLIP, "system", data, now)
    for reason in filter(None, why.values()):
        report.kept[reason] = report.kept.get(reason, 0) + 1
    return report, files


def delete(folder: Path, files: Iterable[str]) -> None:
    """Delete files below ``folder``."""
    for name in files:
        (folder / name).unlink(missing_ok=True)


def _incidents(guest_id: str) -> Any:  # noqa: ANN401 - a query
    return select(IncidentRow).where(IncidentRow.camera == guest_id)


def _of(session: Session, table: Any, guest_id: str) -> Iterable[Any]:  # noqa: ANN401 - a table with a camera
    return session.scalars(select(table).where(table.camera == guest_id)).all()

"""Rows of the store as the API shows them. A page of incidents costs the same few queries as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts.api import clips as clip_views
from alerts.api import evidence_models, models
from alerts.api.names import Names
from alerts.api.timing import Timing
from alerts.incidents.life import DEEDS, OPEN
from alerts.incidents.model import ChangeKind, State
from alerts.store import clips, photos
from alerts.store.schema import ChangeRow, EvidenceRow, IncidentRow, OutboxRow
from alerts.suppression.reasons import Reason
from lianfang.redact import redact

DONE_BY_PEOPLE = frozenset(deed.kind for deed in DEEDS.values())

Row = TypeVar("Row")


class Views:
    """Builds the API's models from rows, within the caller's read."""

    def __init__(self, names: Names, timing: Timing) -> None:
        self._names, self._timing = names, timing

    def incidents(self, session: Session, rows: Sequence[IncidentRow]) -> list[models.Incident]:
        """Return the incidents of ``rows``, in their order."""
        ids = [row.id for row in rows]
        pictures = _by_incident(
            session.scalars(
                select(EvidenceRow).where(EvidenceRow.incident_id.in_(ids)).order_by(EvidenceRow.decided_at)
            )
        )
        newest = (
            select(func.max(OutboxRow.seq))
            .where(OutboxRow.incident_id.in_(ids))
            .group_by(OutboxRow.incident_id, OutboxRow.kind, OutboxRow.receiver)
        )
        owed = _by_incident(
            session.scalars(select(OutboxRow).where(OutboxRow.seq.in_(newest)).order_by(OutboxRow.seq))
        )
        telling = ChangeRow.kind.in_((ChangeKind.OPENED, *DONE_BY_PEOPLE))
        told = _by_incident(
            session.scalars(
                select(ChangeRow).where(ChangeRow.incident_id.in_(ids), telling).order_by(ChangeRow.seq)
            )
        )
        return [
            self._incident(row, pictures.get(row.id, []), owed.get(row.id, []), told.get(row.id, []))
            for row in rows
        ]

    def detail(self, session: Session, row: IncidentRow) -> models.IncidentDetail:
        """Return everything about one incident."""
        (incident,) = self.incidents(session, [row])
        changes = list(
            session.scalars(
                select(ChangeRow).where(ChangeRow.incident_id == row.id).order_by(ChangeRow.version)
            )
        )
        outbox = session.scalars(
            select(OutboxRow).where(OutboxRow.incident_id == row.id).order_by(OutboxRow.seq)
        )
        evidence = session.scalars(
            select(EvidenceRow).where(EvidenceRow.incident_id == row.id).order_by(EvidenceRow.decided_at)
        )
        answers = {
            c.data.get("delivery"): str(c.data.get("detail", ""))
            for c in changes
            if c.kind == ChangeKind.DELIVERED
        }
        opened = next((c.data for c in changes if c.kind == ChangeKind.OPENED), {})
        clip = clips.of(session, row.id)
        hops = {key: opened.get(key) for key in ("published_at", "detected_at", "decided_at")}
        return models.IncidentDetail(
            **incident.model_dump(),
            looked_for=self._names.is_looked_for(session, row),
            members=[models.Member.model_validate(m) for m in row.members],
            timeline=[self.change(c) for c in changes],
            deliveries=[delivery(o, answers.get(o.id, "")) for o in outbox],
            evidence=[_evidence(e) for e in evidence],
            clip=clip_views.shown(clip) if clip else None,
            photos=[
                evidence_models.Photo(
                    url=f"/api/photos/{p.id}.jpg", by_name=self._names.operator(p.by), at=p.at
                )
                for p in photos.of(session, row.id)
            ],
            hops=models.Hops.model_validate({"captured_at": row.opened_at, **hops}),
        )

    def change(self, row: ChangeRow) -> models.Change:
        """Return one entry of the timeline."""
        return models.Change(
            seq=row.seq,
            incident_id=row.incident_id,
            version=row.version,
            kind=ChangeKind(row.kind),
            at=row.at,
            actor=row.actor,
            actor_name=row.data.get("by", "")
            if row.kind == ChangeKind.RECEIPT
            else self._names.operator(row.actor),
            data=row.data,
        )

    def _incident(
        self,
        row: IncidentRow,
        pictures: list[EvidenceRow],
        owed: list[OutboxRow],
        told: list[ChangeRow],
    ) -> models.Incident:
        state = State(row.state)
        speeches = [o for o in owed if o.kind == "speech"]
        kept = [e for e in pictures if e.state == "kept"]
        picture = (kept or pictures)[-1] if pictures else None
        opened = next((c.data for c in told if c.kind == ChangeKind.OPENED), {})
        return models.Incident.model_validate(
            {
                **{name: getattr(row, name) for name in _SAME},
                "rule": self._names.rule(row.rule),
                "about": self._names.about(row.rule),
                "open": state in OPEN,
                "calm": bool(row.muted)
                and not (row.muted == Reason.TRIAL and self._names.is_vital(row.rule)),
                "presence": _presence(row),
                "point": self._names.point(row.point),
                "camera": self._names.camera(row.camera),
                "zone": self._names.zone(row.camera, row.zone),
                "speakers": self._names.speakers(row),
                "figures": self._names.figures(row.figures),
                "duty_contact": self._names.contact(row.point),
                "assignee": row.assignee and self._names.assignee(row.assignee),
                "handling": self._handling([c for c in told if c.kind in DONE_BY_PEOPLE]),
                "picture": _evidence(picture) if picture else None,
                "speech": _speech(speeches[-1]) if speeches else None,
                "silent": row.silent or ("" if speeches else opened.get("silent", "")),
                "notices": [_notice(o) for o in owed if o.kind == "notice"],
                "confirm_notifies": []
                if row.muted == Reason.TRIAL
                else self._names.waiting_for_confirmation(row.rule),
                "vital": self._names.is_vital(row.rule),
                **self._timing.of(row),
            }
        )

    def _handling(self, changes: list[ChangeRow]) -> models.Handling | None:
        if not changes:
            return None
        last = changes[-1]
        return models.Handling(
            kind=ChangeKind(last.kind),
            at=last.at,
            actor=last.actor,
            actor_name=self._names.operator(last.actor),
            note=str(last.data.get("note", "")),
        )


_SAME = (
    "id",
    "version",
    "severity",
    "state",
    "people",
    "members_total",
    "place",
    "opened_at",
    "updated_at",
    "last_seen_at",
    "cleared_at",
    "ended_at",
    "subject",
    "review",
    "spoken",
    "escalated_at",
    "muted",
    "muted_by",
    "hushed_at",
    "confirmed_by",
    "confirmed_at",
)


def _presence(row: IncidentRow) -> models.Presence:
    if not row.occupied:
        return "left"
    return "unknown" if row.unseen else "there"


def _evidence(row: EvidenceRow) -> evidence_models.Evidence:
    folder = f"/api/evidence/{row.id}" if row.state == "kept" else None
    return evidence_models.Evidence.model_validate(
        {
            "id": row.id,
            "state": row.state,
            "reason": row.reason,
            "camera": row.camera,
            "captured_at": row.captured_at,
            "original_url": folder and f"{folder}/original.jpg",
            "annotated_url": folder and f"{folder}/annotated.jpg",
        }
    )


def _speech(row: OutboxRow) -> models.Speech:
    return models.Speech.model_validate(
        {
            "receiver": row.receiver,
            "text": _text(row),
            "state": row.state,
            "outcome": row.outcome,
            "last_error": redact(row.last_error),
            "finished_at": row.finished_at,
        }
    )


def _notice(row: OutboxRow) -> models.NoticeStatus:
    return models.NoticeStatus.model_validate(
        {
            "receiver": row.receiver,
            "mode": row.payload["mode"],
            "state": row.state,
            "attempts": row.attempts,
            "outcome": row.outcome,
            "last_error": redact(row.last_error),
            "finished_at": row.finished_at,
        }
    )


def delivery(row: OutboxRow, answer: str = "") -> models.Delivery:
    """Return what is owed to a receiver, or was; ``answer`` is what it said."""
    finished = row.finished_at
    return models.Delivery.model_validate(
        {
            "id": row.id,
            "receiver": row.receiver,
            "kind": row.kind,
            "mode": row.payload.get("mode"),
            "change": row.payload.get("change", ""),
            "incident_version": row.incident_version,
            "text": _text(row) if row.kind == "speech" else "",
            "state": row.state,
            "outcome": row.outcome,
            "detail": redact(answer),
            "attempts": row.attempts,
            "last_error": redact(row.last_error),
            "created_at": row.created_at,
            "finished_at": finished,
            "latency_s": (finished - row.captured_at).total_seconds() if finished else None,
        }
    )


def _text(row: OutboxRow) -> str:
    return str(row.payload["speech"]["text"])


def _by_incident(rows: Iterable[Row]) -> dict[str, list[Row]]:
    incident_of: Callable[[Row], str] = attrgetter("incident_id")
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(incident_of(row), []).append(row)
    return grouped

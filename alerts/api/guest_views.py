"""The cameras of guests as the API shows them."""

from __future__ import annotations

from datetime import datetime
from typing import get_args

from sqlalchemy.orm import Session

from alerts.api.guest_models import Consent, GuestCamera, Invitation, Kept, Look
from alerts.api.names import Names
from alerts.store.guests import GuestRow, InvitationRow, LookRow
from alerts.store.schema import CameraStateRow
from lianfang.config import Config
from lianfang.config.guests import Guest
from lianfang.redact import redact

_CONDITIONS = get_args(GuestCamera.model_fields["condition"].annotation)


class GuestViews:
    """Turns rows into answers."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def camera(self, session: Session, config: Config, row: GuestRow, now: datetime) -> GuestCamera:
        """Return a guest's camera; ``config`` is in force."""
        guest = Guest.model_validate(row.allowed)
        state = session.get(CameraStateRow, row.id)
        condition = state.condition if state is not None and state.condition in _CONDITIONS else "unknown"
        hours_open = guest.hours is None or (
            row.id in config.cameras and guest.hours.applies(now, config.almanac(row.id))
        )
        return GuestCamera.model_validate(
            {
                "id": row.id,
                "name": guest.name,
                "state": row.state,
                "state_since": row.state_since,
                "condition": condition if row.state == "active" else "disabled",
                "reason": redact(state.reason) if state is not None and row.state == "active" else "",
                "open_now": row.state == "active" and hours_open,
                "how": row.how,
                "installed": guest.installed,
                "legal_class": guest.legal_class,
                "rules": [self._names.rule(rule) for rule in guest.rules],
                "hours": row.allowed.get("hours"),
                "masks": row.allowed.get("masks") or [],
                "consent": Consent.model_validate({**row.consent, "at": row.consented_at}),
                "ended_by": "owner" if row.ended_by == "owner" else self._names.operator(row.ended_by),
                "ended_why": row.ended_why,
                "report": Kept.model_validate(row.report) if row.report else None,
            }
        )

    def invitation(self, row: InvitationRow, now: datetime) -> Invitation:
        """Return an invitation without what stands in its link."""
        ended = row.ended_at is not None or row.expires_at <= now
        return Invitation(
            id=row.id,
            name=row.name,
            near=row.near,
            author_name=self._names.operator(row.author),
            created_at=row.created_at,
            expires_at=row.expires_at,
            state="used" if row.guest_id else "ended" if ended else "open",
            camera=row.guest_id,
        )


def look(row: LookRow) -> Look:
    """Return who looked."""
    return Look.model_validate({name: getattr(row, name) for name in Look.model_fields})

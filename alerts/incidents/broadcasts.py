"""Does a broadcast help? Say it, look whether they left, say it again, and then tell people. Pure.

A broadcast belongs to the place: who comes while the loop runs joins it, and starts no second one. Only what
was really said counts: where it cannot be said, people are told at once, and it is tried again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.incidents.incident import Change, Incident, Step
from alerts.incidents.model import ChangeKind
from alerts.rules.base import RuleSettings
from alerts.speech import SpeechSettings
from alerts.suppression.reasons import Reason

Refusal = Callable[[RuleSettings, Incident, datetime], Reason | None]
"""Says why nothing may be said at an incident's place of what was seen at that time; None where it may."""

_TRY_AGAIN = timedelta(seconds=5)


def never(_settings: RuleSettings, _incident: Incident, _at: datetime) -> None:
    """Refuse nothing."""


def persist(
    incident: Incident, at: datetime, camera: str, settings: RuleSettings, refusal: Refusal = never
) -> Step:
    """Return the incident after ``camera`` was looked at, or lost, at ``at``: said, unsaid, or escalated.

    Only somebody who is seen is spoken to. Where nobody sees whether they left, people must look.
    """
    speech = settings.speech
    if speech is None or not incident.occupied or incident.muted not in (None, Reason.WAITING):
        return incident, ()
    if incident.unseen:
        return _escalated(incident, at, camera, settings)
    if incident.last_seen_at != at or not _is_due(incident, at, speech):
        return incident, ()
    if incident.spoken >= speech.times:
        return _escalated(incident, at, camera, settings)
    reason = Reason.TASK if incident.silent is Reason.TASK else refusal(settings, incident, at)
    if reason is not None:
        return _unsaid(incident, reason, at, camera, settings)
    after = replace(incident, spoken=incident.spoken + 1, spoken_at=at, silent=None, silent_at=None)
    kind = ChangeKind.REPEATED if incident.spoken else ChangeKind.SPOKEN
    return after, () if incident.opened_at == at else (Change(kind, at, camera),)


def _is_due(incident: Incident, at: datetime, speech: SpeechSettings) -> bool:
    if incident.silent_at is not None:
        return at - incident.silent_at >= _TRY_AGAIN
    return incident.spoken_at is None or at - incident.spoken_at >= timedelta(seconds=speech.again_s)


def _unsaid(incident: Incident, reason: Reason, at: datetime, camera: str, settings: RuleSettings) -> Step:
    known = incident.silent is reason or incident.opened_at == at
    after, escalated = _escalated(replace(incident, silent=reason, silent_at=at), at, camera, settings)
    return after, (*(() if known else (Change(ChangeKind.UNSAID, at, camera),)), *escalated)


def _escalated(incident: Incident, at: datetime, camera: str, settings: RuleSettings) -> Step:
    if settings.record_only or incident.escalated_at is not None:
        return incident, ()  # nobody is to be alarmed, or everybody was
    return replace(incident, escalated_at=at), (Change(ChangeKind.ESCALATED, at, camera),)

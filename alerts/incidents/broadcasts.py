"""Does a broadcast help? Say it, look whether they left, say it again, and then tell people. Pure.

A broadcast belongs to the place: who comes while the loop runs joins it, and starts no second one.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from alerts.incidents.incident import Change, Incident, Step
from alerts.incidents.model import ChangeKind
from alerts.rules.base import RuleSettings


def persist(incident: Incident, at: datetime, camera: str, settings: RuleSettings) -> Step:
    """Return the incident after ``camera`` was looked at, or lost, at ``at``: said again, or escalated.

    Only somebody who is seen is spoken to again. Where nobody sees whether they left, people must look.
    """
    speech = settings.speech
    if speech is None or incident.escalated_at is not None or not incident.occupied:
        return incident, ()
    if incident.spoken_at is None:
        return replace(incident, spoken=1, spoken_at=at), ()
    if incident.unseen:
        return _escalated(incident, at, camera, settings)
    if incident.last_seen_at != at or at - incident.spoken_at < timedelta(seconds=speech.again_s):
        return incident, ()
    if incident.spoken >= speech.times:
        return _escalated(incident, at, camera, settings)
    again = replace(incident, spoken=incident.spoken + 1, spoken_at=at)
    return again, (Change(ChangeKind.REPEATED, at, camera),)


def _escalated(incident: Incident, at: datetime, camera: str, settings: RuleSettings) -> Step:
    if settings.record_only:
        return incident, ()  # nobody is to be alarmed
    return replace(incident, escalated_at=at), (Change(ChangeKind.ESCALATED, at, camera),)

"""Asked of every incident that there is: may anybody hear of it? Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.incidents.incident import Change, Incident, Step, end, has_lapsed
from alerts.incidents.model import ChangeKind
from alerts.rules.base import RuleSettings
from alerts.suppression.case import Case, Held
from alerts.suppression.chain import Passed
from alerts.suppression.permits import is_in_force
from alerts.suppression.reasons import Reason
from alerts.suppression.said import Kind, Suppression

Mute = Callable[[Case, Incident, Passed], Held | None]


def maintenance(case: Case, incident: Incident, passed: Passed | None = None) -> Held | None:
    """Mute what only devices see, or are, that somebody works on: nobody may be in danger there."""
    del passed
    words = [w for w in case.said.of(Kind.MAINTENANCE) if w.point in ("", case.point)]
    return _first(case, incident, words, Reason.MAINTENANCE)


def silence(case: Case, incident: Incident, passed: Passed | None = None) -> Held | None:
    """Mute what a person silenced for a while."""
    del passed
    words = [w for w in case.said.of(Kind.SILENCE) if case.is_about(w)]
    return _first(case, incident, words, Reason.SILENCED)


def walk(case: Case, incident: Incident, passed: Passed | None = None) -> Held | None:
    """Mute what somebody who tries whether they are seen may cause at their point.

    What may save a life is muted only by rules about the very zone: others there are no test.
    """
    del incident, passed
    rule = case.settings
    for word in case.said.of(Kind.WALK):
        here = word.point == case.point and rule.about in ("people", "things")
        tried = not rule.life_safety or word.zone in rule.zones
        if here and tried and word.is_open(case.at, case.almanac):
            return Held(Reason.WALK_TEST, word.id)
    return None


def permit(case: Case, incident: Incident, passed: Passed) -> Held | None:
    """Mute an incident that was there before the permit, while it holds back all who are there.

    Another camera of the place that sees nobody changes nothing about that.
    """
    if passed.sighting.members:
        return None
    if incident.muted is Reason.PERMITTED and is_in_force(case, incident.muted_by):
        return Held(Reason.PERMITTED, incident.muted_by)
    return next((by for by in passed.held if by.reason is Reason.PERMITTED), None)


def trial(case: Case, incident: Incident, passed: Passed | None = None) -> Held | None:
    """Mute what only cameras see on which the rule is in trial: perhaps it is often wrong there."""
    del passed
    said, at, almanac = case.said, case.at, case.almanac
    words = {c: [w for w in said.trials(case.rule, c) if w.is_open(at, almanac)] for c in incident.seen_by}
    return Held(Reason.TRIAL, words[min(words)][-1].id) if all(words.values()) else None


def noisy(case: Case, incident: Incident, passed: Passed) -> Held | None:
    """Mute a camera that has alarmed too often by the rule, until it is quieter; not where one may drown."""
    del incident, passed
    settings = case.settings
    # What is only recorded calls nobody: however often it comes, it is not too much.
    too_many = case.alarms > settings.noisy_after and not (settings.life_safety or settings.record_only)
    return Held(Reason.NOISY) if too_many else None


def late(case: Case, incident: Incident, passed: Passed) -> Held | None:
    """Mute what is known too late to be called for in a hurry; whoever is still there is heard of at once."""
    del incident, passed
    return Held(Reason.LATE) if case.late and not case.settings.life_safety else None


def inhibited(case: Case, incident: Incident, passed: Passed) -> Held | None:
    """Mute what another rule says more about, and wait for a moment whether one does.

    So it does not matter which of the two becomes known first.
    """
    del passed
    if case.inhibitor:
        return Held(Reason.INHIBITED, case.inhibitor)
    settings = case.settings
    new = abs(case.at - incident.opened_at) < timedelta(seconds=settings.within_s)
    return Held(Reason.WAITING) if settings.inhibited_by and new else None


def inhibits(other: Incident, at: datetime, settings: RuleSettings) -> bool:
    """Say whether an incident of another rule is open at ``at``; one that is silenced holds nothing back."""
    return other.muted in (None, Reason.WAITING, Reason.INHIBITED) and not has_lapsed(other, at, settings)


MUTES: tuple[Mute, ...] = (walk, maintenance, silence, permit, trial, noisy, late, inhibited)


def muted(case: Case, incident: Incident, passed: Passed) -> Held | None:
    """Return why nobody may hear of the incident now, None where they may."""
    for mute in MUTES:
        if (by := mute(case, incident, passed)) is not None:
            return by
    if incident.muted is not None and any(
        w.id == incident.muted_by and case.at < w.since for w in case.said.words
    ):
        # It was muted when the word was said; this picture is from the moment before, and was on its way.
        return Held(incident.muted, incident.muted_by)
    return None


def muted_by_word(case: Case, incident: Incident) -> Held | None:
    """Return what mutes the incident by a word alone, whoever is seen there."""
    return maintenance(case, incident) or silence(case, incident)


def listened(case: Case, incident: Incident, passed: Passed) -> Step:
    """Return the incident muted or heard, as it is now. One that opened just now says so by itself.

    Where nobody is there any more it stays as it was: there is nothing to be heard, unless it only waited.
    """
    by = muted(case, incident, passed)
    reason = by.reason if by else None
    over = not incident.occupied and incident.muted is not Reason.WAITING
    if over or reason is incident.muted:
        return incident, ()
    after = replace(incident, muted=reason, muted_by=by.by if by else "")
    if incident.opened_at == case.at:
        return after, ()
    return after, (Change(ChangeKind.MUTED if by else ChangeKind.HEARD, case.at, case.camera),)


def unheld(incident: Incident, at: datetime, camera: str) -> Step:
    """Return the incident heard if it only waited: its camera is lost, or it ends, and nothing else came."""
    if incident.muted is not Reason.WAITING:
        return incident, ()
    return replace(incident, muted=None), (Change(ChangeKind.HEARD, at, camera),)


def ended(incident: Incident, at: datetime, camera: str) -> Step:
    """Return the incident ended, and heard before if it only waited: what comes there next is another one."""
    after, heard = unheld(incident, at, camera)
    after, over = end(after, at, camera)
    return after, (*heard, *over)


def _first(case: Case, incident: Incident, words: Iterable[Suppression], reason: Reason) -> Held | None:
    for word in words:
        device = word.camera or word.receiver
        everywhere = not device or incident.seen_by <= {device}
        if everywhere and word.is_open(case.at, case.almanac):
            return Held(reason, word.id)
    return None

"""Asked of every incident that there is: may anybody hear of it? Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from alerts.incidents.incident import Change, Incident, Step
from alerts.incidents.model import ChangeKind
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
    words = {w.camera: w for w in case.said.trials(case.rule) if w.is_open(case.at, case.almanac)}
    if not words or not incident.seen_by <= words.keys():
        return None
    return Held(Reason.TRIAL, words[min(incident.seen_by)].id)


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


MUTES: tuple[Mute, ...] = (maintenance, silence, permit, trial, noisy, late)


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

    Where nobody is there any more it stays as it was: there is nothing to be heard.
    """
    by = muted(case, incident, passed)
    reason = by.reason if by else None
    if not incident.occupied or reason is incident.muted:
        return incident, ()
    after = replace(incident, muted=reason, muted_by=by.by if by else "")
    if incident.opened_at == case.at:
        return after, ()
    return after, (Change(ChangeKind.MUTED if by else ChangeKind.HEARD, case.at, case.camera),)


def _first(case: Case, incident: Incident, words: Iterable[Suppression], reason: Reason) -> Held | None:
    for word in words:
        device = word.camera or word.receiver
        everywhere = not device or incident.seen_by <= {device}
        if everywhere and word.is_open(case.at, case.almanac):
            return Held(reason, word.id)
    return None

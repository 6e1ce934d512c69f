"""Write decisions: the incident, its timeline, the evidence it needs, and what is owed because of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from alerts import camera_clocks
from alerts.incidents.incident import Change, Incident
from alerts.incidents.life import UNTAKEN, Event, after
from alerts.incidents.model import ChangeKind, State
from alerts.incidents.occupancy import seen_at
from alerts.pipeline import route
from alerts.pipeline.decide import Decision
from alerts.pipeline.escalate import escalate
from alerts.pipeline.order import Event as Observed
from alerts.pipeline.order import is_said_of
from alerts.pipeline.rulebook import RuleBook
from alerts.pipeline.speakers import Speakers
from alerts.rules.base import RuleSettings
from alerts.store import clips, suppressions, uptime
from alerts.store.deferred import defer
from alerts.store.incidents import add_change, enter, heard_again, held, move, save
from alerts.store.schema import CameraStateRow, ChangeRow, EvidenceRow, IncidentRow
from alerts.store.speakers import stop
from alerts.suppression.reasons import Reason
from lianfang.config import Config
from lianfang.events import CameraState, Observation, Reading, SpeakerState
from lianfang.ids import identify

_SPOKEN = frozenset({ChangeKind.SPOKEN, ChangeKind.REPEATED})
_OF_OTHERS = frozenset({ChangeKind.RAISED, ChangeKind.RETURNED})  # an operator's silence was not about them
# Not who: cards and plates are masked elsewhere. What a speaker said is "text".
_SAID_BY_SENSORS = (("text", "words"), ("level", "level"), ("direction", "direction"))
_TELLING_WHY = frozenset({ChangeKind.UNSAID, ChangeKind.MUTED, ChangeKind.ESCALATED})


def record(
    session: Session,
    book: RuleBook,
    decision: Decision,
    now: Callable[[], datetime],
    speakers: Speakers | None = None,
) -> None:
    """Write one decision into the caller's transaction. Written twice, it changes nothing."""
    config = book.config
    rule = config.rules.get(decision.rule)
    if not isinstance(rule, RuleSettings):
        _forgotten(session, decision, now())
        return
    speakers = speakers or Speakers(config, session=session, now=now)
    incident = decision.incident
    state = State.RECORDED if rule.record_only else State.NEW
    before = held(session, incident.id)
    escalated = before is not None and before.escalated_at is not None
    row = save(session, incident, state=state, severity=rule.severity, settings_version=book.version)
    for change in decision.changes:
        if change.kind is ChangeKind.OPENED and row.version:
            continue  # the same observation opened it before: the id says so
        if change.kind is ChangeKind.ESCALATED and escalated:
            continue  # people know: no speaker could be reached
        at = now()
        data: dict[str, Any] = {"camera": change.camera, "captured_at": change.at.isoformat()}
        added = add_change(session, incident.id, change.kind, "system", data, at)
        if change.kind in (ChangeKind.OPENED, ChangeKind.MUTED):
            suppressions.count(session, incident.muted_by, change.at)
        added.data = data | _told(session, speakers, rule, row, change, decision, at)
        added.data = added.data | _led(row, added, rule)
        route.notify(session, config, rule, row, change.kind, at, change.at)
        if "trouble" in added.data:
            escalate(session, config, rule, row, captured_at=change.at, now=at, why="no_healthy_speaker")
        # Nobody heard of it at the last: nobody has to deal with it. Those of a trial are there to be judged.
        closes = rule.closes_itself or (row.muted and row.muted != Reason.TRIAL)
        if change.kind is ChangeKind.ENDED and closes and row.state in UNTAKEN:
            data |= enter(row, after(Event.OVER, State(row.state)), at)
            add_change(session, incident.id, ChangeKind.CLOSED, "system", data, at)
            route.notify(session, config, rule, row, ChangeKind.CLOSED, at, change.at)


def _forgotten(session: Session, decision: Decision, at: datetime) -> None:
    """Write what becomes of an incident whose rule is gone: nobody is left to be told."""
    record_moves(session, [decision.incident])
    for change in decision.changes:
        data = {"camera": change.camera, "captured_at": change.at.isoformat()}
        add_change(session, decision.incident.id, change.kind, "system", data, at)


def record_moves(session: Session, incidents: Iterable[Incident]) -> None:
    """Write who stands where now in incidents of which nothing else has changed.

    That is most of what is decided, several times a second for each: the last word of a batch is enough.
    """
    for incident in incidents:
        row = held(session, incident.id)
        if row is not None:
            move(row, incident)


def _told(
    session: Session,
    speakers: Speakers,
    rule: RuleSettings,
    row: IncidentRow,
    change: Change,
    decision: Decision,
    at: datetime,
) -> dict[str, Any]:
    """Owe what is to be said because of a change; return what the timeline says about it.

    What may save a life is said to its end: who is lost from sight may be under water.
    """
    incident = decision.incident
    if change.kind in _OF_OTHERS:
        row.hushed_at = None
    if change.kind is ChangeKind.MUTED or (change.kind is ChangeKind.CLEARED and not rule.life_safety):
        stop(session, row.id, "cleared" if change.kind is ChangeKind.CLEARED else "muted", now=at)
    if change.kind in (ChangeKind.OPENED, ChangeKind.HEARD):
        row.late_at = at if incident.muted is Reason.LATE else None
    if change.kind is ChangeKind.OPENED:
        return _opened(session, speakers, rule, row, incident, decision, at)
    if change.kind in _SPOKEN:
        return route.speak(session, speakers, rule, row, change.at, at)
    if change.kind is ChangeKind.CLEARED and _is_thanked(rule, incident):
        return route.speak(session, speakers, rule, row, change.at, at, thanks=True)
    if change.kind is ChangeKind.RAISED:
        return {"people": incident.people}
    cause = {} if isinstance(decision.event, Observation) else _said(decision.event)
    return cause | _why(rule, incident) if change.kind in _TELLING_WHY else cause


def _led(row: IncidentRow, change: ChangeRow, rule: RuleSettings) -> dict[str, str]:
    """Let the case go where the change leads it; return what the timeline says of it."""
    event = _EVENTS.get(ChangeKind(change.kind))
    if event is Event.SPOKEN_TO and (rule.life_safety or "speaker" not in change.data):
        event = None  # a life is not left to a speaker, and where nothing is said people must look
    if change.kind == ChangeKind.REPEATED and "silent" in change.data:
        event = Event.UNHEARD
    if change.kind == ChangeKind.HEARD:
        heard_again(row, change.at)
    state = State(row.state)
    return enter(row, after(event, state) if event else state, change.at)


_EVENTS = {
    ChangeKind.OPENED: Event.SPOKEN_TO,
    ChangeKind.CLEARED: Event.LEFT,
    ChangeKind.RETURNED: Event.RETURNED,
    ChangeKind.ESCALATED: Event.STAYED,
}


def _opened(
    session: Session,
    speakers: Speakers,
    rule: RuleSettings,
    row: IncidentRow,
    incident: Incident,
    decision: Decision,
    at: datetime,
) -> dict[str, Any]:
    """Ask for the evidence, owe the speech; return what the timeline says about the opening."""
    observation = decision.event
    if not isinstance(observation, Observation) or not rule.pictured:  # a fault, a sensor: nothing to see
        said = {} if isinstance(observation, Observation) else _said(observation)
        return {"zone": incident.zone, **said, **_first_words(session, speakers, rule, row, incident, at)}
    people = seen_at(incident.members, observation.camera_id, observation.captured_at)
    picture = {
        "id": identify("evidence", incident.id, "trigger"),
        "incident_id": incident.id,
        "state": "pending",
        "camera": observation.camera_id,
        "captured_at": observation.captured_at,
        "reference": observation.frame.model_dump(mode="json"),
        "boxes": [
            {"xyxyn": p.xyxyn, "label": p.label, "confidence": p.confidence, "track_id": p.track_id}
            for p in people
        ],
        "zone": incident.zone,
        "decided_at": at,
    }
    defer(session, EvidenceRow, picture)
    _ask_for_clip(session, speakers.config, rule, incident, observation, at)
    speech = _first_words(session, speakers, rule, row, incident, at)
    hops = {
        "published_at": observation.published_at.isoformat(),
        "detected_at": observation.detected_at.isoformat(),
        "decided_at": at.isoformat(),
    }
    return {"zone": incident.zone, "models": list(observation.models), **speech, **hops}


def _ask_for_clip(
    session: Session,
    config: Config,
    rule: RuleSettings,
    incident: Incident,
    observation: Observation,
    at: datetime,
) -> None:
    wanted, seen = config.community.clip, observation.captured_at
    if wanted is None or not rule.clip:
        return
    since, until = seen - timedelta(seconds=wanted.before_s), seen + timedelta(seconds=wanted.after_s)
    clips.ask(session, incident.id, observation.camera_id, since, until, at, rule.life_safety)


def _first_words(
    session: Session,
    speakers: Speakers,
    rule: RuleSettings,
    row: IncidentRow,
    incident: Incident,
    at: datetime,
) -> dict[str, Any]:
    if incident.spoken:
        return route.speak(session, speakers, rule, row, row.opened_at, at)
    return _why(rule, incident)


def _why(rule: RuleSettings, incident: Incident) -> dict[str, Any]:
    """Return, for the timeline, why nobody hears of an incident or nothing is said; nothing if neither."""
    if incident.muted not in (None, Reason.WAITING):
        return {"silent": incident.muted, "by": incident.muted_by}
    silent = incident.silent or (Reason.NO_SPEECH_CONFIGURED if rule.speech is None else None)
    return {"silent": silent} if silent else {}


def _is_thanked(rule: RuleSettings, incident: Incident) -> bool:
    thanks = rule.speech is not None and rule.speech.thanks is not None
    return thanks and incident.spoken > 0 and incident.muted is None


def _said(event: CameraState | SpeakerState | Reading) -> dict[str, Any]:
    """Return what the timeline says of an event that is no picture."""
    if isinstance(event, CameraState):
        clock_s = event.clock.offset_s if event.clock is not None and event.clock.off else None
        told = {"detail": event.detail, "faults": list(event.faults), "clock_s": clock_s}
        return {
            "reason": event.reason or event.condition,
            **{key: text for key, text in told.items() if text},
        }
    if isinstance(event, SpeakerState):
        return {"reason": event.reason or event.condition}
    words = {key: event.attributes[name] for name, key in _SAID_BY_SENSORS if name in event.attributes}
    return {"reason": event.reason, "value": event.value, "unit": event.unit, **words}


def record_camera(session: Session, event: Observed) -> None:
    """Write what an event says of the camera itself: what it is worth, or the time in its picture."""
    if isinstance(event, CameraState) and not is_said_of(event):
        _record_state(session, event)  # the camera's own word; being looked at is another matter
    elif isinstance(event, Observation) and event.clock is not None:
        row = session.get(CameraStateRow, event.camera_id)
        if row is not None:
            camera_clocks.told(row, event.clock)


def _record_state(session: Session, state: CameraState) -> None:
    """Write what a camera is worth; ``since`` moves only when the condition does."""
    row = session.get(CameraStateRow, state.camera_id)
    if row is None:
        row = CameraStateRow(camera=state.camera_id, condition="", since=state.captured_at)
        row.clocks, row.faults = {}, []
        session.add(row)
    if row.condition != state.condition or row.faults != list(state.faults):
        what = state.condition, state.captured_at, state.reason, state.detail, state.faults
        uptime.camera_changed(session, state.camera_id, *what)
    if row.condition != state.condition:
        row.condition, row.since = state.condition, state.captured_at
    row.reason, row.detail, row.faults = state.reason, state.detail, list(state.faults)
    if state.clock is not None:
        camera_clocks.told(row, state.clock)

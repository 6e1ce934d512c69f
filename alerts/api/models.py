"""What the API answers with. The OpenAPI document, and with it every client, is generated from these."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, Field, JsonValue

from alerts.api.answer import Answer
from alerts.api.evidence_models import Clip, Evidence, Photo
from alerts.incidents.life import Action
from alerts.incidents.model import ChangeKind, State
from alerts.payload import NoticeMode
from alerts.rules.base import About
from lianfang.config.escalation import Severity

Presence = Literal["there", "left", "unknown"]
DeliveryState = Literal["pending", "delivered", "dead", "expired", "stopped"]
Count = Annotated[int, Field(ge=0)]


class Words(Answer):
    """A text in both languages; ``en`` equals ``zh`` where nobody translated it."""

    zh: str
    en: str


class Named(Answer):
    """An id of the configuration and its name; the id itself where the configuration has lost it."""

    id: str
    name: str


class NamedInBoth(Answer):
    """A rule, or a receiver, and its name."""

    id: str
    name: Words


class Contact(Answer):
    """Who is on duty at a point."""

    name: str
    phone: str


class Assignee(Answer):
    """Whom an incident can be assigned to: a person, or the cell of the grid in which the points lie."""

    id: str
    name: str
    kind: Literal["person", "cell"]
    points: list[str]
    contact: Contact | None


class TierStatus(Answer):
    """Who hears of an incident next, at ``at`` if nobody does anything; ``due``: once an operator presses.

    Pressing one that is ``live`` confirms the incident.
    """

    name: Words
    state: Literal["ahead", "due", "told"]
    at: AwareDatetime | None
    automatic: bool
    live: bool
    receivers: list[str]


class Ring(Answer):
    """Who is called because nobody answers: the last one, and the next one, at ``next_at`` if nobody does."""

    last: Named | None
    last_at: AwareDatetime | None
    next: Named | None
    next_at: AwareDatetime | None


class Speech(Answer):
    """What a speaker was told to say, and what it answered."""

    receiver: str
    text: str
    state: DeliveryState
    outcome: str
    last_error: str
    finished_at: AwareDatetime | None


class NoticeStatus(Answer):
    """How the newest notice to a receiver fares."""

    receiver: str
    mode: NoticeMode
    state: DeliveryState
    attempts: Count
    outcome: str
    last_error: str
    finished_at: AwareDatetime | None


class Figure(Answer):
    """A number beside an incident, such as riders that were counted or a water level: its newest value."""

    source: Named
    name: str
    value: float
    unit: str


class Handling(Answer):
    """What a person did last to an incident."""

    kind: ChangeKind
    at: AwareDatetime
    actor: str
    actor_name: str
    note: str


class Incident(Answer):
    """An incident as the wall shows it. Of two copies the higher ``version`` is right.

    ``speakers`` cover its zone, nearest first; ``hushed_at`` is since when an operator wants silence there.
    ``open`` says that people still have to do with it, or may soon: a speaker talks to them. ``presence`` is
    unknown while no fresh observation says anything. ``silent`` is why nothing was said ("" if something
    was), ``muted`` why nobody hears of it ("" if they do), by the suppression or the incident ``muted_by``;
    ``calm`` that operators are not alarmed either: of a trial where a life is at stake they are.
    ``vital`` says that a life may be at stake. ``ring`` is null where nobody is, was or will be called.
    ``confirm_notifies`` are the receivers that hear of it only once it is confirmed. By ``limit_at``
    people must have done what the state asks for; ``overdue`` says that they have not.
    """

    id: str
    version: Count
    rule: NamedInBoth
    about: About
    subject: str
    review: bool
    severity: Severity
    state: State
    open: bool
    presence: Presence
    people: Count
    members_total: Count
    figures: list[Figure]
    place: str
    point: Named
    camera: Named
    zone: Named
    duty_contact: Contact | None
    opened_at: AwareDatetime
    updated_at: AwareDatetime
    last_seen_at: AwareDatetime
    cleared_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    spoken: Count
    speakers: list[str]
    hushed_at: AwareDatetime | None
    escalated_at: AwareDatetime | None
    confirmed_by: str | None
    confirmed_at: AwareDatetime | None
    assignee: Assignee | None
    overdue: bool
    limit_at: AwareDatetime | None
    tiers: list[TierStatus]
    ring: Ring | None
    vital: bool
    handling: Handling | None
    picture: Evidence | None
    speech: Speech | None
    silent: str
    muted: str
    muted_by: str
    calm: bool
    notices: list[NoticeStatus]
    confirm_notifies: list[str]
    actions: list[Action]


class Change(Answer):
    """One entry of an incident's timeline; ``seq`` is its place in the stream of all changes."""

    seq: Count
    incident_id: str
    version: Count
    kind: ChangeKind
    at: AwareDatetime
    actor: str
    actor_name: str
    data: dict[str, JsonValue]


class Member(Answer):
    """Somebody who belongs to an incident; ``xyxyn`` is (x_min, y_min, x_max, y_max), 0-1."""

    n: Count
    camera: str
    zone: str
    label: str
    confidence: float
    xyxyn: tuple[float, float, float, float]
    since: AwareDatetime
    last_at: AwareDatetime


class Delivery(Answer):
    """Something owed to a receiver. ``latency_s`` runs from the picture to the receiver's answer."""

    id: str
    receiver: str
    kind: Literal["speech", "notice"]
    mode: NoticeMode | None
    change: str
    incident_version: Count
    text: str
    state: DeliveryState
    outcome: str
    detail: str
    attempts: Count
    last_error: str
    created_at: AwareDatetime
    finished_at: AwareDatetime | None
    latency_s: float | None


class Hops(Answer):
    """When the first picture passed each stage; null where it was not recorded."""

    captured_at: AwareDatetime
    published_at: AwareDatetime | None
    detected_at: AwareDatetime | None
    decided_at: AwareDatetime | None


class IncidentDetail(Incident):
    """An incident with all that is known of it, the timeline oldest first.

    ``looked_for`` says that the police look for the vehicle (布控).
    """

    looked_for: bool
    members: list[Member]
    timeline: list[Change]
    deliveries: list[Delivery]
    evidence: list[Evidence]
    clip: Clip | None
    photos: list[Photo]
    hops: Hops


class IncidentPage(Answer):
    """Incidents, newest first. ``next`` goes into ``before``; it is null on the last page.

    ``position`` is the number of the last change that this answer contains: a stream that continues after it
    neither leaves out nor repeats one.
    """

    incidents: list[Incident]
    next: str | None
    position: Count


class IncidentChanged(Answer):
    """The event ``change`` of the stream: what happened, and the incident as it is now."""

    change: Change
    incident: Incident


class Heartbeat(Answer):
    """The event ``heartbeat`` of the stream: everything up to ``position`` has been sent."""

    now: AwareDatetime
    position: Count


class Said(BaseModel):
    """What a person says with an action: why, or what came of it, and to whom it is given."""

    note: Annotated[str, Field(max_length=500)] = ""
    assignee: Annotated[str, Field(max_length=64)] | None = None

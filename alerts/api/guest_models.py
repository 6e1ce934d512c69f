"""What the API says of the cameras of guests: to operators, to who is invited, and to owners."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from alerts.api.answer import Answer
from alerts.api.models import NamedInBoth, Words
from alerts.store.guests import Looked, State
from lianfang.config.drawn import Shape
from lianfang.config.guests import Forbidden, Installed, LegalClass
from lianfang.config.schedule import Schedule
from lianfang.reach.guests import GuestSource

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
How = Literal["fetched", "pushed"]


class Invite(BaseModel):
    """Whom to invite: what the camera is to look at, and the point that it is near."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
    near: Annotated[str, StringConstraints(max_length=64)] = ""


class Invitation(Answer):
    """An invitation; what stands in its link is said once, when it is made."""

    id: str
    name: str
    near: str
    author_name: str
    created_at: AwareDatetime
    expires_at: AwareDatetime
    state: Literal["open", "used", "ended"]
    camera: str


class Invited(Answer):
    """A new invitation, and its link below this installation's address. Nobody can read it again."""

    invitation: Invitation
    link: str


class Kept(Answer):
    """What became of pictures and clips at a withdrawal; ``kept`` are incidents by why theirs are kept."""

    at: AwareDatetime
    pictures_deleted: int
    clips_deleted: int
    kept: dict[Literal["police", "handling", "public_place"], int]


class Consent(Answer):
    """The words to which an owner agreed, when, and their digest."""

    version: str
    language: Literal["zh", "en"]
    sha256: str
    text: str
    name: str
    at: AwareDatetime


class GuestCamera(Answer):
    """A guest's camera as its owner allows it. Where it is and its password are said to nobody."""

    id: str
    name: str
    state: State
    state_since: AwareDatetime
    condition: Literal["online", "offline", "unknown", "disabled"]
    reason: str
    open_now: bool
    how: How
    installed: Installed
    legal_class: LegalClass
    rules: list[NamedInBoth]
    hours: dict[str, Any] | None
    masks: list[list[list[float]]]
    consent: Consent
    ended_by: str
    ended_why: str
    report: Kept | None


class Look(Answer):
    """Somebody was given a picture: who, when, what, of which moment, and why if they said."""

    at: AwareDatetime
    by_name: str
    what: Looked
    captured_at: AwareDatetime | None
    reason: str


class GuestList(Answer):
    """Every guest's camera, and the newest invitations."""

    enabled: bool
    cameras: list[GuestCamera]
    invitations: list[Invitation]


class Ending(BaseModel):
    """Why an operator ends, pauses or resumes it for its owner."""

    reason: Reason


class OwnerLink(Answer):
    """A new link of the owner, below this installation's address; the old one is worthless."""

    link: str


class Invitee(Answer):
    """What who is invited is shown before anything is said."""

    community: str
    name: str
    expires_at: AwareDatetime
    rules: list[NamedInBoth]
    consent_version: str
    consent: Words
    can_push: bool


class Push(Answer):
    """Where the owner's side pushes to, and the key that only this camera has."""

    server: str
    stream: str


class Try(BaseModel):
    """What to take a preview of: a camera that we fetch, or with None what is pushed to us."""

    source: GuestSource | None = None


class Join(BaseModel):
    """What an owner allows, and that they agree."""

    preview: Annotated[str, StringConstraints(max_length=2000)]
    source: GuestSource | None = None
    installed: Installed | Forbidden
    legal_class: LegalClass
    rules: tuple[Annotated[str, StringConstraints(max_length=64)], ...] = Field(default=(), max_length=50)
    hours: Schedule | None = None
    masks: tuple[Shape, ...] = Field(default=(), max_length=16)
    language: Literal["zh", "en"] = "zh"
    consent_version: str
    agreed: Literal[True]
    owner: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]


class Owner(Answer):
    """An owner's camera, and who looked at it last."""

    community: str
    camera: GuestCamera
    looks: list[Look]

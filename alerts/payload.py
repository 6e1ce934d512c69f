"""What leaves the system: the schemas that receivers can rely on, version 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from lianfang.config import Spoken
from lianfang.errors import PermanentError

MAX_SPEECH_CHARACTERS = 500
NoticeMode = Literal["live", "task", "test", "drill", "backfill"]
WITHDRAWN = frozenset({"false_alarm", "permitted"})
"""Changes after which a receiver is told to forget an incident."""
Datum = Literal["wgs84", "gcj02", "cgcs2000"]
_ALIKE: frozenset[Datum] = frozenset({"wgs84", "cgcs2000"})  # within decimetres of each other


def same_datum(one: Datum, other: Datum) -> bool:
    """Say whether coordinates in one datum are good in the other."""
    return one == other or {one, other} <= _ALIKE


class _Payload(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


SpeechText = Annotated[str, Field(min_length=1, max_length=MAX_SPEECH_CHARACTERS)]


class Utterance(_Payload):
    """A text, and the language that it is said in. ``clip``: the file of a recording of it, "" for none."""

    language: Spoken
    text: SpeechText
    clip: str = ""


class Speech(_Payload):
    """A command to a speaker: say this, once or more, and do not begin after ``valid_until``.

    ``also`` is the same in other languages, said after ``text`` each time. Of two commands the speaker says
    the one of higher ``priority`` (0-100) first. After ``max_s`` seconds it breaks off by itself. A speaker
    that plays sound only plays the file ``clip``, a recording of ``text``, where there is one.
    """

    schema_version: Literal["lianfang.speech/1"] = "lianfang.speech/1"
    id: str
    text: SpeechText
    language: Spoken = "zh"
    clip: str = ""
    also: tuple[Utterance, ...] = ()
    volume_pct: Annotated[int, Field(ge=0, le=100)]
    repeat: Annotated[int, Field(ge=1, le=10)]
    priority: Annotated[int, Field(ge=0, le=100)] = 0
    max_s: Annotated[int, Field(ge=1, le=600)] = 60
    valid_until: AwareDatetime


class NoticePlace(_Payload):
    """Where it is. The coordinates are in ``datum``; null where nobody measured them."""

    point: str
    point_name: str
    camera: str
    camera_name: str
    device_code: str
    zone: str
    zone_name: str
    longitude: float | None
    latitude: float | None
    datum: Datum


class NoticeContact(_Payload):
    """Who is on duty there."""

    name: str
    phone: str


class NoticePicture(_Payload):
    """A picture: in the message, or where ``url`` is given behind that link until ``expires_at``."""

    kind: Literal["original", "annotated"]
    media_type: Literal["image/jpeg"] = "image/jpeg"
    captured_at: AwareDatetime
    sha256: str
    data_base64: str = ""
    url: str = ""
    expires_at: AwareDatetime | None = None


class NoticeGap(_Payload):
    """From when to when a clip has no picture."""

    since: AwareDatetime
    until: AwareDatetime


class NoticeClip(_Payload):
    """The film of an incident: behind ``url`` until ``expires_at``, or in the message.

    Where it is neither, people who may log in here find it under ``path``. ``missing`` says, in words, why
    there is none, or what is missing from it.
    """

    id: str
    state: Literal["kept", "missing"]
    media_type: Literal["video/mp4"] = "video/mp4"
    begins_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    gaps: tuple[NoticeGap, ...] = ()
    missing: str = ""
    frames: int = 0
    size_bytes: int = 0
    sha256: str = ""
    path: str = ""
    data_base64: str = ""
    url: str = ""
    expires_at: AwareDatetime | None = None


class Notice(_Payload):
    """An incident as the police platform and other receivers get it.

    ``subject`` is what the incident is about where the place is not enough, such as a plate.
    ``assignee`` is the person, or the cell of the grid, to whom it was given, "" for nobody.
    ``called`` is who is called because nobody has answered, "" in every message but ``rung``.
    ``figures`` are numbers beside it, by camera or sensor: a water level, riders that were counted.
    ``clip`` is null until it is known whether there is one.
    ``number`` is the same in every message of an incident; of two messages the higher ``version`` is right.
    """

    schema_version: Literal["lianfang.incident/1"] = "lianfang.incident/1"
    number: str
    version: int
    mode: NoticeMode
    confirmed_by: str | None
    confirmed_at: AwareDatetime | None
    change: str
    state: str
    type: str
    rule: str
    title: str
    subject: str = ""
    assignee: str = ""
    called: str = ""
    severity: str
    community: str
    place: NoticePlace
    people: int
    figures: dict[str, dict[str, float]] = {}
    still_there: bool
    opened_at: AwareDatetime
    updated_at: AwareDatetime
    cleared_at: AwareDatetime | None
    duty_contact: NoticeContact | None
    pictures: tuple[NoticePicture, ...] = ()
    pictures_missing: str = ""
    clip: NoticeClip | None = None


FILM_GOES_ALONG = frozenset({"clip", "confirmed", "forwarded"})
"""Changes whose message brings the film itself where that is wanted: they may be the first after it was made.

It is megabytes: the other messages only say what there is.
"""


class WantedBy(_Payload):
    """A disposition (布控) as whoever gave it knows it; ``address`` is where they want to be told, or ""."""

    number: str
    title: str
    address: str


class Hit(Notice):
    """A notice for the one who looks for the vehicle, and for nobody else."""

    disposition: WantedBy


class CaseReceipt(_Payload):
    """What a receiver lets us know about an incident that it was told of (接警, 处置反馈).

    ``received``: it has it (接警). ``dispatched``: somebody is on the way. ``resolved``: what came of it
    (处置反馈). ``rejected``: it gives it back (退回). ``withdrawn_confirmed``: it has heard that it was
    withdrawn. ``by`` is who says so there, ``at`` when it was so, by the receiver's clock.
    """

    schema_version: Literal["lianfang.receipt/1"] = "lianfang.receipt/1"
    number: Annotated[str, Field(min_length=1, max_length=36)]
    step: Literal["received", "dispatched", "resolved", "rejected", "withdrawn_confirmed"]
    at: AwareDatetime
    by: Annotated[str, Field(max_length=64)] = ""
    note: Annotated[str, Field(max_length=500)] = ""


def notice_of(payload: Mapping[str, Any], pictures: Sequence[NoticePicture] = ()) -> Notice:
    """Return the notice that ``payload`` is, perhaps a ``Hit``; PermanentError where it is none."""
    try:
        model = Hit if "disposition" in payload else Notice
        return model.model_validate({**payload, "pictures": pictures})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise PermanentError(f"no notice of version 1: {first['loc']} {first['msg']}") from error

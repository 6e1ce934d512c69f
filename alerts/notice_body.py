"""A notice as JSON, alone or in an envelope, with as many of its pictures as there is room for."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

from alerts.channels.base import Delivery, Picture
from alerts.links import CLIP, PictureLinks
from alerts.notice_template import filled
from alerts.payload import Notice, NoticePicture, notice_of
from lianfang.config import Stanza
from lianfang.errors import PermanentError

Envelope = Literal["none", "cloudevents"]
_MEDIA: Mapping[Envelope, str] = {"none": "application/json", "cloudevents": "application/cloudevents+json"}


class Enveloped(Stanza):
    """What the stanza of a receiver has that gets notices as JSON."""

    envelope: Envelope = "none"
    """What is around the notice: nothing, or a CloudEvent 1.0 in JSON, for platforms that read those."""

    @property
    def media_type(self) -> str:
        """The media type of what it gets."""
        return _MEDIA[self.envelope]


@dataclass(frozen=True, slots=True)
class Bodies:
    """Makes the bodies for one receiver, as its stanza has it; with ``films`` clips go along.

    The body of a delivery is always the same, as long as what it shows is kept.
    """

    envelope: Envelope
    links: PictureLinks | None
    films: bool = False
    template: Mapping[str, Any] | None = None

    def body(self, delivery: Delivery, max_bytes: int) -> bytes:
        """Return the body of ``max_bytes`` at most; PermanentError where not even the notice has room."""
        clip = self._clip(delivery)

        def make(pictures: Sequence[Picture], missing: str) -> bytes:
            shown = [self._shown(picture, delivery.created_at) for picture in pictures]
            notice = notice_of({**delivery.payload, "pictures_missing": missing, "clip": clip}, shown)
            return self._enveloped(delivery.id, notice).encode()

        film = delivery.film() if clip and self.films and delivery.film else None
        if clip and film:
            whole = make(delivery.pictures, delivery.payload.get("pictures_missing", ""))
            size = len(whole) + (len(film) + 2) // 3 * 4
            if size <= max_bytes:
                clip = {**clip, "data_base64": base64.b64encode(film).decode("ascii")}
            else:  # it goes before the pictures
                told = f"left out: the message would have had {size} bytes, more than {max_bytes}"
                clip = {**clip, "missing": "; ".join(filter(None, (clip["missing"], told)))}
        return with_room(delivery, max_bytes, make)

    def _clip(self, delivery: Delivery) -> Mapping[str, Any] | None:
        """Return what is said of the clip, with the link to it where there are links."""
        clip: Mapping[str, Any] | None = delivery.payload.get("clip")
        if not clip or clip["state"] != "kept" or self.links is None:
            return clip
        url, until = self.links.link(clip["id"], CLIP, delivery.created_at)
        return {**clip, "url": url, "expires_at": until}

    def _enveloped(self, delivery_id: str, notice: Notice) -> str:
        if self.template is not None:
            return filled(self.template, notice)
        body = notice.model_dump_json()
        if self.envelope == "none":
            return body
        about = {
            "specversion": "1.0",
            "id": delivery_id,
            "source": f"urn:lianfang:{quote(notice.community, safe='')}",
            "type": "lianfang.incident.v1",
            "subject": notice.number,
            "time": notice.updated_at.isoformat(),
            "datacontenttype": "application/json",
        }
        return f'{json.dumps(about)[:-1]}, "data": {body}}}'

    def _shown(self, picture: Picture, since: datetime) -> NoticePicture:
        data, url, until = "", "", None
        if self.links is None:
            data = base64.b64encode(picture.jpeg).decode("ascii")
        else:
            url, until = self.links.link(picture.evidence, picture.kind, since)
        return NoticePicture(
            kind=picture.kind,
            captured_at=picture.captured_at,
            sha256=picture.sha256,
            data_base64=data,
            url=url,
            expires_at=until,
        )


def with_room(delivery: Delivery, max_bytes: int, make: Callable[[Sequence[Picture], str], bytes]) -> bytes:
    """Return what ``make`` makes of as many pictures as ``max_bytes`` hold: the original goes first.

    It is told why some are missing. PermanentError where it is too long without any.
    """
    pictures = sorted(delivery.pictures, key=lambda picture: picture.kind == "annotated")
    missing: str = delivery.payload.get("pictures_missing", "")
    for count in range(len(pictures), -1, -1):
        if left_out := len(pictures) - count:
            told = f"{left_out} left out: the message would have had more than {max_bytes} bytes"
        body = make(pictures[:count], "; ".join(filter(None, (missing, told if left_out else ""))))
        if len(body) <= max_bytes:
            return body
    raise PermanentError(f"the notice has more than {max_bytes} bytes")

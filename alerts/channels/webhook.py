"""``kind: webhook``: notices as JSON, signed as Standard Webhooks lays down.

See docs/protocols/webhook.md.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import Field, field_validator
from standardwebhooks import Webhook

from alerts.channels._http import HttpEndpoint, check_status, http_url
from alerts.channels.base import Delivery, Picture, Receipt
from alerts.notice_settings import NoticeConfig
from alerts.payload import Notice, NoticePicture, notice_of
from alerts.reach import check_address
from lianfang.clock import Clock
from lianfang.config import Config as WholeConfig
from lianfang.config import Problem, Secret
from lianfang.errors import PermanentError

_MEDIA = {"none": "application/json", "cloudevents": "application/cloudevents+json"}
_PREFIX = "whsec_"
_KEY_BYTES = range(24, 65)  # Standard Webhooks 1.0, "Signature scheme": 24 to 64 bytes


class Config(NoticeConfig):
    """A receiver of notices, such as a police platform."""

    kind: Literal["webhook"]
    url: str
    """Where notices are posted; nothing else is ever called, redirects included."""
    secrets: Annotated[tuple[Secret, ...], Field(min_length=1, max_length=2)]
    """The signing key; while it is being changed, the old and the new one: both sign."""
    envelope: Literal["none", "cloudevents"] = "none"
    """What is around the notice: nothing, or a CloudEvent 1.0 in JSON, for platforms that read those."""

    @field_validator("url")
    @classmethod
    def _http_url(cls, value: str) -> str:
        return http_url(value)

    def check(self, config: WholeConfig) -> Iterable[Problem]:
        """Yield keys that cannot sign, an address that is not allowed, and certificates of no use."""
        yield from super().check(config)
        yield from check_address("url", self.url, self.within)
        for i, secret in enumerate(self.secrets):
            try:
                usable = _is_key(secret.read())
            except LookupError:
                continue  # the secret itself says so
            if not usable:
                allowed = f"{_PREFIX} and 24 to 64 random bytes in base64 (openssl rand -base64 32)"
                yield Problem(("secrets", i), "a text of another form", allowed)


class WebhookChannel:
    """Posts notices. The body and ``webhook-id`` of a delivery are the same on every attempt."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._url, self._clock, self._envelope = config.url, clock, config.envelope
        self._max_bytes, self._links = config.max_body_bytes, config.picture_links
        self._signers = [Webhook(secret.read()) for secret in config.secrets]
        self._http = HttpEndpoint(config.timeout_s, tls=config.tls, networks=config.within)

    async def send(self, delivery: Delivery) -> Receipt:
        """Post the notice; any 2xx is the receiver's word that it has it."""
        if delivery.pictures:  # megabytes to encode and sign: not on the loop that speaks to everybody
            headers, body = await asyncio.to_thread(self._message, delivery)
        else:
            headers, body = self._message(delivery)
        answer = await self._http.request("POST", self._url, headers, body)
        check_status(answer, self._clock.now())
        return Receipt(str(answer.status), answer.quote())

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    def _message(self, delivery: Delivery) -> tuple[dict[str, str], bytes]:
        body = self._body(delivery)
        now = self._clock.now()
        signatures = (signer.sign(delivery.id, now, body) for signer in self._signers)
        headers = {
            "Content-Type": _MEDIA[self._envelope],
            "webhook-id": delivery.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
        }
        return headers, body.encode()

    def _body(self, delivery: Delivery) -> str:
        """Return the notice as JSON, with as many pictures as there is room for: the original goes first."""
        pictures = sorted(delivery.pictures, key=lambda picture: picture.kind == "annotated")
        for count in range(len(pictures), -1, -1):
            body = self._enveloped(
                delivery.id, self._notice(delivery, pictures[:count], left_out=len(pictures) - count)
            )
            if len(body.encode()) <= self._max_bytes:
                return body
        raise PermanentError(f"the notice has more than {self._max_bytes} bytes")

    def _enveloped(self, delivery_id: str, notice: Notice) -> str:
        body = notice.model_dump_json()
        if self._envelope == "none":
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

    def _notice(self, delivery: Delivery, pictures: Sequence[Picture], left_out: int) -> Notice:
        missing = delivery.payload.get("pictures_missing", "")
        if left_out:
            told = f"{left_out} left out: the message would have had more than {self._max_bytes} bytes"
            missing = f"{missing}; {told}" if missing else told
        shown = [self._shown(picture, delivery.created_at) for picture in pictures]
        return notice_of({**delivery.payload, "pictures_missing": missing}, shown)

    def _shown(self, picture: Picture, since: datetime) -> NoticePicture:
        data, url, until = "", "", None
        if self._links is None:
            data = base64.b64encode(picture.jpeg).decode("ascii")
        else:
            url, until = self._links.link(picture.evidence, picture.kind, since)
        return NoticePicture(
            kind=picture.kind,
            captured_at=picture.captured_at,
            sha256=picture.sha256,
            data_base64=data,
            url=url,
            expires_at=until,
        )


def build(config: Config, clock: Clock) -> WebhookChannel:
    """Return the channel; LookupError if a secret cannot be read."""
    return WebhookChannel(config, clock)


def _is_key(text: str) -> bool:
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        return False
    return text.startswith(_PREFIX) and len(key) in _KEY_BYTES

"""``kind: webhook``: notices as JSON, signed as Standard Webhooks lays down.

See docs/protocols/webhook.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Literal

from pydantic import field_validator
from standardwebhooks import Webhook

from alerts.channels.base import Delivery, Receipt
from alerts.notice_body import Bodies, Enveloped
from alerts.notice_settings import TlsNoticeConfig
from alerts.notice_template import Document
from alerts.signatures import SigningKeys, check_keys
from lianfang.clock import Clock
from lianfang.config import Config as WholeConfig
from lianfang.config import Problem
from lianfang.reach.http import HttpEndpoint, check_status, http_url
from lianfang.reach.networks import check_address


class Config(Enveloped, TlsNoticeConfig):
    """A receiver of notices, such as a police platform."""

    kind: Literal["webhook"]
    url: str
    """Where notices are posted; nothing else is ever called, redirects included."""
    secrets: SigningKeys
    """The signing key; while it is being changed, the old and the new one: both sign."""

    template: Document | None = None
    """Another JSON object in place of a notice, with fields of the notice in braces; without pictures."""

    @field_validator("url")
    @classmethod
    def _http_url(cls, value: str) -> str:
        return http_url(value)

    def check(self, config: WholeConfig) -> Iterable[Problem]:
        """Yield keys that cannot sign, an address that is not allowed, and certificates of no use."""
        yield from super().check(config)
        yield from check_address("url", self.url, self.within)
        if self.template is not None and self.envelope != "none":
            yield Problem(("template",), f"a template in the envelope {self.envelope}", "one of them")
        yield from check_keys(("secrets",), self.secrets)


class WebhookChannel:
    """Posts notices. The body and ``webhook-id`` of a delivery are the same on every attempt."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._url, self._clock, self._media_type = config.url, clock, config.media_type
        self._max_bytes, self._bodies = (
            config.max_body_bytes,
            Bodies(config.envelope, config.picture_links, config.brings_films, config.template),
        )
        self._signers = [Webhook(secret.read()) for secret in config.secrets]
        self._http = HttpEndpoint(config.timeout_s, tls=config.tls, networks=config.within)

    async def send(self, delivery: Delivery) -> Receipt:
        """Post the notice; any 2xx is the receiver's word that it has it."""
        if (
            delivery.pictures or delivery.film
        ):  # megabytes to encode and sign: not on the loop that speaks to everybody
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
        body = self._bodies.body(delivery, self._max_bytes)
        now = self._clock.now()
        signatures = (signer.sign(delivery.id, now, body.decode()) for signer in self._signers)
        headers = {
            "Content-Type": self._media_type,
            "webhook-id": delivery.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
        }
        return headers, body


def build(config: Config, clock: Clock) -> WebhookChannel:
    """Return the channel; LookupError if a secret cannot be read."""
    return WebhookChannel(config, clock)

"""The joint test cases of a webhook receiver."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from standardwebhooks import Webhook

from alerts.channels import webhook
from alerts.channels.base import Delivery
from alerts.joint.case import Case, CaseFailedError, Heard, numbered
from alerts.joint.samples import RARE, Sample, Samples
from alerts.notice_body import Bodies
from lianfang.clock import Clock
from lianfang.config import Config

_LARGE_PX = 1600  # about 2 MB of noise
_OLD = timedelta(minutes=10)


class Run:
    """The cases of one run, all of them with ``camera``."""

    def __init__(self, config: Config, settings: webhook.Config, camera: str, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self.heard = Heard(settings.timeout_s, tls=settings.tls, networks=settings.within)
        self._bodies = Bodies(settings.envelope, settings.picture_links)
        self._keys = [secret.read() for secret in settings.secrets]
        self._samples = Samples(config, camera, clock)
        self._taken: dict[str, int] = {}

    def cases(self) -> Sequence[Case]:
        """Return them in their order."""
        return numbered(
            ("takes a message that is signed", lambda: self._post("zone_entry")),
            ("refuses a wrong signature", lambda: self._refused(keys=[_another_key()])),
            ("takes a message with two signatures, of which it knows one", self._two_keys),
            ("refuses a time stamp 10 min ago", lambda: self._refused(shift=-_OLD)),
            ("refuses a time stamp 10 min ahead", lambda: self._refused(shift=_OLD)),
            ("refuses a body that was changed after it was signed", self._tampered),
            ("takes a motor vehicle with a plate", lambda: self._post("plate", "粤A00000")),
            ("takes a motor vehicle without a plate", lambda: self._post("plate", "")),
            ("takes a new-energy plate of 8 characters", lambda: self._post("plate", "粤AD00000")),
            ("takes a rider", lambda: self._post("helmet")),
            ("takes a person", lambda: self._post("loitering")),
            ("takes a thing that was left, with its picture", lambda: self._post("left_object")),
            ("takes rare characters", lambda: self._post("left_object", title=f"联调测试{RARE}")),
            ("takes a picture of 2 MB", lambda: self._post("left_object", noise_px=_LARGE_PX)),
            ("refuses what is no notice, and takes the next one", self._no_notice),
            ("answers a message that it has with success", self._repeat),
            ("takes a later version", self._update),
            ("takes a withdrawal", self._withdraw),
            ("does not stumble over an older version", self._order),
            ("refuses a message without a signature", lambda: self._refused(keys=[])),
        )

    async def clean_up(self) -> None:
        """Withdraw what the last case has sent."""
        sent, self._samples.sent = self._samples.sent, []
        for sample in sent:
            version = self._taken.pop(sample.number, 0)
            if version:
                await self._good(self._samples.delivery(sample, version + 1, "false_alarm"))

    async def close(self) -> None:
        """Close the connections."""
        await self.heard.close()

    async def _post(self, kind: str, subject: str = "", **more: Any) -> Sample:  # noqa: ANN401 - as of `new`
        sample = self._samples.new(kind, subject=subject, **more)
        await self._told(sample, 1, "opened")
        return sample

    async def _told(self, sample: Sample, version: int, change: str) -> Delivery:
        delivery = self._samples.delivery(sample, version, change)
        self._taken[sample.number] = version  # perhaps: whatever it answers
        await self._good(delivery)
        return delivery

    async def _good(self, delivery: Delivery) -> None:
        status = await self._send(delivery, self._body(delivery))
        if not 200 <= status < 300:
            raise CaseFailedError(f"it answers {status} to what is right: {self.heard.words}")

    async def _refused(self, *, keys: Sequence[str] | None = None, shift: timedelta = timedelta()) -> None:
        sample = self._samples.new("zone_entry")
        delivery = self._samples.delivery(sample)
        self._must_refuse(sample, await self._send(delivery, self._body(delivery), keys=keys, shift=shift))

    async def _tampered(self) -> None:
        sample = self._samples.new("zone_entry")
        delivery = self._samples.delivery(sample)
        body = self._body(delivery)
        headers = self._headers(delivery.id, body, self._keys, timedelta())
        changed = body.replace(b'"severity":"low"', b'"severity":"high"')
        self._must_refuse(sample, await self._request(headers, changed))

    def _must_refuse(self, sample: Sample, status: int) -> None:
        if 200 <= status < 300:
            self._taken[sample.number] = 1
            raise CaseFailedError(f"it answers {status} to what it must not believe")
        if status >= 500:
            raise CaseFailedError(f"it answers {status} and not 4xx: it would be sent again for days")

    async def _two_keys(self) -> None:
        sample = self._samples.new("zone_entry")
        delivery = self._samples.delivery(sample)
        self._taken[sample.number] = 1
        status = await self._send(delivery, self._body(delivery), keys=[_another_key(), *self._keys])
        if not 200 <= status < 300:
            raise CaseFailedError(f"it answers {status}: a change of the key would lose messages")

    async def _no_notice(self) -> None:
        sample = self._samples.new("zone_entry")
        delivery = self._samples.delivery(sample)
        self._must_refuse(sample, await self._send(delivery, b'{"schema_version": "lianfang.incident/1"}'))
        await self._post("zone_entry")

    async def _repeat(self) -> None:
        sample = await self._post("zone_entry")
        delivery = self._samples.delivery(sample)
        await self._good(delivery)

    async def _update(self) -> None:
        await self._told(await self._post("zone_entry"), 2, "cleared")

    async def _withdraw(self) -> None:
        sample = await self._post("zone_entry")
        await self._told(sample, 2, "false_alarm")
        del self._taken[sample.number]

    async def _order(self) -> None:
        """Send version 3, then version 2: it drops that one, with whatever word but a fault of its own."""
        sample = await self._post("zone_entry")
        await self._told(sample, 3, "cleared")
        late = self._samples.delivery(sample, 2, "raised")
        status = await self._send(late, self._body(late))
        if status >= 500:
            raise CaseFailedError(f"it answers {status} and not 2xx or 4xx: it would be sent again for days")

    async def _send(
        self,
        delivery: Delivery,
        body: bytes,
        *,
        keys: Sequence[str] | None = None,
        shift: timedelta = timedelta(),
    ) -> int:
        keys = self._keys if keys is None else keys
        return await self._request(self._headers(delivery.id, body, keys, shift), body)

    async def _request(self, headers: Mapping[str, str], body: bytes) -> int:
        return (await self.heard.request("POST", self._settings.url, headers, body)).status

    def _headers(self, message_id: str, body: bytes, keys: Sequence[str], shift: timedelta) -> dict[str, str]:
        at = self._clock.now() + shift
        signed = " ".join(Webhook(key).sign(message_id, at, body.decode()) for key in keys)
        return {
            "Content-Type": self._settings.media_type,
            "webhook-id": message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            **({"webhook-signature": signed} if signed else {}),
        }

    def _body(self, delivery: Delivery) -> bytes:
        return self._bodies.body(delivery, self._settings.max_body_bytes)


def _another_key() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()

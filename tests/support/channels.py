"""Both first channels with the simulators of their receivers, and one way to ask for an answer."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import numpy as np
import pytest
import simplejpeg
from aiohttp import web

from alerts.channels import speaker_http, webhook
from alerts.channels.base import Channel, Delivery, Picture, Receipt
from alerts.payload import Speech
from deploy.simulators.police import PoliceReceiver
from deploy.simulators.server import Fault, Simulator
from deploy.simulators.speaker import SpeakerSimulator
from lianfang.clock import SystemClock
from lianfang.config import Secret
from lianfang.errors import PermanentError, TransientError
from tests.support.outbox import T0, notice

TIMEOUT_S = 20.0  # a machine that is busy must not look like a receiver that is silent
TOKEN = "a-token-that-no-message-may-show"
KEYS = tuple(f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}" for _ in range(2))


def silent(_line: str) -> None:
    """Say nothing: pytest shows enough."""


def secret_in_env(monkeypatch: pytest.MonkeyPatch, value: str) -> Secret:
    """Return a secret of the configuration that holds ``value``."""
    name = f"LIANFANG_TEST_{secrets.token_hex(4)}"
    monkeypatch.setenv(name, value)
    return Secret(env=name)


@dataclass(frozen=True)
class Kind:
    """One channel with the simulator of its receiver."""

    simulator: Callable[..., Simulator]
    channel: Callable[..., Channel]
    payload: Callable[[], Mapping[str, Any]]


def webhook_channel(
    url: str, monkeypatch: pytest.MonkeyPatch, *, keys: Sequence[str] = KEYS[:1], **changed: object
) -> Channel:
    """Return a webhook channel to ``url`` that signs with ``keys``."""
    secrets_ = [secret_in_env(monkeypatch, key) for key in keys]
    stanza = {
        "kind": "webhook",
        "url": url,
        "secrets": secrets_,
        "timeout_s": TIMEOUT_S,
        "networks": ["127.0.0.0/8"],
        **changed,
    }
    return webhook.build(webhook.Config.model_validate(stanza), SystemClock())


def speaker_channel(url: str, monkeypatch: pytest.MonkeyPatch, **changed: object) -> Channel:
    """Return a channel to the speaker at ``url``."""
    stanza = {
        "kind": "speaker_http",
        "base_url": url,
        "token": secret_in_env(monkeypatch, TOKEN),
        "timeout_s": TIMEOUT_S,
        "poll_s": 0.01,
        "networks": ["127.0.0.0/8"],
        **changed,
    }
    return speaker_http.build(speaker_http.Config.model_validate(stanza), SystemClock())


def speech(valid_s: float = 30) -> dict[str, Any]:
    """Return a command that is valid for ``valid_s`` from now, as plain data."""
    until = datetime.now(UTC) + timedelta(seconds=valid_s)
    said = Speech(id="say-1", text="请远离水边", volume_pct=70, repeat=2, valid_until=until)
    return said.model_dump(mode="json")


WEBHOOK = Kind(
    lambda **kw: PoliceReceiver(KEYS[:1], say=silent, **kw), webhook_channel, lambda: notice("incident-1", 3)
)
SPEAKER = Kind(lambda **kw: SpeakerSimulator(TOKEN, say=silent, **kw), speaker_channel, speech)
BOTH = pytest.mark.parametrize(
    "kind", [pytest.param(WEBHOOK, id="webhook"), pytest.param(SPEAKER, id="speaker_http")]
)


def delivery_of(
    payload: Mapping[str, Any], *, delivery_id: str = "delivery-1", pictures: tuple[Picture, ...] = ()
) -> Delivery:
    """Return a first attempt at ``payload``."""
    return Delivery(
        id=delivery_id,
        incident_id="incident-1",
        incident_version=3,
        attempt=1,
        payload=payload,
        created_at=T0,
        pictures=pictures,
    )


async def send(channel: Channel, *deliveries: Delivery) -> list[Receipt | Exception]:
    """Make the attempts one after the other and return what came of each; close the channel."""
    answers: list[Receipt | Exception] = []
    try:
        for delivery in deliveries:
            try:
                answers.append(await channel.send(delivery))
            except (TransientError, PermanentError) as error:
                answers.append(error)
    finally:
        await channel.close()
    return answers


def answer_to(
    kind: Kind, monkeypatch: pytest.MonkeyPatch, fault: Fault | None, **changed: object
) -> Receipt | Exception:
    """Return what comes of one attempt that meets ``fault``."""

    async def run() -> Receipt | Exception:
        async with kind.simulator(faults=[fault]) as simulator:
            channel = kind.channel(simulator.url, monkeypatch, **changed)
            (answer,) = await send(channel, delivery_of(kind.payload()))
            assert simulator.requests == 1
            return answer

    return asyncio.run(run())


@asynccontextmanager
async def served(
    handler: Callable[[web.Request], Any], tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """Serve every request with ``handler``; the value is the server's URL."""
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def picture(kind: Literal["original", "annotated"] = "original") -> Picture:
    """Return a small grey picture."""
    image = np.full((24, 32, 3), 90, dtype=np.uint8)
    jpeg = simplejpeg.encode_jpeg(image, colorspace="BGR")
    return Picture(kind, jpeg, hashlib.sha256(jpeg).hexdigest(), T0, "evidence-1")

"""The webhook channel and the police simulator: signatures, pictures, versions."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from alerts.channels import webhook
from alerts.channels.base import Receipt
from deploy.simulators.police import PoliceReceiver
from deploy.simulators.server import Fault
from lianfang.errors import PermanentError
from lianfang.reach.http import http_url
from tests.support.channels import (
    KEYS,
    WEBHOOK,
    answer_to,
    delivery_of,
    picture,
    secret_in_env,
    send,
    served,
    silent,
    webhook_channel,
)
from tests.support.outbox import T0, notice


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_webhook_any_2xx_is_a_delivery(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    answer = answer_to(WEBHOOK, monkeypatch, Fault("status", status))
    assert answer == Receipt(str(status), "")


def test_webhook_signs_what_it_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> tuple[list[Receipt | Exception], PoliceReceiver]:
        async with PoliceReceiver(KEYS[1:], say=silent) as police:
            rotating = webhook_channel(police.url, monkeypatch, keys=KEYS)
            stale = webhook_channel(police.url, monkeypatch, keys=KEYS[:1])
            delivery = delivery_of(notice("incident-1", 3))
            return [*await send(rotating, delivery), *await send(stale, delivery)], police

    (taken, refused), police = asyncio.run(run())
    assert isinstance(taken, Receipt)  # BOTH keys sign while one is replaced by the other
    assert isinstance(refused, PermanentError)
    assert [r.notice.number for r in police.received] == ["incident-1"]
    assert police.refused == ["signature: No matching signature found"]


def test_webhook_body_and_id_are_the_same_on_every_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies: list[bytes] = []
    ids: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        bodies.append(await request.read())
        ids.append(request.headers["webhook-id"])
        return web.Response(status=500 if len(bodies) < 3 else 200)

    async def run() -> None:
        delivery = delivery_of(notice("incident-1", 3), pictures=(picture(),))
        async with served(answer) as url:
            again = replace(delivery, attempt=2)
            await send(webhook_channel(url, monkeypatch), delivery, again, replace(again, attempt=3))

    asyncio.run(run())
    assert ids == ["delivery-1"] * 3
    assert len(set(bodies)) == 1


def test_webhook_notice_in_a_cloudevent(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with PoliceReceiver(KEYS[:1], say=silent) as police:
            channel = webhook_channel(police.url, monkeypatch, envelope="cloudevents")
            (answer,) = await send(channel, delivery_of(WEBHOOK.payload(), pictures=(picture(),)))
            assert isinstance(answer, Receipt), answer
            (received,) = police.received
            event = json.loads(received.body)
            assert received.notice.pictures
            assert event["data"] == received.notice.model_dump(mode="json")
            assert {name: value for name, value in event.items() if name != "data"} == {
                "specversion": "1.0",
                "id": received.id,
                "source": "urn:lianfang:%E4%B8%9C%E5%8D%87%E7%A4%BE%E5%8C%BA",
                "type": "lianfang.incident.v1",
                "subject": "incident-1",
                "time": received.notice.updated_at.isoformat(),
                "datacontenttype": "application/json",
            }

    asyncio.run(run())


def test_webhook_pictures_travel_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = (picture("original"), picture("annotated"))

    async def run() -> PoliceReceiver:
        async with PoliceReceiver(KEYS[:1], say=silent) as police:
            delivery = delivery_of(notice("incident-1", 3), pictures=pictures)
            (answer,) = await send(webhook_channel(police.url, monkeypatch), delivery)
            assert isinstance(answer, Receipt)
            return police

    (received,) = asyncio.run(run()).received
    assert [(p.kind, base64.b64decode(p.data_base64)) for p in received.notice.pictures] == [
        ("original", pictures[0].jpeg),
        ("annotated", pictures[1].jpeg),
    ]
    assert received.notice.pictures_missing == ""


def test_webhook_says_that_the_picture_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> PoliceReceiver:
        async with PoliceReceiver(KEYS[:1], say=silent) as police:
            payload = notice("incident-1", 3, pictures_missing="the frame is no longer kept")
            await send(webhook_channel(police.url, monkeypatch), delivery_of(payload))
            return police

    (received,) = asyncio.run(run()).received
    assert received.notice.pictures_missing == "the frame is no longer kept"


def test_webhook_sends_nothing_that_is_no_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> tuple[Receipt | Exception, int]:
        async with PoliceReceiver(KEYS[:1], say=silent) as police:
            delivery = delivery_of({"number": "incident-1"})
            (answer,) = await send(webhook_channel(police.url, monkeypatch), delivery)
            return answer, police.requests

    answer, requests = asyncio.run(run())
    assert isinstance(answer, PermanentError)
    assert requests == 0


@pytest.mark.parametrize(
    ("deliveries", "taken", "refused"),
    [
        # The same message again: answered like the first one, counted once.
        ([("m1", 1, {}), ("m1", 1, {})], ["m1"], []),
        # Versions of a number only grow.
        ([("m1", 2, {}), ("m2", 1, {})], ["m1"], ["version 1 after version 2"]),
        # Live needs a person.
        ([("m1", 1, {"mode": "live"})], [], ["live, but no person has confirmed it"]),
        (
            [("m1", 1, {"mode": "live", "confirmed_by": "wang", "confirmed_at": T0.isoformat()})],
            ["m1"],
            [],
        ),
    ],
)
def test_police_simulator_is_strict(
    monkeypatch: pytest.MonkeyPatch,
    deliveries: list[tuple[str, int, dict[str, Any]]],
    taken: list[str],
    refused: list[str],
) -> None:
    async def run() -> PoliceReceiver:
        async with PoliceReceiver(KEYS[:1], say=silent) as police:
            payloads = [(i, notice("incident-1", version, **changed)) for i, version, changed in deliveries]
            messages = [delivery_of(payload, delivery_id=i) for i, payload in payloads]
            await send(webhook_channel(police.url, monkeypatch), *messages)
            return police

    police = asyncio.run(run())
    assert [r.id for r in police.received] == taken
    assert police.refused == refused
    assert len(police.repeats) == len(deliveries) - len(taken) - len(refused)


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"sha256": "0" * 64}, "picture 0 is not what its sha256 says"),
        ({"jpeg": b"GIF89a", "sha256": hashlib.sha256(b"GIF89a").hexdigest()}, "picture 0 is no JPEG"),
    ],
)
def test_police_simulator_looks_at_pictures(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], refused: str
) -> None:
    async def run() -> PoliceReceiver:
        async with PoliceReceiver(KEYS[:1], say=silent) as police:
            delivery = delivery_of(notice("incident-1", 3), pictures=(replace(picture(), **change),))
            await send(webhook_channel(police.url, monkeypatch), delivery)
            return police

    (why,) = asyncio.run(run()).refused
    assert why.startswith(refused)


@pytest.mark.parametrize(
    ("url", "right"),
    [
        ("https://police.example/alerts?site=7", True),
        ("http://192.168.1.20:8080", True),
        ("http://user:word@192.168.1.20/alerts", True),
        ("ftp://police.example", False),
        ("police.example/alerts", False),
        ("http://", False),
        ("http://host:99999", False),
        ("http://host/a b", False),
        ("http://[::1", False),
        ("http://host/#part", False),
    ],
)
def test_urls(url: str, *, right: bool) -> None:
    if right:
        assert http_url(url) == url
    else:
        with pytest.raises(ValueError, match="http://"):
            http_url(url)


@pytest.mark.parametrize(
    ("key", "right"),
    [
        (KEYS[0], True),
        (KEYS[0].removeprefix("whsec_"), False),
        ("whsec_" + base64.b64encode(b"short").decode(), False),
        ("whsec_not base64 at all, but long enough to be", False),
    ],
    ids=["right", "without its prefix", "short", "no base64"],
)
def test_webhook_keys_are_checked(monkeypatch: pytest.MonkeyPatch, key: str, *, right: bool) -> None:
    stanza = {"kind": "webhook", "url": "http://police", "secrets": [secret_in_env(monkeypatch, key)]}
    config = webhook.Config.model_validate(stanza)
    problems = list(config.check(None))  # type: ignore[arg-type] # of no use to this check
    assert not problems if right else len(problems) == 1
    assert all(key not in repr(problem) for problem in problems)


def test_a_withdrawal_has_the_number_of_what_it_withdraws(monkeypatch: pytest.MonkeyPatch) -> None:
    live = {"mode": "live", "confirmed_by": "王芳", "confirmed_at": "2025-06-01T08:00:00Z"}

    async def run() -> None:
        async with PoliceReceiver(KEYS[:1], say=silent) as police:
            told = delivery_of(notice("incident-1", 3, change="confirmed", **live), delivery_id="one")
            over = notice("incident-1", 4, change="false_alarm", state="false_alarm", **live)
            answers = await send(
                webhook_channel(police.url, monkeypatch), told, delivery_of(over, delivery_id="two")
            )
        assert all(isinstance(answer, Receipt) for answer in answers)
        assert [(r.notice.number, r.notice.version, r.notice.change) for r in police.received] == [
            ("incident-1", 3, "confirmed"),
            ("incident-1", 4, "false_alarm"),
        ]

    asyncio.run(run())

"""Notices in a form of the receiver's own."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from alerts.channels import webhook
from alerts.channels.base import Receipt
from alerts.notice_template import FIELDS, filled
from alerts.payload import notice_of
from tests.support.channels import KEYS, delivery_of, picture, secret_in_env, send, served, webhook_channel
from tests.support.outbox import notice

UNREAD: Any = None
TEMPLATE = {
    "msgtype": "alarm",
    "event": {"id": "{number}-{version}", "kind": "{mode}", "people": "{people}", "on": True},
    "text": "{place.point_name}：{title} {duty_contact.phone}{still_there}",
    "position": ["{place.longitude}", "{place.latitude}", 3],
    "phone": "{duty_contact.phone}",
}


def test_a_system_with_a_form_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies: list[bytes] = []

    async def take(request: web.Request) -> web.Response:
        bodies.append(await request.read())
        Webhook(KEYS[0]).verify(bodies[-1].decode(), dict(request.headers))
        return web.Response()

    async def run() -> None:
        async with served(take) as url:
            channel = webhook_channel(url, monkeypatch, template=TEMPLATE)
            delivery = delivery_of(notice("incident-1", 3), pictures=(picture(),))
            for got in await send(channel, delivery, delivery):
                assert isinstance(got, Receipt)

    asyncio.run(run())
    assert bodies[0] == bodies[1]
    assert json.loads(bodies[0]) == {
        "msgtype": "alarm",
        "event": {"id": "incident-1-3", "kind": "drill", "people": 1, "on": True},
        "text": "北桥：有人下到河边 true",
        "position": [113.39, 22.52, 3],
        "phone": None,
    }


@given(st.text(max_size=50))
def test_whatever_a_title_holds_it_stays_a_text(title: str) -> None:
    document = {"a": "{title}", "b": "-{title}-", "c": "{mode}"}
    made = json.loads(filled(document, notice_of(notice("incident-1", 3, title=title))))
    assert made == {"a": title, "b": f"-{title}-", "c": "drill"}


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_can_be_asked_for(field: str) -> None:
    filled({"x": f"{{{field}}}", "y": f"-{{{field}}}"}, notice_of(notice("incident-1", 3)))


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ({"x": "{titel}", "m": "{mode}"}, "texts with"),
        ({"x": ["{place}"], "m": "{mode}"}, "texts with"),
        ({"x": {"y": "{}"}, "m": "{mode}"}, "texts with"),
        ({"x": "{pictures}", "m": "{mode}"}, "texts with"),
        ({"x": "{title}"}, r"\{mode\} stands somewhere"),
        ({"x": float("nan"), "m": "{mode}"}, "JSON compliant"),
        (["{mode}"], "dict"),
    ],
)
def test_what_is_no_template(monkeypatch: pytest.MonkeyPatch, template: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        webhook_channel("http://127.0.0.1", monkeypatch, template=template)


def test_one_form_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    stanza = {
        "kind": "webhook",
        "url": "https://platform.example/",
        "secrets": [secret_in_env(monkeypatch, KEYS[0])],
        "template": TEMPLATE,
        "envelope": "cloudevents",
    }
    assert [p.key for p in webhook.Config.model_validate(stanza).check(UNREAD)] == [("template",)]

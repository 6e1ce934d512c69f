"""A platform that asks something of us, and the server that answers it, over sockets."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from ipaddress import ip_network
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerts.store import Store
from alerts.viid.answers import Status
from alerts.viid.inbound.intake import OK, Intake, Surroundings, content_fault, operation_fault
from alerts.viid.inbound.server import PlatformServer
from alerts.viid.inbound.settings import Answers
from deploy.demo.site import free_port
from deploy.simulators.gat1400 import DEVICE
from deploy.simulators.viid_asking import PASSWORD, PLATFORM, USERNAME, AskingLibrary
from lianfang.clock import Clock, SystemClock
from lianfang.config import Config
from lianfang.errors import TransientError
from tests.support.channels import secret_in_env

ZONE = ZoneInfo("Asia/Shanghai")


class Notes:
    """An intake of objects that nobody needs: a note with a text, ``busy`` while the store is away."""

    path, name = "Notes", "Note"

    def __init__(self) -> None:
        self.there: dict[str, str] = {}

    def take(self, body: Mapping[str, Any], *, anew: bool) -> Status:
        """Take one with a text."""
        text = body.get("Text")
        if not isinstance(text, str):
            return content_fault("Text: a text")
        if text == "busy":
            raise TransientError("the store is away")
        if not anew and body["NoteID"] not in self.there:
            return operation_fault("no such note")
        self.there[body["NoteID"]] = text
        return OK

    def remove(self, object_id: str) -> Status:
        """Remove one."""
        return OK if self.there.pop(object_id, None) is not None else operation_fault("no such note")

    def listed(self) -> Sequence[Mapping[str, Any]]:
        """Return all."""
        return [{"NoteID": one, "Text": text} for one, text in self.there.items()]


def answers(monkeypatch: pytest.MonkeyPatch, **changed: object) -> Answers:
    """Return the settings of a server at a free port."""
    stanza = {
        "port": free_port(0),
        "device_code": PLATFORM,
        "username": USERNAME,
        "password": secret_in_env(monkeypatch, PASSWORD),
        **changed,
    }
    return Answers.model_validate(stanza)


def surroundings(store: Any, clock: Clock, config: Callable[[], Config]) -> Surroundings:  # noqa: ANN401
    """Return those of a receiver ``library``."""
    return Surroundings("library", DEVICE, ZONE, (ip_network("127.0.0.0/8"),), store, clock, config)


def _no_config() -> Config:
    raise AssertionError("nobody asks for the configuration")


def with_platform(
    test: Callable[[AskingLibrary], Awaitable[None]],
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[Surroundings], Sequence[Intake]],
    *,
    clock: Clock | None = None,
    store: Store | None = None,
    config: Callable[[], Config] = _no_config,
    library: Mapping[str, Any] | None = None,
    **changed: object,
) -> Counter[tuple[str, str]]:
    """Run ``test`` with a platform that can call us, and return what was counted."""
    counted: Counter[tuple[str, str]] = Counter()
    settings = answers(monkeypatch, **changed)
    there = surroundings(store, clock or SystemClock(), config)
    server = PlatformServer(settings, there, make(there), lambda *what: counted.update([what]))

    async def run() -> None:
        url = f"http://127.0.0.1:{settings.port}"
        async with server.serving(), AskingLibrary(url, **(library or {})) as platform:
            await test(platform)

    asyncio.run(run())
    return counted

"""A channel to the simulated platform of GB/T 28181, and what it is given."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from alerts.channels import gb28181
from alerts.channels.base import Delivery, Receipt
from alerts.channels.gb28181 import Gb28181Channel
from deploy.simulators.gb28181 import CAMERAS, DEVICE, PASSWORD, PLATFORM, USERNAME, Platform
from lianfang.clock import SystemClock
from lianfang.errors import PermanentError, TransientError
from tests.support.channels import TIMEOUT_S, secret_in_env, silent
from tests.support.configs import SECRETS, loaded
from tests.support.outbox import T0, notice
from tests.support.records import Known


class KnownSite(Known):
    """An installation with two cameras that have codes, of which one is seen."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in SECRETS.items():
            monkeypatch.setenv(name, value)
        config = loaded(
            folder,
            ("cameras.cam.device_code", CAMERAS[0]),
            ("cameras.cam.name", "萳桥 1 号"),
            ("cameras.cam2.device_code", CAMERAS[1]),
            ("points.bank.longitude", 113.39),
            ("points.bank.latitude", 22.52),
        )
        super().__init__(config, {"cam": "online", "cam2": "offline"})


def stanza(platform: Platform, monkeypatch: pytest.MonkeyPatch, **changes: object) -> gb28181.Config:
    """Return the settings of a channel to ``platform``."""
    return gb28181.Config.model_validate(
        {
            "kind": "gb28181",
            "host": platform.host,
            "port": platform.port,
            "transport": platform.transport,
            "platform_code": PLATFORM,
            "device_code": DEVICE,
            "username": USERNAME,
            "password": secret_in_env(monkeypatch, PASSWORD),
            "networks": ["127.0.0.0/8"],
            "takes_trials": True,
            "datum": "gcj02",
            "timeout_s": TIMEOUT_S,
            **changes,
        }
    )


def about(kind: str = "zone_entry", number: str = "incident-1", **changes: object) -> Delivery:
    """Return a first attempt at telling of an incident of a kind of rule."""
    payload = {**notice(number, 1), "mode": "live", "type": kind, **changes}
    return Delivery(f"delivery of {number} {changes.get('version', 1)}", number, 1, 1, payload, T0)


async def answer(channel: Gb28181Channel, delivery: Delivery) -> Receipt | Exception:
    """Return what comes of an attempt."""
    try:
        return await channel.send(delivery)
    except (TransientError, PermanentError) as error:
        return error


def with_platform(
    test: Callable[[Platform, Gb28181Channel], Awaitable[None]],
    monkeypatch: pytest.MonkeyPatch,
    platform: Platform | None = None,
    site: KnownSite | None = None,
    **changes: object,
) -> None:
    """Run ``test`` with a platform and a channel to it, which is closed at the end."""

    async def run() -> None:
        async with platform or Platform(say=silent) as there:
            channel = gb28181.build(stanza(there, monkeypatch, **changes), SystemClock(), site)
            try:
                await test(there, channel)
            finally:
                await channel.close()

    asyncio.run(run())

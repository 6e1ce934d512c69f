"""A channel to the simulated view library, and what it is given."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest
import simplejpeg

from alerts.channels import gat1400
from alerts.channels.base import Delivery, Picture, Receipt, Site
from deploy.simulators.gat1400 import DEVICE, PASSWORD, USERNAME, ViewLibrary
from lianfang.clock import SystemClock
from lianfang.errors import PermanentError, TransientError
from tests.support.channels import TIMEOUT_S, secret_in_env, silent
from tests.support.outbox import T0, notice

TOLLGATE = "44200000001210000001"
BOX = (0.25, 0.5, 0.75, 1.0)


def stanza(url: str, monkeypatch: pytest.MonkeyPatch, **changed: object) -> gat1400.Config:
    """Return the settings of a channel to ``url``."""
    return gat1400.Config.model_validate(
        {
            "kind": "gat1400",
            "base_url": url,
            "device_code": DEVICE,
            "username": USERNAME,
            "password": secret_in_env(monkeypatch, PASSWORD),
            "networks": ["127.0.0.0/8"],
            "tollgates": {"north": TOLLGATE},
            "takes_trials": True,
            "timeout_s": TIMEOUT_S,
            **changed,
        }
    )


def scene(width: int = 64, height: int = 48) -> Picture:
    """Return a picture of something in its box."""
    jpeg = simplejpeg.encode_jpeg(np.full((height, width, 3), 90, dtype=np.uint8), colorspace="BGR")
    return Picture("original", jpeg, "0" * 64, T0, "evidence-1", BOX)


def about(
    kind: str, number: str = "incident-1", *, pictures: tuple[Picture, ...] | None = None, **changed: object
) -> Delivery:
    """Return a first attempt at telling of an incident of a kind of rule."""
    payload = {**notice(number, 1), "type": kind, **changed}
    shown = (scene(),) if pictures is None else pictures
    return Delivery(f"delivery of {number}", number, 1, 1, payload, T0, pictures=shown)


def with_library(
    test: Callable[[ViewLibrary, gat1400.Gat1400Channel], Awaitable[None]],
    monkeypatch: pytest.MonkeyPatch,
    library: ViewLibrary | None = None,
    site: Site | None = None,
    **changed: object,
) -> None:
    """Run ``test`` with a library and a channel to it, which is closed at the end."""

    async def run() -> None:
        async with library or ViewLibrary(say=silent) as platform:
            channel = gat1400.build(stanza(platform.url, monkeypatch, **changed), SystemClock(), site)
            try:
                await test(platform, channel)
            finally:
                await channel.close()

    asyncio.run(run())


async def answer(channel: gat1400.Gat1400Channel, delivery: Delivery) -> Receipt | Exception:
    """Return what comes of an attempt."""
    try:
        return await channel.send(delivery)
    except (TransientError, PermanentError) as error:
        return error


def only(library: ViewLibrary, collection: str) -> dict[str, Any]:
    """Return the one object that a collection has."""
    (found,) = library.objects[collection].values()
    assert isinstance(found, dict)
    return found


def counts(library: ViewLibrary) -> dict[str, int]:
    """Return how many objects each collection has that has any."""
    return {name: len(found) for name, found in library.objects.items() if found}

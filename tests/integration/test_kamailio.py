"""Alarms of GB/T 28181 at a SIP server that others wrote: Kamailio reads, checks and answers them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from alerts.channels import gb28181
from alerts.channels.base import Receipt
from deploy.simulators.gb28181 import Platform
from lianfang.clock import SystemClock
from lianfang.errors import TransientError
from tests.support.channels import secret_in_env
from tests.support.gb28181 import about, answer, stanza
from tests.support.kamailio import kamailio

RARE = "萳㙍䶮𠮷"


@pytest.fixture(scope="module", params=["MD5", "SHA-256"])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    with kamailio(request.param) as bound:
        yield bound


def told(config: gb28181.Config, *titles: str) -> list[Receipt | Exception]:
    """Return what comes of one alarm for each title, all sent together."""

    async def run() -> list[Receipt | Exception]:
        channel = gb28181.build(config, SystemClock())
        try:
            return await asyncio.gather(*(answer(channel, about(number=t[:9], title=t)) for t in titles))
        finally:
            await channel.close()

    return asyncio.run(run())


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_it_is_registered_and_its_alarms_are_answered(
    monkeypatch: pytest.MonkeyPatch, port: int, transport: str
) -> None:
    config = stanza(Platform(port=port), monkeypatch, transport=transport)
    got = told(config, RARE, *(f"{n} 号河岸有人" for n in range(20)), "㙍" * 400)
    assert [end.outcome if isinstance(end, Receipt) else end for end in got] == ["OK"] * 22
    assert len({end.detail for end in got if isinstance(end, Receipt)}) == 22


def test_a_wrong_password_is_not_let_in(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    wrong = secret_in_env(monkeypatch, "wrong")
    (got,) = told(stanza(Platform(port=port), monkeypatch, password=wrong), "河岸有人")
    assert isinstance(got, TransientError)
    assert str(got) == "does not let us in: 401 Unauthorized"

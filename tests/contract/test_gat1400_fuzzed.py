"""A view library that answers nonsense: nothing of it breaks the channel, and afterwards all goes on."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from typing import Any

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.channels import gat1400
from alerts.channels.base import Receipt
from alerts.viid import upload
from deploy.simulators.gat1400 import ViewLibrary
from deploy.simulators.server import Handler
from lianfang.clock import SystemClock
from lianfang.config import Config
from lianfang.errors import PermanentError, TransientError
from tests.support.channels import silent
from tests.support.configs import SECRETS
from tests.support.delivery import until
from tests.support.outbox import notice
from tests.support.records import CAMERA, GATE, Known, complete
from tests.support.viid import about, answer, stanza

PLACE = {**notice("", 1)["place"], "camera": "cam"}
_WORDS = st.text(max_size=20)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=3),
    max_leaves=8,
)
_CODE = st.integers(-1, 12) | st.sampled_from(["0", "2", "8", " 0 ", "x", "", "9" * 12, "٣"]) | st.none()
_STATUS = st.fixed_dictionaries({"Id": _WORDS | st.just(CAMERA), "StatusCode": _CODE, "StatusString": _JSON})
_NEARLY = st.one_of(
    _STATUS.map(lambda one: {"ResponseStatusObject": one}),
    st.lists(_STATUS | _JSON, max_size=3).map(
        lambda all_: {"ResponseStatusListObject": {"ResponseStatusObject": all_}}
    ),
    _WORDS.map(lambda text: {"SystemTimeObject": {"LocalTime": text}}),
    _JSON.map(lambda data: {"SystemTimeObject": data}),
)
_BODY = (_JSON | _NEARLY).map(lambda data: json.dumps(data).encode()) | st.binary(max_size=40)
_CHALLENGE = st.sampled_from(
    [
        "",
        "Digest",
        'Digest realm="x"',
        'Digest realm="x", nonce="n", qop="auth-int"',
        'Digest realm="x", nonce="n"',
    ]
)
_NONSENSE = st.tuples(
    st.sampled_from([200, 200, 200, 201, 204, 302, 400, 401, 403, 404, 405, 409, 429, 500, 503]),
    _CHALLENGE,
    _BODY,
)
_KINDS = st.sampled_from(["plate", "helmet", "zone_entry", "left_object"])


class Fuzzed(ViewLibrary):
    """Its first answers are nonsense, then it is strict."""

    def __init__(self, nonsense: list[tuple[int, str, bytes]]) -> None:
        super().__init__(say=silent)
        self.nonsense = deque(nonsense)

    def polite(self, handler: Handler) -> Handler:
        """Return ``handler`` as it is met."""
        right = super().polite(handler)

        async def meet(request: web.Request) -> web.StreamResponse:
            if not self.nonsense:
                return await right(request)
            status, challenge, body = self.nonsense.popleft()
            await request.read()
            return web.Response(status=status, headers={"WWW-Authenticate": challenge}, body=body)

        return meet


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Config:
    with pytest.MonkeyPatch.context() as patched:
        for name, value in SECRETS.items():
            patched.setenv(name, value)
        return complete(tmp_path_factory.mktemp("site"))


@given(st.lists(_NONSENSE, max_size=12), _KINDS, st.sampled_from(["opened", "cleared", "false_alarm"]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nonsense_breaks_nothing(
    site: Config,
    monkeypatch: pytest.MonkeyPatch,
    nonsense: list[tuple[int, str, bytes]],
    kind: str,
    change: str,
) -> None:
    known = Known(site, {})
    known.stands = "none" if change == "opened" else "taken"

    async def test() -> None:
        async with Fuzzed(nonsense) as library:
            channel = gat1400.build(
                stanza(library.url, monkeypatch, tollgates={"cam": GATE}), SystemClock(), known
            )
            keeping = asyncio.create_task(channel.keep())
            try:
                for n in range(3):
                    got: Any = await answer(channel, about(kind, str(n), place=PLACE, change=change))
                    assert isinstance(got, Receipt | TransientError | PermanentError)
                library.nonsense.clear()
                assert isinstance(await answer(channel, about(kind, "after", place=PLACE)), Receipt)
                known.said["cam"] = "online"  # a change: what was refused as it was is tried again
                await until(lambda: CAMERA in library.objects["APEs"])
                assert not keeping.done()
            finally:
                keeping.cancel()
                await asyncio.gather(keeping, return_exceptions=True)
                await channel.close()

    monkeypatch.setattr(upload.Upload.keep, "__defaults__", (0.01,))
    asyncio.run(test())

"""Being registered at a view library: Digest in both quirks, kept alive, forgotten, left; and its clock."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Literal

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from alerts.channels.base import Kept, Receipt
from alerts.channels.gat1400 import Gat1400Channel
from alerts.digest import authorization
from alerts.viid import registration
from deploy.simulators.gat1400 import ViewLibrary
from lianfang.errors import TransientError
from tests.support.channels import secret_in_env, silent
from tests.support.configs import SECRETS
from tests.support.delivery import until
from tests.support.records import Known, complete
from tests.support.viid import about, answer, with_library


@pytest.mark.parametrize("signs", ["path", "url"])
@pytest.mark.parametrize("qop", [True, False])
def test_it_registers_whatever_the_digest_signs(
    monkeypatch: pytest.MonkeyPatch, signs: Literal["path", "url"], *, qop: bool
) -> None:
    library = ViewLibrary(signs=signs, qop=qop, say=silent)

    async def test(platform: ViewLibrary, channel: Gat1400Channel) -> None:
        assert isinstance(await answer(channel, about("zone_entry")), Receipt)
        assert platform.registrations == 1

    with_library(test, monkeypatch, library)
    assert library.unregistrations == 1
    assert not library.registered


def test_a_wrong_password_is_no_fault_of_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        got = await answer(channel, about("zone_entry"))
        assert isinstance(got, TransientError)
        assert str(got) == "does not let us in: username or password is wrong"
        assert not library.registered

    with_library(test, monkeypatch, password=secret_in_env(monkeypatch, "wrong"))


def test_it_registers_once_for_many(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        await asyncio.gather(*(answer(channel, about("zone_entry", str(n))) for n in range(5)))
        assert library.registrations == 1
        assert len(library.objects["Persons"]) == 5

    with_library(test, monkeypatch)


def test_a_platform_that_has_forgotten_us_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        await answer(channel, about("zone_entry", "a"))
        library.forget()
        ends = await asyncio.gather(
            *(answer(channel, about(kind, kind)) for kind in ("zone_entry", "helmet"))
        )
        assert [type(end) for end in ends] == [Receipt, Receipt]
        assert library.registrations == 2

    with_library(test, monkeypatch)


def test_it_is_kept_and_its_clock_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        assert isinstance(channel, Kept)
        with capture_logs() as logs:
            keeping = asyncio.create_task(channel.registration.keep(0.02))
            await until(lambda: library.keepalives >= 2)
            library.forget()
            await until(lambda: library.registrations == 2 and library.keepalives >= 6)
            keeping.cancel()
        offsets = [log for log in logs if log["event"] == "platform_clock"]
        assert [log["log_level"] for log in offsets] == ["warning"] * 2, "once a registration"
        assert offsets[0]["offset_s"] == pytest.approx(90, abs=20)  # whole seconds, on a busy machine
        assert channel.registration.offset_s == offsets[-1]["offset_s"]

    with_library(test, monkeypatch, ViewLibrary(ahead_s=90, say=silent))


def test_trouble_is_logged_once_and_so_is_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        with capture_logs() as logs:
            keeping = asyncio.create_task(channel.registration.keep(0.02))
            await until(lambda: len(library.refused) >= 6)
            library.lets_in = True
            await until(lambda: library.keepalives >= 2)
            keeping.cancel()
        told = [log["event"] for log in logs if log["event"] != "platform_clock"]
        assert told == ["platform_not_kept", "platform_registered", "platform_recovered"]

    library = ViewLibrary(say=silent)
    library.lets_in = False
    with_library(test, monkeypatch, library)


def test_what_was_never_registered_is_not_unregistered(monkeypatch: pytest.MonkeyPatch) -> None:
    library = ViewLibrary(say=silent)

    async def test(_library: ViewLibrary, _channel: Gat1400Channel) -> None:
        return

    with_library(test, monkeypatch, library)
    assert (library.unregistrations, library.refused) == (0, [])


def test_a_platform_that_does_not_answer_holds_nobody_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(ViewLibrary):
        async def _unregister(self, request: web.Request) -> web.Response:
            self.asked = True
            await asyncio.Event().wait()
            return await super()._unregister(request)

    monkeypatch.setattr(registration, "_LEAVE_S", 0.2)
    library = Silent(say=silent)

    async def test(_library: ViewLibrary, channel: Gat1400Channel) -> None:
        await answer(channel, about("zone_entry"))
        async with asyncio.timeout(30):  # half of what it may take to answer anything else
            await channel.close()

    with_library(test, monkeypatch, library, timeout_s=60)
    assert library.asked


@pytest.mark.parametrize(
    ("challenge", "said"),
    [
        ("", "no HTTP Digest"),
        ('Basic realm="x"', "no HTTP Digest"),
        ('Digest realm="x"', "no HTTP Digest"),
        ('Digest realm="x", nonce="n", algorithm=SHA-512-256', "digest algorithm SHA-512-256"),
        ('Digest realm="x", nonce="n", qop="auth-int"', "quality of protection auth-int"),
    ],
)
def test_challenges_that_we_cannot_answer(challenge: str, said: str) -> None:
    with pytest.raises(TransientError, match=said):
        authorization(challenge, "u", "p", "POST", "/x")


def test_the_digest_of_the_standard() -> None:
    challenge = 'Digest realm="r", nonce="n", opaque="o"'
    # MD5("MD5(u:r:p):n:MD5(POST:/x)"), computed by hand with md5sum
    assert authorization(challenge, "u", "p", "POST", "/x") == (
        'Digest username="u", realm="r", nonce="n", uri="/x", '
        'response="c155f87b326ac884071d34256c20a29e", algorithm=MD5, opaque="o"'
    )


def test_what_is_kept_is_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    site = Known(complete(tmp_path), {})

    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        keeping = asyncio.create_task(channel.registration.keep(0.02))
        await until(lambda: library.keepalives >= 3)
        (first,) = site.links
        assert site.links[first] > first
        library.forget()
        await until(lambda: len(site.links) == 2 and len(site.offsets) == 2)
        site.away = TransientError("the store cannot be written now")
        library.forget()
        since = library.keepalives
        await until(lambda: library.keepalives >= since + 3)
        assert len(site.links) == 2
        site.away = None
        await until(lambda: len(site.links) == 3)
        ends = [*site.links.items()]
        assert all(until_1 <= since_2 for (_, until_1), (since_2, _) in pairwise(ends))
        assert all(offset_s == pytest.approx(90, abs=20) for offset_s in site.offsets)
        keeping.cancel()

    with_library(test, monkeypatch, ViewLibrary(ahead_s=90, say=silent), site)

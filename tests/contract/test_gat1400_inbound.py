"""A platform that registers at us: who is let in, what is answered, and that one object spoils no other."""

from __future__ import annotations

import asyncio
import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from alerts.viid.inbound.intake import Intake
from alerts.viid.inbound.platforms import Platforms
from deploy.demo.site import free_port
from deploy.simulators.gat1400 import DEVICE
from deploy.simulators.viid_asking import PASSWORD, PLATFORM, USERNAME, AskingLibrary
from lianfang.clock import ManualClock
from lianfang.config import Config
from lianfang.errors import ConfigError, LianfangError
from tests.support.configs import SECRETS, loaded
from tests.support.viid_inbound import ZONE, Notes, with_platform

T0 = datetime(2026, 7, 1, 0, 0, tzinfo=UTC)
_KEEPALIVE = json.dumps({"KeepaliveObject": {"DeviceID": PLATFORM}}).encode()
_REGISTER = json.dumps({"RegisterObject": {"DeviceID": PLATFORM}}).encode()
_WHERE = "/VIID/System/Register"


def nothing(_: object) -> tuple[Intake, ...]:
    return ()


def notes(_: object) -> tuple[Intake, ...]:
    return (Notes(),)


@pytest.mark.parametrize("signs", ["path", "url"])
@pytest.mark.parametrize("qop", [True, False])
@pytest.mark.parametrize("media", ["application/VIID+JSON;charset=UTF-8", "application/json"])
def test_it_registers_in_every_quirk(
    monkeypatch: pytest.MonkeyPatch, signs: Literal["path", "url"], media: str, *, qop: bool
) -> None:
    async def test(library: AskingLibrary) -> None:
        assert await library.register() == 200
        assert await library.keepalive() == 200
        assert await library.local_time() == T0.astimezone(ZONE).replace(tzinfo=None)
        assert await library.unregister() == 200
        assert await library.keepalive() == 401

    quirks = {"signs": signs, "qop": qop, "media": media}
    counted = with_platform(test, monkeypatch, nothing, clock=ManualClock(T0), library=quirks)
    assert counted["/VIID/System/Register", "unauthorised"] == 1
    assert counted["/VIID/System/Register", "taken"] == 1
    assert counted["/VIID/System/Keepalive", "unauthorised"] == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "wrong"},
        {"username": "somebody"},
        {"device": "44200000005030000009"},
    ],
    ids=str,
)
def test_others_are_not_let_in(monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]) -> None:
    async def test(library: AskingLibrary) -> None:
        assert await library.register() in {400, 401}
        assert await library.keepalive() == 401

    with_platform(test, monkeypatch, nothing, library=wrong)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/VIID/System/Time"),
        ("POST", "/VIID/System/Keepalive"),
        ("GET", "/VIID/Notes"),
        ("POST", "/VIID/Notes"),
        ("DELETE", "/VIID/Notes?IDList=a"),
        ("GET", "/VIID/Nothing"),
        ("GET", "/api/incidents"),
        ("GET", "/"),
        ("OPTIONS", "/VIID/Notes"),
    ],
)
def test_nothing_is_answered_to_whoever_is_not_registered(
    monkeypatch: pytest.MonkeyPatch, method: str, path: str
) -> None:
    async def test(library: AskingLibrary) -> None:
        body = b"{}" if method == "POST" else None
        assert (await library.call(method, path, body))[0] == 401
        assert await library.register() == 200
        assert (await library.call(method, path, body))[0] != 401
        assert (await library.call(method, path, body, {"User-Identify": "4" * 20}))[0] == 401

    with_platform(test, monkeypatch, notes)


def test_only_the_address_that_registered_is_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: AskingLibrary) -> None:
        assert await library.register() == 200
        async with AskingLibrary(library.url, address="127.0.0.2") as neighbour:
            assert await neighbour.keepalive() == 401
            assert await neighbour.register() == 200
            assert await neighbour.keepalive() == 200
        assert await library.keepalive() == 200, "a platform may be several machines"

    with_platform(test, monkeypatch, nothing)


def test_whoever_is_silent_for_five_minutes_registers_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock(T0)

    async def test(library: AskingLibrary) -> None:
        assert await library.register() == 200
        for minutes, status in ((5, 200), (10, 200), (15.1, 401), (15.2, 401)):
            clock.advance_to(T0 + timedelta(minutes=minutes))
            assert await library.keepalive() == status
        assert await library.register() == 200

    with_platform(test, monkeypatch, nothing, clock=clock)


@pytest.mark.parametrize("qop", [True, False])
def test_a_proof_comes_once(monkeypatch: pytest.MonkeyPatch, *, qop: bool) -> None:
    async def test(library: AskingLibrary) -> None:
        await library.register()
        library.count = 0
        replayed = {"Authorization": library.proof(_WHERE)}
        status, headers, _ = await library.call("POST", _WHERE, _REGISTER, replayed)
        assert status == 401
        assert "stale=true" in headers["WWW-Authenticate"]
        again = {"Authorization": library.proof(_WHERE)}
        assert (await library.call("POST", _WHERE, _REGISTER, again))[0] == (200 if qop else 401)

    with_platform(test, monkeypatch, nothing, library={"qop": qop})


def test_a_challenge_is_answered_within_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock(T0)

    async def test(library: AskingLibrary) -> None:
        await library.register()
        proof = {"Authorization": library.proof(_WHERE)}
        clock.advance_to(T0 + timedelta(seconds=61))
        status, headers, _ = await library.call("POST", _WHERE, _REGISTER, proof)
        assert (status, "stale=true" in headers["WWW-Authenticate"]) == (401, True)
        library.nonce = "5f5e100-0123456789abcdef-" + "0" * 64
        forged = {"Authorization": library.proof(_WHERE)}
        assert (await library.call("POST", _WHERE, _REGISTER, forged))[0] == 401

    with_platform(test, monkeypatch, nothing, clock=clock)


def test_a_proof_is_for_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: AskingLibrary) -> None:
        await library.register()
        await library.unregister()
        elsewhere = {"Authorization": library.proof("/VIID/System/UnRegister")}
        assert (await library.call("POST", _WHERE, _REGISTER, elsewhere))[0] == 401
        assert await library.keepalive() == 401

    with_platform(test, monkeypatch, nothing)


def test_whoever_tries_passwords_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: AskingLibrary) -> None:
        got = [await library.register() for _ in range(7)]
        assert got == [401] * 5 + [429] * 2
        library.password = PASSWORD
        assert await library.register() == 429
        clock.advance_to(T0 + timedelta(minutes=1))
        assert await library.register() == 200

    clock = ManualClock(T0)
    counted = with_platform(test, monkeypatch, nothing, clock=clock, library={"password": "guess"})
    assert counted[_WHERE, "taken"] == 1


def test_one_bad_object_spoils_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    objects: list[Any] = [
        {"NoteID": "a", "Text": "good"},
        {"NoteID": "b"},
        {"NoteID": "c", "Text": "busy"},
        {"Text": "nobody's"},
        {"NoteID": 7, "Text": "a number's"},
        "no object",
        None,
        {"NoteID": "d", "Text": "also good 䶮"},
    ]

    async def test(library: AskingLibrary) -> None:
        await library.register()
        said = await library.post("Note", objects)
        assert said == [("a", 0), ("b", 8), ("c", 2), ("", 8), ("", 8), ("", 8), ("", 8), ("d", 0)]
        assert [note["NoteID"] for note in await library.kept("Note")] == ["a", "d"]
        changed = await library.put("Note", [{"NoteID": "d", "Text": "new"}, {"NoteID": "e", "Text": "?"}])
        assert changed == [("d", 0), ("e", 4)]
        assert await library.delete("Note", "a", "e") == [("a", 0), ("e", 4)]
        assert await library.kept("Note") == [{"NoteID": "d", "Text": "new"}]

    counted = with_platform(test, monkeypatch, notes)
    assert counted["/VIID/Notes", "busy"] == 1
    assert counted["/VIID/Notes", "refused"] == 2


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"", {}, 400, 7),
        (b"no JSON", {}, 400, 7),
        (b"[]", {}, 400, 7),
        (b'{"a": NaN}', {}, 400, 7),
        (b"[" * 60_000, {}, 400, 7),
        (b"1" * 10_000, {}, 400, 7),
        ("通知".encode("gb18030"), {}, 400, 7),
        (b"{}", {}, 400, 8),
        (b'{"NoteListObject": []}', {}, 400, 8),
        (b'{"NoteListObject": {"NoteObject": []}}', {}, 400, 8),
        (b"<Notes/>", {"Content-Type": "application/VIID+XML"}, 415, 7),
        (b"{}", {"Content-Type": "application/json;charset=gbk"}, 415, 7),
        (gzip.compress(b"{}", mtime=0), {"Content-Encoding": "gzip"}, 415, 7),
        (b" " * 70_000, {}, 413, 8),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_list_of_objects(
    monkeypatch: pytest.MonkeyPatch, body: bytes, headers: dict[str, str], status: int, code: int
) -> None:
    async def test(library: AskingLibrary) -> None:
        await library.register()
        got, _, answer = await library.call("POST", "/VIID/Notes", body, headers)
        assert (got, answer["ResponseStatusObject"]["StatusCode"]) == (status, code)
        assert await library.post("Note", [{"NoteID": "a", "Text": "good"}]) == [("a", 0)]

    counted = with_platform(test, monkeypatch, notes, max_body_bytes=65_536)
    assert counted["/VIID/Notes", "refused"] == 1


def test_a_body_that_breaks_off_is_no_fault_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: AskingLibrary) -> None:
        await library.register()
        host, port = library.url.removeprefix("http://").split(":")
        for rest in (b"", b"...zz\r\n", b"....\r\nzz\r\n"):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(
                b"POST /VIID/Notes HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                b"User-Identify: "
                + PLATFORM.encode()
                + b"\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"
                + rest
            )
            writer.write_eof()
            assert b" 500 " not in await reader.read()
            writer.close()
        assert await library.keepalive() == 200

    counted = with_platform(test, monkeypatch, notes)
    assert counted["/VIID/Notes", "refused"] == 1, "the others are no HTTP"


_TOKEN = st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=24)
_PARTS = st.dictionaries(
    st.sampled_from(["username", "realm", "nonce", "response", "nc", "qop", "algorithm"]), _TOKEN
)


@given(
    scheme=st.sampled_from(["Digest", "digest", "Basic", ""]),
    said=_PARTS,
    right=st.booleans(),
    uri=st.one_of(st.just(_WHERE), _TOKEN.map(lambda host: f"http://{host}{_WHERE}"), _TOKEN),
    cnonce=_TOKEN,
    path=st.sampled_from([_WHERE, _WHERE, "/VIID/Notes", "/VIID/%00", "/%ff?IDList=%00", "/a b"]),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_said_at_the_door_is_answered(
    monkeypatch: pytest.MonkeyPatch,
    scheme: str,
    said: dict[str, str],
    uri: str,
    cnonce: str,
    path: str,
    *,
    right: bool,
) -> None:
    """Bytes of any kind, and with them the challenge and the user that are the right ones."""

    async def test(library: AskingLibrary) -> None:
        _, headers, _ = await library.call("POST", _WHERE, _REGISTER)
        nonce = headers["WWW-Authenticate"].partition('nonce="')[2].partition('"')[0]
        told = {**said, "uri": uri, "cnonce": cnonce}
        if right:
            told |= {"username": USERNAME, "realm": "lianfang", "nonce": nonce}
            told |= {"qop": "auth", "nc": "00000001"}
        parts = ", ".join(f'{name}="{value}"' for name, value in told.items())
        host, port = library.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            f"POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n"
            f"Authorization: {scheme} {parts}\r\n\r\n".encode("latin-1")
        )
        status = (await reader.read()).partition(b"\r\n")[0].split(b" ")[1]
        writer.close()
        assert status in {b"400", b"401", b"429"}

    with_platform(test, monkeypatch, notes)


def _receiver(port: int, **changed: object) -> dict[str, Any]:
    return {
        "kind": "gat1400",
        "base_url": "http://127.0.0.1:1",
        "networks": ["127.0.0.0/8"],
        "device_code": DEVICE,
        "username": "lianfang",
        "password": {"env": "TEST_TOKEN"},
        "answers": {
            "port": port,
            "device_code": PLATFORM,
            "username": USERNAME,
            "password": {"env": "TEST_TOKEN"},
            **changed,
        },
    }


def _platforms(config: Config, registry: CollectorRegistry) -> Platforms:
    store: Any = None  # nothing is kept yet
    return Platforms(config, store, ManualClock(T0), lambda: config, registry)


def test_every_receiver_of_the_configuration_that_may_ask_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (SECRETS | {"TEST_TOKEN": PASSWORD}).items():
        monkeypatch.setenv(name, value)
    port = free_port(0)
    config = loaded(tmp_path, ("receivers.library", _receiver(port)))
    registry = CollectorRegistry()
    platforms = _platforms(config, registry)

    async def run() -> None:
        assert platforms.ready() == {"library": "not listening"}
        async with platforms.serving(), AskingLibrary(f"http://127.0.0.1:{port}") as library:
            assert platforms.ready() == {"library": "ok"}
            assert await library.register() == 200
            with pytest.raises(LianfangError, match=f"receivers.library.answers cannot listen on .*:{port}:"):
                async with _platforms(config, CollectorRegistry()).serving():
                    pass
        assert platforms.ready() == {"library": "not listening"}

    asyncio.run(run())
    labels = {"receiver": "library", "path": _WHERE, "outcome": "taken"}
    assert registry.get_sample_value("lianfang_platform_requests_total", labels) == 1


def test_two_servers_at_one_address_are_a_fault_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (SECRETS | {"TEST_TOKEN": PASSWORD}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        loaded(
            tmp_path,
            ("receivers.library", _receiver(8800)),
            ("receivers.other", _receiver(8800, host="0.0.0.0")),  # noqa: S104 - not listened on
        )
    said = str(caught.value)
    assert "receivers.library.answers.port: found 8800, at which api is; allowed: a port of its own" in said
    assert "receivers.other.answers.port: found 8800, at which receivers.library.answers is" in said

"""Where receivers of notices may be, and how they know us: networks, certificates, room."""

from __future__ import annotations

import asyncio
import json
import ssl
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import web

from alerts.channels import webhook
from alerts.channels.base import Receipt
from alerts.links import PictureLinks
from alerts.voice.rtsp import RtspPush
from deploy.simulators.police import PoliceReceiver
from deploy.simulators.speaker import SpeakerSimulator
from lianfang.config import Config as WholeConfig
from lianfang.config.changes import Changes, applied
from lianfang.errors import ConfigError, TransientError
from lianfang.reach.networks import allows, check_address
from tests.support.certificates import self_signed
from tests.support.channels import (
    KEYS,
    TOKEN,
    WEBHOOK,
    delivery_of,
    picture,
    secret_in_env,
    send,
    served,
    silent,
    speaker_channel,
    speech,
    webhook_channel,
)
from tests.support.configs import BASE, loaded
from tests.support.mqtt_speaker import channel_to
from tests.support.outbox import T0
from tests.support.voice import needs_espeak
from tests.unit.alerts.test_speaker_configs import ISAPI, MQTT, ONVIF, SIP, VAPIX, WVP

UNREAD = cast("WholeConfig", None)


@pytest.mark.parametrize(
    ("host", "networks", "allowed"),
    [
        ("1.1.1.1", (), True),
        ("2606:4700::1111", (), True),
        ("10.20.3.4", (), False),
        ("10.20.3.4", ("10.20.0.0/16",), True),
        ("10.21.3.4", ("10.20.0.0/16",), False),
        ("127.0.0.1", (), False),
        ("169.254.169.254", (), False),
        ("0.0.0.0", (), False),  # noqa: S104 - nothing listens there
        ("224.0.1.1", (), False),
        ("100.64.0.1", (), False),
        ("::1", (), False),
        ("fe80::1%eth0", (), False),
        ("::ffff:10.20.3.4", (), False),  # an IPv4 address in disguise
        ("::ffff:10.20.3.4", ("10.20.0.0/16",), True),
        ("fd00::1", ("fd00::/8",), True),
    ],
)
def test_addresses(host: str, networks: tuple[str, ...], *, allowed: bool) -> None:
    assert allows(host, [ip_network(network) for network in networks]) == allowed


def test_an_address_that_is_not_allowed_is_said_before_it_runs() -> None:
    (problem,) = check_address("url", "http://10.20.3.4:8902/x", ())
    assert problem.key == ("url",)
    assert problem.found == "10.20.3.4, which is no public address"
    assert "`networks`" in problem.allowed
    assert not list(check_address("url", "http://10.20.3.4/x", [ip_network("10.0.0.0/8")]))
    assert not list(check_address("url", "http://platform.example/x", ()))


def test_the_networks_of_the_file_are_those_of_whoever_has_none(tmp_path: Path) -> None:
    own = {**BASE["receivers"]["police"], "networks": ["10.9.0.0/16"]}
    none = {**BASE["receivers"]["police"], "networks": []}
    config = loaded(tmp_path, ("receivers.own", own), ("receivers.none", none))
    within = {
        name: receiver.within for name, receiver in config.receivers.items() if hasattr(receiver, "within")
    }
    file = (ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8"))
    assert within == {"horn": file, "police": file, "own": (ip_network("10.9.0.0/16"),), "none": ()}
    assert applied(config, Changes()).receivers == config.receivers, (
        "a change of rules leaves them as they are"
    )


@pytest.mark.parametrize(
    ("stanza", "key"),
    [
        (ISAPI, "base_url"),
        (VAPIX, "base_url"),
        (WVP, "base_url"),
        (WVP | {"base_url": "http://wvp.example"}, "media_url"),
        (MQTT | {"broker": {"host": "10.0.0.3"}}, "broker.host"),
        (SIP, "uri"),
        (ONVIF, "url"),
        (SIP | {"uri": "sip:1@pbx.example", "server": "10.0.0.5:5070"}, "server"),
        (BASE["receivers"]["horn"] | {"base_url": "http://10.0.0.3:1"}, "base_url"),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_a_speaker_that_may_not_be_there_is_said_before_it_runs(
    tmp_path: Path, stanza: dict[str, Any], key: str
) -> None:
    needs_espeak()
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, ("receivers.horn", stanza), ("networks", ["192.168.0.0/16"]))
    problem = caught.value.problems[0]
    assert problem.key == f"receivers.horn.{key}"
    assert problem.found.startswith("10.0.0.")
    assert problem.found.endswith(", which is no public address")
    assert problem.allowed.endswith("`networks`, here or at the top of the file (192.168.0.0/16)")
    assert problem.line


def test_a_speaker_whose_name_leads_elsewhere_hears_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> Receipt | Exception:
        async with SpeakerSimulator(TOKEN, say=silent) as speaker:
            url = speaker.url.replace("127.0.0.1", "localhost")
            channel = speaker_channel(url, monkeypatch, networks=["10.0.0.0/8"])
            (answer,) = await send(channel, delivery_of(speech()))
            assert speaker.requests == 0
            return answer

    answer = asyncio.run(run())
    assert isinstance(answer, TransientError)
    assert "is no public address, and in none of its `networks`" in str(answer)


def test_a_broker_that_may_not_be_there_gets_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    connections = 0

    async def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.close()

    async def run() -> Receipt | Exception:
        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        login = {"username": "us", "password": secret_in_env(monkeypatch, "geheim")}
        broker = {"host": "localhost", "port": port, **login}
        async with server:
            channel = channel_to(port, "horn", broker=broker, networks=["10.0.0.0/8"], timeout_s=2)
            (answer,) = await send(channel, delivery_of(speech()))
        return answer

    answer = asyncio.run(run())
    assert isinstance(answer, TransientError)
    assert "is no public address, and in none of its `networks`" in str(answer)
    assert connections == 0


def test_sound_is_pushed_only_where_it_may_be() -> None:
    async def run() -> None:
        async with RtspPush("rtsp://localhost:1/broadcast/x", 2, [ip_network("10.0.0.0/8")]):
            pass

    with pytest.raises(TransientError, match="is no public address, and in none of its `networks`"):
        asyncio.run(run())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_nothing_connects_where_it_may_not(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    async def run() -> Receipt | Exception:
        async with PoliceReceiver(KEYS[:1], say=silent) as police:
            url = police.url.replace("127.0.0.1", host)
            channel = webhook_channel(url, monkeypatch, networks=["10.0.0.0/8"])
            (answer,) = await send(channel, delivery_of(WEBHOOK.payload()))
            assert police.requests == 0
            return answer

    answer = asyncio.run(run())
    assert isinstance(answer, TransientError)
    assert "is no public address, and in none of its `networks`" in str(answer)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("certificates"))


@pytest.mark.parametrize("known", [True, False])
def test_a_platform_that_asks_who_we_are(
    monkeypatch: pytest.MonkeyPatch, certificate: Path, *, known: bool
) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificate)
    tls.load_cert_chain(certificate)
    tls.verify_mode = ssl.CERT_REQUIRED

    async def run() -> Receipt | Exception:
        async def answer(_request: web.Request) -> web.Response:
            return web.Response()

        ours: dict[str, Any] = {"cert_file": certificate, "key_file": certificate} if known else {}
        async with served(answer, tls) as url:
            channel = webhook_channel(url, monkeypatch, ca_file=certificate, **ours)
            (got,) = await send(channel, delivery_of(WEBHOOK.payload()))
            return got

    assert isinstance(asyncio.run(run()), Receipt if known else TransientError)


def test_what_is_wrong_with_a_stanza(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key = secret_in_env(monkeypatch, KEYS[0])
    stanza = {
        "kind": "webhook",
        "url": "http://192.168.1.9/",
        "secrets": [key],
        "cert_file": tmp_path / "none.pem",
        "retry": {"give_up_h": 100},
        "picture_links": {"base_url": "https://us.example", "secret": key, "valid_h": 99},
    }
    config = webhook.Config.model_validate(stanza)
    found = [(problem.key, problem.found) for problem in config.check(UNREAD)]
    assert found == [
        (("picture_links", "valid_h"), "99"),
        (("cert_file",), str(tmp_path / "none.pem")),
        ((), "one of cert_file and key_file"),
        (("url",), "192.168.1.9, which is no public address"),
    ]
    with pytest.raises(ValueError, match="a 'longest_s' that is not below 'first_s'"):
        webhook.Config.model_validate({**stanza, "retry": {"first_s": 10, "longest_s": 5}})


def test_pictures_for_which_there_is_no_room_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    large = replace(picture("annotated"), jpeg=bytes(64 * 1024))

    async def run() -> None:
        async with PoliceReceiver(KEYS[:1], say=silent) as police:
            channel = webhook_channel(police.url, monkeypatch, max_body_bytes=64 * 1024)
            delivery = delivery_of(WEBHOOK.payload(), pictures=(large, picture("original")))
            await send(channel, delivery)
            (received,) = police.received
            assert [shown.kind for shown in received.notice.pictures] == ["original"]
            said = "1 left out: the message would have had more than 65536 bytes"
            assert received.notice.pictures_missing == said
            assert len(received.body) <= 64 * 1024

    asyncio.run(run())


def test_pictures_as_links(monkeypatch: pytest.MonkeyPatch) -> None:
    links = {"base_url": "https://us.example/", "secret": secret_in_env(monkeypatch, "k"), "valid_h": 72}

    async def run() -> None:
        async with PoliceReceiver(KEYS[:1], say=silent) as police:
            for _ in range(2):  # the same body on every attempt
                channel = webhook_channel(police.url, monkeypatch, picture_links=links)
                await send(channel, delivery_of(WEBHOOK.payload(), pictures=(picture(),)))
            (received,) = police.received
            assert len(police.repeats) == 1
            (shown,) = json.loads(received.body)["pictures"]
            assert shown["data_base64"] == ""
            assert shown["sha256"] == picture().sha256
            assert shown["url"].startswith("https://us.example/pictures/evidence-1/original.jpg?until=")
            assert datetime.fromisoformat(shown["expires_at"]) == T0 + timedelta(hours=72)

    asyncio.run(run())


def test_a_link_opens_one_picture_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    links = PictureLinks(base_url="https://us.example", secret=secret_in_env(monkeypatch, "k"), valid_h=1)
    other = links.model_copy(update={"secret": secret_in_env(monkeypatch, "another")})
    url, expires = links.link("e", "original", T0)
    until, signature = url.partition("until=")[2].split("&signature=")
    assert links.opens("e", "original", until, signature, expires - timedelta(seconds=1))
    assert not links.opens("e", "original", until, signature, expires)
    assert not links.opens("e", "annotated", until, signature, T0)
    assert not links.opens("f", "original", until, signature, T0)
    assert not links.opens("e", "original", str(int(until) + 1), signature, T0)
    assert not other.opens("e", "original", until, signature, T0)

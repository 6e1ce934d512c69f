"""The MQTT speaker channel: how the speaker is, connections that break, login, TLS; a real Mosquitto."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiomqtt
import pytest

from alerts.channels.base import Receipt, SpeakerStatus
from deploy.simulators.speaker_mqtt import MqttSpeakerSimulator
from lianfang.clock import SystemClock
from lianfang.errors import PermanentError, TransientError
from tests.support.certificates import self_signed
from tests.support.channels import delivery_of, secret_in_env, send, silent, speech
from tests.support.kafka import fresh
from tests.support.mosquitto import Mosquitto, no_listening, own_broker, shared_broker
from tests.support.mqtt_speaker import SLOW_S, Site, at_site, channel_to, until_state


def test_how_it_is() -> None:
    async def test(site: Site) -> None:
        assert await site.channel.status() == SpeakerStatus("ready")  # retained: known at once
        await site.speaker.tell("faulty", msg="amplifier")
        await until_state(site, "faulty")
        assert await site.channel.status() == SpeakerStatus("faulty", "", "amplifier")
        await site.speaker.tell("playing", frameId="x")
        await until_state(site, "playing")
        assert (await site.channel.status()).command == "x"

    at_site(test)


def test_the_last_will_ends_what_it_was_to_say() -> None:
    async def test(site: Site) -> None:
        task = await site.playing("a")
        site.speaker.vanish()
        await task
        assert str(site.answers["a"]) == "the broker says that it is offline"
        with pytest.raises(TransientError, match="offline"):
            await site.channel.status()
        assert str(await site.say("b")) == "the broker says that it is offline"

    at_site(test, seconds_per_character=SLOW_S)


def test_a_heart_that_stands_still() -> None:
    class Later(SystemClock):
        late_s = 0.0

        def monotonic(self) -> float:
            return super().monotonic() + self.late_s

    async def run() -> None:
        device, clock = fresh("horn"), Later()
        port = shared_broker().port
        channel = channel_to(port, device, clock=clock, heartbeat_s=60)
        async with MqttSpeakerSimulator("127.0.0.1", port, device, say=silent):
            assert await channel.status() == SpeakerStatus("ready")
            clock.late_s = 200
            with pytest.raises(TransientError, match="no heartbeat for 200 s"):
                await channel.status()
        await channel.close()

    asyncio.run(run())


def test_the_broker_is_killed_and_comes_back(tmp_path: Path) -> None:
    async def run(broker: Mosquitto) -> None:
        device = fresh("horn")
        channel = channel_to(broker.port, device, timeout_s=2)
        async with MqttSpeakerSimulator(
            "127.0.0.1", broker.port, device, say=silent, seconds_per_character=SLOW_S
        ) as speaker:
            site = Site(speaker, channel)
            task = await site.playing("a")
            broker.kill()
            await task
            assert str(site.answers["a"]).startswith("the connection to the broker broke: ")
            assert isinstance(await site.say("a"), TransientError)
        broker.start()
        async with MqttSpeakerSimulator("127.0.0.1", broker.port, device, say=silent) as speaker:
            site = Site(speaker, channel)
            async with asyncio.timeout(20):
                while await site.say("b") != Receipt("finished"):  # noqa: ASYNC110 - no event says so
                    await asyncio.sleep(0.1)
            assert speaker.heard == ["请远离水边"]
        await channel.close()

    with own_broker(tmp_path) as broker:
        asyncio.run(run(broker))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.mark.parametrize(
    ("password", "trusted", "trouble"),
    [
        ("right", True, ""),
        ("wrong", True, "no connection to the broker: [code:135] Not authorized"),
        ("right", False, "no connection to the broker: [SSL: CERTIFICATE_VERIFY_FAILED]"),
    ],
)
def test_login_and_tls(
    tmp_path: Path,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    password: str,
    trusted: bool,
    trouble: str,
) -> None:
    async def run(port: int) -> None:
        device = fresh("horn")
        tls = {"ca_file": str(certificate)} if trusted else {}
        access = {"username": "lianfang", "password": secret_in_env(monkeypatch, password), "tls": tls}
        stanza = {"host": "127.0.0.1", "port": port, **access}
        channel = channel_to(port, device, broker=stanza, status_topic=None)
        speaker = MqttSpeakerSimulator(
            "127.0.0.1",
            port,
            device,
            say=silent,
            username="horn",
            password="its own",
            tls_params=aiomqtt.TLSParameters(ca_certs=str(certificate)),
        )
        async with speaker:
            answer = await Site(speaker, channel).say()
        await channel.close()
        if trouble:
            assert isinstance(answer, TransientError)
            assert str(answer).startswith(trouble)
            assert password not in str(answer)
        else:
            assert answer == Receipt("finished")

    users = {"lianfang": "right", "horn": "its own"}
    with own_broker(tmp_path, users, certificate) as broker:
        asyncio.run(run(broker.port))


def test_a_broker_that_does_not_let_us_listen(tmp_path: Path) -> None:
    """No command is given whose answer nobody would hear."""

    async def run(port: int) -> None:
        device = fresh("horn")
        channel = channel_to(port, device, result_topic=f"secret/{device}", status_topic=None, timeout_s=3)
        async with MqttSpeakerSimulator("127.0.0.1", port, device, say=silent) as speaker:
            answer = await Site(speaker, channel).say()
            assert speaker.received == []
        await channel.close()
        said = f"no connection to the broker: the broker does not let us listen to secret/{device}"
        assert isinstance(answer, TransientError)
        assert str(answer) == said

    with own_broker(tmp_path, more=no_listening(tmp_path, "secret/#")) as broker:
        asyncio.run(run(broker.port))


def test_a_broker_that_does_not_take_the_command(tmp_path: Path) -> None:
    acl = tmp_path / "acl"
    acl.write_text("topic read #\n")
    acl.chmod(0o600)

    async def run(port: int) -> Receipt | Exception:
        async with aiomqtt.Client("127.0.0.1", port) as listener:
            await listener.subscribe("#")
            channel = channel_to(port, "horn", status_topic=None)
            (answer,) = await send(channel, delivery_of(speech()))
        return answer

    with own_broker(tmp_path, more=[f"acl_file {acl}"]) as broker:
        answer = asyncio.run(run(broker.port))
    assert isinstance(answer, PermanentError), "the next speaker is asked at once"
    assert str(answer) == "the broker does not take speakers/horn/cmd: Not authorized"


def test_nobody_listens() -> None:
    async def run() -> None:
        channel = channel_to(1, "horn", timeout_s=2)
        with pytest.raises(TransientError, match="no connection to the broker: "):
            await channel.send(delivery_of(speech()))
        await channel.close()

    asyncio.run(run())

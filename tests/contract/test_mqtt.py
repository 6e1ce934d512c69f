"""Notices over MQTT: a real Mosquitto, and a strict receiver behind it."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from alerts.channels import mqtt
from alerts.channels.base import Delivery, Receipt
from deploy.simulators.mqtt import Fault, MqttReceiverSimulator
from lianfang.clock import SystemClock
from lianfang.errors import LianfangError, PermanentError, TransientError
from tests.support.certificates import self_signed
from tests.support.channels import TIMEOUT_S, delivery_of, picture, secret_in_env, send, silent
from tests.support.kafka import fresh
from tests.support.mosquitto import Mosquitto, no_listening, own_broker, shared_broker
from tests.support.outbox import notice

UNREAD: Any = None


def stanza(port: int, **changed: object) -> mqtt.Config:
    """Return the settings of a receiver behind a broker on this machine."""
    return mqtt.Config.model_validate(
        {
            "kind": "mqtt",
            "broker": {"host": "127.0.0.1", "port": port},
            "topic": "notices/{point}",
            "networks": ["127.0.0.0/8"],
            "timeout_s": TIMEOUT_S,
            **changed,
        }
    )


def channel_to(port: int, **changed: object) -> mqtt.MqttChannel:
    return mqtt.build(stanza(port, **changed), SystemClock())


def of(version: int = 3, **changed: object) -> Delivery:
    return delivery_of(notice("incident-1", version, **changed), delivery_id=f"delivery-{version}")


def told(
    *deliveries: Delivery, faults: Iterable[Fault | None] = (), answers: bool = False, **changed: object
) -> tuple[list[Receipt | Exception], MqttReceiverSimulator]:
    """Tell a receiver at the shared broker; return what came of each, and the receiver."""
    port, name = shared_broker().port, fresh("site")
    answer = f"{name}/acks" if answers else ""

    async def run() -> tuple[list[Receipt | Exception], MqttReceiverSimulator]:
        there = MqttReceiverSimulator("127.0.0.1", port, f"{name}/#", answer, faults=faults, say=silent)
        if answers:
            changed["acknowledged_on"] = answer
            there._topic = f"{name}/notices/#"
        async with there:
            settings = {"topic": f"{name}/notices/{{rule}}/{{point}}/{{camera}}", **changed}
            got = await send(channel_to(port, **settings), *deliveries)
            await asyncio.sleep(0.1)  # for what was published last to arrive
            return got, there

    return asyncio.run(run())


@pytest.mark.parametrize("envelope", ["none", "cloudevents"])
def test_a_notice(envelope: str) -> None:
    delivery = replace(of(), pictures=(picture("annotated"), picture()))
    (got,), there = told(delivery, envelope=envelope)
    assert got == Receipt("taken", "the broker has it; whether the receiver has, nobody says")
    assert there.refusals == []
    (received,) = there.notices
    assert received.number == "incident-1"
    assert [shown.kind for shown in received.pictures] == ["original", "annotated"]
    assert there.topics[0].split("/")[1:] == ["notices", "bank", "bridge", "north"]


def test_the_receivers_own_word_counts_where_it_gives_one() -> None:
    (got, refused), there = told(of(3), of(4), answers=True, faults=[None, "refuse"])
    assert got == Receipt("acknowledged")
    assert isinstance(refused, PermanentError)
    assert str(refused) == "the receiver refuses it: not wanted"
    assert [taken.version for taken in there.notices] == [3]


def test_a_receiver_that_says_nothing_has_nothing() -> None:
    (first, second), there = told(of(), of(), answers=True, faults=["mute"], timeout_s=0.5)
    assert isinstance(first, TransientError)
    assert str(first) == "no word of the receiver within 0.5 s"
    assert second == Receipt("acknowledged")
    assert (len(there.notices), there.repeats) == (1, 1)


def test_a_word_that_comes_late_is_a_word() -> None:
    port, name = shared_broker().port, fresh("site")

    async def run() -> None:
        there = MqttReceiverSimulator(
            "127.0.0.1", port, f"{name}/n", f"{name}/acks", faults=["late"], say=silent
        )
        channel = channel_to(port, topic=f"{name}/n", acknowledged_on=f"{name}/acks", timeout_s=0.3)
        async with there:
            with pytest.raises(TransientError, match="no word of the receiver"):
                await channel.send(of())
            await asyncio.sleep(1)
            assert await channel.send(of()) == Receipt("acknowledged")
            assert (len(there.notices), there.repeats) == (1, 0), "nothing was sent again"
        await channel.close()

    asyncio.run(run())


def test_nobody_has_subscribed() -> None:
    name = fresh("site")
    (got,) = asyncio.run(send(channel_to(shared_broker().port, topic=f"{name}/x"), of()))
    assert isinstance(got, TransientError)
    assert str(got) == f"nobody has subscribed to {name}/x"
    other = channel_to(shared_broker().port, topic=f"{name}/x", listener_needed=False)
    (got,) = asyncio.run(send(other, of()))
    assert isinstance(got, Receipt)


def test_pictures_for_which_there_is_no_room_are_left_out() -> None:
    large = replace(picture("annotated"), jpeg=bytes(64 * 1024))
    _, there = told(replace(of(), pictures=(large, picture())), max_body_bytes=64 * 1024)
    assert [shown.kind for shown in there.notices[0].pictures] == ["original"]


def test_the_broker_says_how_large_a_message_may_be(tmp_path: Path) -> None:
    large = replace(picture("annotated"), jpeg=bytes(64 * 1024))
    delivery = replace(of(), pictures=(large, picture()))

    async def run(port: int) -> None:
        async with MqttReceiverSimulator("127.0.0.1", port, "notices/#", say=silent) as there:
            (got,) = await send(channel_to(port), delivery)
            assert isinstance(got, Receipt)
            await asyncio.sleep(0.1)
            assert [shown.kind for shown in there.notices[0].pictures] == ["original"]

    with own_broker(tmp_path, more=["max_packet_size 20000"]) as broker:
        asyncio.run(run(broker.port))


def test_the_broker_refuses_a_topic(tmp_path: Path) -> None:
    acl = tmp_path / "acl"
    acl.write_text("topic readwrite allowed/#\n")
    acl.chmod(0o600)

    async def run(port: int) -> list[Receipt | Exception]:
        async with aiomqtt.Client("127.0.0.1", port) as listener:
            await listener.subscribe("#", qos=1)
            answers = await send(channel_to(port, topic="forbidden/{point}"), of())
            return answers + await send(channel_to(port, topic="allowed/{point}"), of())

    with own_broker(tmp_path, more=[f"acl_file {acl}"]) as broker:
        forbidden, allowed = asyncio.run(run(broker.port))
    assert isinstance(forbidden, PermanentError)
    assert str(forbidden) == "the broker does not take forbidden/bridge: Not authorized"
    assert isinstance(allowed, Receipt)


def test_the_broker_does_not_let_us_listen(tmp_path: Path) -> None:
    async def run(port: int) -> Receipt | Exception:
        (got,) = await send(channel_to(port, topic="n", acknowledged_on="secret/acks", timeout_s=3), of())
        return got

    with own_broker(tmp_path, more=no_listening(tmp_path, "secret/#")) as broker:
        got = asyncio.run(run(broker.port))
    assert isinstance(got, TransientError)
    assert str(got) == "no connection to the broker: the broker does not let us listen to secret/acks"


def test_the_broker_is_killed_and_comes_back(tmp_path: Path) -> None:
    async def run(broker: Mosquitto) -> None:
        channel = channel_to(broker.port, timeout_s=2)
        async with MqttReceiverSimulator("127.0.0.1", broker.port, "notices/#", say=silent):
            assert isinstance(await channel.send(of(3)), Receipt)
            broker.kill()
            with pytest.raises(TransientError, match=r"broker"):
                await channel.send(of(4))
        broker.start()
        async with MqttReceiverSimulator("127.0.0.1", broker.port, "notices/#", say=silent) as there:
            async with asyncio.timeout(20):
                while not there.notices:
                    with suppress(LianfangError):
                        await channel.send(of(4))
                    await asyncio.sleep(0.05)
            assert [taken.version for taken in there.notices] == [4]
        await channel.close()

    with own_broker(tmp_path) as broker:
        asyncio.run(run(broker))


def test_whether_we_are_connected_is_said() -> None:
    port, topic = shared_broker().port, f"{fresh('site')}/status"

    async def run() -> None:
        states: asyncio.Queue[str] = asyncio.Queue()

        async def listen() -> None:
            async with aiomqtt.Client("127.0.0.1", port) as client:
                await client.subscribe(topic, qos=1)
                async for message in client.messages:
                    assert isinstance(message.payload, bytes)
                    await states.put(json.loads(message.payload)["state"])

        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            listening = group.create_task(listen())
            channel = channel_to(port, status_topic=topic)
            keeping = group.create_task(channel.keep())
            assert await states.get() == "online"
            keeping.cancel()
            await channel.close()
            assert await states.get() == "offline"
            broken = channel_to(port, status_topic=topic)
            keeping = group.create_task(broken.keep())
            assert await states.get() == "online"
            client = broken._link._client
            assert client is not None
            cable: Any = client._client.socket()
            cable.shutdown(socket.SHUT_RDWR)  # as if it were cut
            assert await states.get() == "offline"  # the last will
            assert await states.get() == "online"  # and it is back
            keeping.cancel()
            await broken.close()
            listening.cancel()

    asyncio.run(run())


@pytest.mark.parametrize("known", [True, False])
def test_a_broker_that_asks_who_we_are(tmp_path: Path, *, known: bool) -> None:
    certificate = self_signed(tmp_path)
    ours = {"cert_file": certificate, "key_file": certificate} if known else {}

    async def run(port: int) -> Receipt | Exception:
        broker = {"host": "127.0.0.1", "port": port, "tls": {"ca_file": certificate, **ours}}
        settings = {"broker": broker, "listener_needed": False, "timeout_s": 5}
        (got,) = await send(channel_to(port, **settings), of())
        return got

    more = [f"cafile {certificate}", "require_certificate true"]
    with own_broker(tmp_path, certificate=certificate, more=more) as broker:
        got = asyncio.run(run(broker.port))
    assert isinstance(got, Receipt if known else TransientError), got


def test_no_message_shows_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(port: int) -> Receipt | Exception:
        login = {"username": "us", "password": secret_in_env(monkeypatch, "geheim")}
        broker = {"host": "127.0.0.1", "port": port, **login}
        (got,) = await send(channel_to(port, broker=broker, timeout_s=3), of())
        return got

    with own_broker(tmp_path, users={"us": "another"}) as broker:
        got = asyncio.run(run(broker.port))
    assert isinstance(got, TransientError)
    assert str(got) == "no connection to the broker: [code:135] Not authorized"


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"broker": {"host": "10.1.1.1"}}, ("broker", "host")),
        ({"status_topic": "notices/acks", "acknowledged_on": "notices/acks"}, ("status_topic",)),
        ({"topic": "n", "acknowledged_on": "n"}, ("acknowledged_on",)),
    ],
)
def test_what_is_wrong_with_a_stanza(changed: dict[str, Any], key: tuple[str, ...]) -> None:
    assert [problem.key for problem in stanza(1, **changed).check(UNREAD)] == [key]


@pytest.mark.parametrize(
    "topic",
    ["", "a/+", "a/#", "a b", "{title}", "{point", "{}", "{point.x}", "{point!r}", "$SYS/x", "{point:>9}"],
)
def test_what_is_no_topic(topic: str) -> None:
    with pytest.raises(ValueError, match="topic"):
        stanza(1, topic=topic)


def test_a_place_without_a_camera_has_a_topic() -> None:
    place = notice("incident-1", 3)["place"] | {"camera": ""}
    _, there = told(of(place=place))
    assert there.topics[0].endswith("/bridge/none")

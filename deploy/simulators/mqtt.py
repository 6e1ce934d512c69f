"""A system that takes notices from an MQTT broker, and says so. See docs/protocols/mqtt.md.

``python -m deploy.simulators.mqtt --broker 127.0.0.1:1883 --topic 'lianfang/#' --answer acks``
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterable
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Any, Literal, Self

import aiomqtt
from pydantic import ValidationError

from alerts.payload import Notice
from deploy.simulators.server import Say, to_stdout
from lianfang.tasks import end

Fault = Literal["mute", "refuse", "late"]
"""``mute``: a notice is taken, and nothing answered. ``late``: it is answered after a while."""
_MEDIA = {"application/json": False, "application/cloudevents+json": True}
_LATE_S = 0.8


class MqttReceiverSimulator:
    """Listens to ``topic`` and answers on ``answer_topic``; ``async with`` is its life.

    ``notices`` are those that it took, ``repeats`` how many came again. What the protocol forbids it refuses.
    ``faults`` meet the first notices, one each.
    """

    def __init__(
        self,
        host: str,
        port: int,
        topic: str,
        answer_topic: str = "",
        *,
        faults: Iterable[Fault | None] = (),
        say: Say = to_stdout,
        **connection: Any,  # noqa: ANN401 - what aiomqtt.Client takes: login, TLS
    ) -> None:
        self._address, self._connection = (host, port), connection
        self._topic, self._answer_topic = topic, answer_topic
        self._faults = list(faults)
        self.say = say
        self.notices: list[Notice] = []
        self.topics: list[str] = []
        self.refusals: list[str] = []
        self.repeats = 0
        self._ids: set[str] = set()
        self._newest: dict[str, int] = {}
        self._resources = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._client = await self._resources.enter_async_context(
            aiomqtt.Client(*self._address, protocol=aiomqtt.ProtocolVersion.V5, **self._connection)
        )
        await self._client.subscribe(self._topic, qos=1)
        self._task = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await end(self._task)
        with suppress(aiomqtt.MqttError):
            await self._resources.aclose()

    async def _listen(self) -> None:
        with suppress(aiomqtt.MqttError):
            async for message in self._client.messages:
                fault = self._faults.pop(0) if self._faults else None
                await self._take(message, fault)

    async def _take(self, message: aiomqtt.Message, fault: Fault | None) -> None:
        notice, wrong = _read(message)
        if notice is not None and not wrong and notice.version < self._newest.get(notice.number, 0):
            wrong = f"version {notice.version} after {self._newest[notice.number]}"
        if fault == "refuse":
            wrong = "not wanted"
        if wrong or notice is None:
            self.refusals.append(wrong)
            self.say(f"refused: {wrong}")
        else:
            self._keep(message, notice)
        if notice is not None and self._answer_topic and fault != "mute":
            await asyncio.sleep(_LATE_S if fault == "late" else 0)
            await self._answer(notice, wrong)

    def _keep(self, message: aiomqtt.Message, notice: Notice) -> None:
        name = _id_of(message)
        if name in self._ids:
            self.repeats += 1
            return
        self._ids.add(name)
        self._newest[notice.number] = notice.version
        self.notices.append(notice)
        self.topics.append(str(message.topic))
        self.say(
            f"{notice.number} version {notice.version}: {notice.change}, {len(notice.pictures)} pictures"
        )

    async def _answer(self, notice: Notice, wrong: str) -> None:
        answer = {"number": notice.number, "version": notice.version, "accepted": not wrong, "detail": wrong}
        await self._client.publish(self._answer_topic, json.dumps(answer), qos=1)


def _id_of(message: aiomqtt.Message) -> str:
    given = dict(getattr(message.properties, "UserProperty", []))
    return str(given.get("id", ""))


def _read(message: aiomqtt.Message) -> tuple[Notice | None, str]:
    """Return the notice in a message, and what the protocol forbids about it."""
    media = str(getattr(message.properties, "ContentType", ""))
    if media not in _MEDIA:
        return None, f"a content type that is none: {media!r}"
    try:
        data = json.loads(bytes(message.payload) if isinstance(message.payload, bytes | bytearray) else b"")
        if _MEDIA[media]:
            if data["specversion"] != "1.0" or data["id"] != _id_of(message):
                return None, "no CloudEvent 1.0 with the id of the message"
            data = data["data"]
        notice = Notice.model_validate(data)
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        return None, f"no notice: {error}"
    wrong = {
        "not with QoS 1, or retained": message.qos != 1 or message.retain,
        "no id": not _id_of(message),
        "never over": not getattr(message.properties, "MessageExpiryInterval", 0),
        "live, and nobody has confirmed it": notice.mode == "live" and not notice.confirmed_by,
    }
    return notice, ", ".join(what for what, is_so in wrong.items() if is_so)


def main() -> None:
    """Listen until interrupted."""
    parser = argparse.ArgumentParser(description="A system that takes notices from an MQTT broker.")
    parser.add_argument("--broker", default="127.0.0.1:1883")
    parser.add_argument("--topic", default="lianfang/notices/#")
    parser.add_argument("--answer", default="", help="where it says what it has; nothing where not given")
    options = parser.parse_args()
    host, _, port = options.broker.rpartition(":")

    async def run() -> None:
        async with MqttReceiverSimulator(host, int(port), options.topic, options.answer):
            await asyncio.Event().wait()

    with suppress(KeyboardInterrupt):
        asyncio.run(run())


if __name__ == "__main__":
    main()

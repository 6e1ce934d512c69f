"""A client of MQTT 5 that hears what the broker says to each message."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode


@dataclass(frozen=True, slots=True)
class Message:
    """What is published, and what goes along: its media type and its id, where it has any."""

    topic: str
    payload: bytes
    media_type: str = ""
    id: str = ""

    def properties(self, expires_s: float) -> Properties:
        """Return them as MQTT 5 has them."""
        made = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        made.MessageExpiryInterval = max(1, int(expires_s))
        if self.media_type:
            made.ContentType, made.PayloadFormatIndicator = self.media_type, 1
        if self.id:
            made.UserProperty = [("id", self.id)]
        return made


class Client(aiomqtt.Client):
    """Knows what the broker says to each message, and how large one may be: aiomqtt hands on neither."""

    def __init__(self, *args: Any, **settings: Any) -> None:  # noqa: ANN401 - as there
        super().__init__(*args, **settings)
        self._words: dict[int, asyncio.Future[ReasonCode]] = {}
        self.largest: int | None = None

    async def hand_over(
        self, topic: str, payload: bytes, properties: Properties | None = None, *, retain: bool = False
    ) -> ReasonCode:
        """Publish with QoS 1; return the broker's word. MqttError, TimeoutError where there is none."""
        info = self._client.publish(topic, payload, 1, retain, properties)
        if info.rc:
            raise aiomqtt.MqttCodeError(info.rc, "Could not publish message")
        said = self._words[info.mid] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self.timeout):
                word: ReasonCode = await said
                return word
        finally:
            del self._words[info.mid]

    def _on_connect(self, client: Any, userdata: Any, flags: Any, code: Any, properties: Any = None) -> None:  # noqa: ANN401
        self.largest = getattr(properties, "MaximumPacketSize", None)
        super()._on_connect(client, userdata, flags, code, properties)

    def _on_publish(self, client: Any, userdata: Any, mid: int, code: ReasonCode, properties: Any) -> None:  # noqa: ANN401
        said = self._words.get(mid)
        if said is not None and not said.done():
            said.set_result(code)
        super()._on_publish(client, userdata, mid, code, properties)

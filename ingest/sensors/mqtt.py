"""``kind: mqtt``: sensors that publish to an MQTT broker, in JSON, as numbers or as words."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Literal, Self

import aiomqtt
from pydantic import StringConstraints, model_validator

from ingest.sensors.base import STANDS, Heard, Hearing, Said, SensorSourceConfig, SourceLost, Unread
from lianfang.biometrics import kept
from lianfang.clock import Clock
from lianfang.config import Config as Root
from lianfang.config import Id, Problem
from lianfang.config.payload import Payload
from lianfang.config.stanza import one_of
from lianfang.errors import TransientError
from lianfang.payloads import LONGEST, BadPayload, is_of, measured, parsed
from lianfang.reach.mqtt import Link
from lianfang.reach.networks import check_host

_TIMEOUT_S = 10.0
_WAITING_AT_MOST = 10_000  # messages that nobody has looked at yet: a broker gone mad fills no memory
_TOPICS = 10_000  # topics of which it is known who speaks there

Filter = Annotated[
    str,
    StringConstraints(min_length=1, max_length=256, pattern=r"^(\+|[^+#\s/]*)(/(\+|[^+#\s/]*))*(/#)?$|^#$"),
]
"""A topic, or a pattern: + is any one level, # at the end is all that follow."""


class Config(SensorSourceConfig):
    """A sensor behind an MQTT broker. All sensors of a broker are heard over one connection."""

    kind: Literal["mqtt"]
    broker: Id
    """One of `brokers`."""
    topic: Filter
    """Where it publishes. With + or # it may be anywhere there; `payload.match` then says which messages are
    this sensor's."""
    payload: Payload = Payload()
    """How its messages are read; a plain number or a word where not given."""
    retained: bool = False
    """True: what the broker has kept for those who come later is how it is now, such as the state of a door.
    Else it is of unknown age, and is no reading."""

    @property
    def shares(self) -> str:
        """The broker."""
        return self.broker

    @model_validator(mode="after")
    def _one_sensor(self) -> Self:
        if ("+" in self.topic or "#" in self.topic) and not self.payload.match:
            raise ValueError("a topic without + and #, or 'payload.match' to say which messages it sends")
        return self

    def check(self, config: Root) -> Iterable[Problem]:
        """Yield a broker that there is none of, or that is where nothing may be."""
        if self.broker not in config.brokers:
            yield Problem(("broker",), repr(self.broker), one_of(config.brokers))
            return
        yield from check_host("broker", config.brokers[self.broker].host, config.networks)


def build(config: Config, sensors: Mapping[str, Config], root: Root, clock: Clock) -> MqttSource:
    """Return the source of all ``sensors`` of the broker of ``config``; LookupError without its password."""
    del clock
    return MqttSource(config.broker, sensors, root)


class MqttSource:
    """The sensors of one broker."""

    def __init__(self, broker: str, sensors: Mapping[str, Config], root: Root) -> None:
        self._sensors, self._zone = sensors, root.community.zone
        self._by_topic: dict[str, Mapping[str, Config]] = {}
        self._broker, self._networks = root.brokers[broker], root.networks
        self._topics = sorted({sensor.topic for sensor in sensors.values()})
        kept = {sensor.topic for sensor in sensors.values() if sensor.retained}
        self._fresh = [topic for topic in self._topics if topic not in kept]

    async def open(self) -> Hearing:
        """Subscribe to all topics, and yield what comes until the connection breaks."""
        come: asyncio.Queue[tuple[str, bytes] | None] = asyncio.Queue(1)

        async def heard(topic: str, raw: bytes) -> None:
            await come.put((topic, raw))

        async def lost() -> None:
            await come.put(None)

        link = Link(
            self._broker,
            self._topics,
            heard,
            lost,
            _TIMEOUT_S,
            self._networks,
            fresh=self._fresh,
            longest=10 * LONGEST,
            waiting=_WAITING_AT_MOST,
        )
        try:
            await link.ready()
            yield STANDS
            while (message := await come.get()) is not None:
                for said in self.read(*message):
                    yield said
            raise SourceLost(link.trouble)
        except TransientError as error:
            raise SourceLost(str(error)) from error
        finally:
            await link.close()

    def read(self, topic: str, raw: bytes) -> Iterator[Heard]:
        """Yield what a message says: of every sensor whose it is, or what is wrong with it."""
        asked = self._asked(topic)
        try:
            data = parsed(raw)
        except BadPayload as error:
            # Nobody knows what is in it: only that it came.
            yield Unread(topic, b"", str(error), next(iter(asked)) if len(asked) == 1 else "")
            return
        mine = {name: sensor for name, sensor in asked.items() if is_of(sensor.payload, data)}
        if not mine:
            yield Unread(topic, kept(data), "a message of no sensor that is configured")
        for name, sensor in mine.items():
            try:
                said = measured(sensor.payload, data, self._zone)
            except BadPayload as error:
                yield Unread(topic, kept(data), str(error), name)
            else:
                yield Said(name, said.value, said.unit, said.device_time, said.id, said.attributes)

    def _asked(self, topic: str) -> Mapping[str, Config]:
        """Return the sensors that may speak at a topic: there are few topics, and many messages."""
        asked = self._by_topic.get(topic)
        if asked is None:
            where = aiomqtt.Topic(topic)
            asked = {name: s for name, s in self._sensors.items() if where.matches(s.topic)}
            if len(self._by_topic) < _TOPICS:
                self._by_topic[topic] = asked
        return asked

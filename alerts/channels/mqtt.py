"""``kind: mqtt``: notices as JSON, published to a broker.

See docs/protocols/mqtt.md.
"""

from __future__ import annotations

import asyncio
import json
import string
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, ValidationError

from alerts.channels._words import Word, Words
from alerts.channels.base import Delivery, Receipt
from alerts.notice_body import Bodies, Enveloped
from alerts.notice_settings import PictureNoticeConfig
from alerts.payload import Notice, notice_of
from lianfang.clock import Clock
from lianfang.config import Config as WholeConfig
from lianfang.config import Problem
from lianfang.config.broker import Broker
from lianfang.errors import PermanentError, TransientError
from lianfang.reach.mqtt import Link, Presence, Topic
from lianfang.reach.mqtt_client import Message
from lianfang.reach.networks import check_host

_FIELDS = ("rule", "point", "camera")
_EMPTY = "none"  # where an incident has no such id
_DETAIL = 200  # characters of what a receiver says


def _topic(value: str) -> str:
    allowed = f"a topic with {', '.join(f'{{{name}}}' for name in _FIELDS)} only, that does not begin with $"
    try:
        parts = list(string.Formatter().parse(value))
    except ValueError as error:
        raise ValueError(allowed) from error
    if any(name is not None and (name not in _FIELDS or form or how) for _, name, form, how in parts):
        raise ValueError(allowed)
    if value.startswith("$"):
        raise ValueError(allowed)
    return value


class Config(Enveloped, PictureNoticeConfig):
    """Whoever listens to a topic of a broker."""

    kind: Literal["mqtt"]
    broker: Broker
    """The broker."""
    topic: Annotated[Topic, AfterValidator(_topic)]
    """Where notices are published; {rule}, {point} and {camera} stand for the ids of the incident's."""
    acknowledged_on: Topic | None = None
    """Where the receiver says what it has; where not given, the broker's word counts."""
    listener_needed: bool = True
    """False: what nobody has subscribed to is delivered too, for brokers that hand on by other means."""
    status_topic: Topic | None = None
    """Where it is said, retained, whether we are connected, by our last will too; nowhere if not given."""
    max_body_bytes: int = Field(default=1024 * 1024, ge=64 * 1024, le=64 * 1024 * 1024)
    """The largest message that it takes, or less where the broker says so; pictures beyond are left out."""

    def topic_of(self, notice: Notice) -> str:
        """Return the topic of a notice: ids have no characters that mean something there."""
        place = notice.place
        ids = {"rule": notice.rule, "point": place.point, "camera": place.camera}
        return self.topic.format(**{name: value or _EMPTY for name, value in ids.items()})

    def check(self, config: WholeConfig) -> Iterable[Problem]:
        """Yield a broker that is not allowed, and topics that are not told apart."""
        yield from super().check(config)
        for problem in check_host("host", self.broker.host, self.within):
            yield problem.under("broker")
        if self.status_topic is not None and self.status_topic in {self.acknowledged_on, self.topic}:
            yield Problem(("status_topic",), self.status_topic, "a topic of its own")
        if self.acknowledged_on == self.topic:
            yield Problem(("acknowledged_on",), self.topic, "a topic of its own")


class Acknowledgement(BaseModel):
    """What a receiver says of one message about an incident. It may say more than this."""

    number: str = Field(max_length=64)
    version: int
    accepted: bool = True
    detail: str = Field(default="", max_length=2000)


class MqttChannel:
    """Publishes notices. The payload of a delivery is the same on every attempt."""

    def __init__(self, config: Config, clock: Clock) -> None:
        del clock
        self._config, self._bodies = (
            config,
            Bodies(config.envelope, config.picture_links, config.brings_films),
        )
        self._words = Words()
        presence = None
        if config.status_topic is not None:
            states = (json.dumps({"state": state}).encode() for state in ("online", "offline"))
            presence = Presence(config.status_topic, *states)
        topics = [config.acknowledged_on] if config.acknowledged_on else []
        self._link = Link(
            config.broker, topics, self._heard, self._lost, config.timeout_s, config.within, presence
        )

    async def send(self, delivery: Delivery) -> Receipt:
        """Publish it; return the receiver's word that it has it, or the broker's where it gives none."""
        notice = notice_of(delivery.payload)
        name = _name(notice.number, notice.version)
        if self._words.about(name) is None:  # its word may have come after the last attempt
            await self._publish(delivery, self._config.topic_of(notice))
            if self._config.acknowledged_on is None:
                return Receipt("taken", "the broker has it; whether the receiver has, nobody says")
        word = await self._words.until(name, (), self._config.timeout_s)
        self._words.forget(name)  # what is sent again is asked for again
        if word is None:
            raise TransientError(f"no word of the receiver within {self._config.timeout_s:g} s")
        if word.outcome == "refused":
            raise PermanentError(f"the receiver refuses it: {word.detail}".removesuffix(": "))
        return Receipt("acknowledged", word.detail)

    async def keep(self) -> None:
        """Be connected, also while there is nothing to tell; until cancelled."""
        await self._link.keep()

    async def close(self) -> None:
        """Close the connection."""
        await self._link.close()

    async def _publish(self, delivery: Delivery, topic: str) -> None:
        room = await self._link.ready()
        most = self._config.max_body_bytes
        body = await asyncio.to_thread(self._bodies.body, delivery, most if room is None else min(most, room))
        message = Message(topic, body, self._config.media_type, delivery.id)
        listened = await self._link.publish(message, self._config.retry.give_up_h * 3600)
        if not listened and self._config.listener_needed:
            raise TransientError(f"nobody has subscribed to {topic}")

    async def _heard(self, _topic: str, payload: bytes) -> None:
        """Take note of what a receiver says; what is none of this changes nothing."""
        try:
            said = Acknowledgement.model_validate_json(payload)
        except ValidationError:
            return
        outcome: Literal["finished", "refused"] = "finished" if said.accepted else "refused"
        await self._words.write_down(_name(said.number, said.version), Word(outcome, said.detail[:_DETAIL]))

    async def _lost(self) -> None:
        await self._words.lost(self._link.trouble)


def build(config: Config, clock: Clock) -> MqttChannel:
    """Return the channel; LookupError if the password cannot be read."""
    return MqttChannel(config, clock)


def _name(number: str, version: int) -> str:
    return f"{number}/{version}"

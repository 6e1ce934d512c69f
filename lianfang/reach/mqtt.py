"""What is done over MQTT has in common: a connection that is kept, and what goes through it.

MQTT 5 only: the broker forgets what it could not hand on in time, so that no late command is played.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

import aiomqtt
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions
from pydantic import StringConstraints

from lianfang.config.broker import Broker
from lianfang.errors import PermanentError, TransientError
from lianfang.reach.mqtt_client import Client, Message
from lianfang.reach.networks import Network, connect
from lianfang.redact import redact
from lianfang.tasks import end

_KEEPALIVE_S = 15  # a connection that died without a word is noticed after one and a half of these
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 10.0
_WAITING_AT_MOST = 1000  # messages that have come and are not looked at: a broker gone mad fills no memory
_LONGEST_MESSAGE = 16 * 1024  # bytes

# What a broker says to a message that it will never take: not authorised, topic or payload of no use.
_NEVER = frozenset({135, 144, 153})
_NOBODY = 16  # it has taken the message, and nobody has subscribed to it
_ALL, _NONE = 0, 2  # what of the retained messages is asked for: MQTT 5, 3.8.3.1
_AROUND = 1024  # bytes of a packet beside the topic and what is in it

Topic = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^+#\s]+$")]
"""One topic, not a pattern."""
Heard = Callable[[str, bytes], Awaitable[None]]
"""Told of a message: its topic, its payload."""
Lost = Callable[[], Awaitable[None]]
"""Told that the connection broke: what is said until it stands again is not heard."""


@dataclass(frozen=True, slots=True)
class Presence:
    """Where it is said, retained, that we are connected, and that we are not: by us, or by our last will."""

    topic: str
    online: bytes
    offline: bytes


class Link:
    """A connection to ``broker`` that is made anew whenever it breaks; ``topics`` come to ``heard``.

    A session never outlives its connection. What the broker has retained is not asked for where a topic is
    among ``fresh``. Messages of more than ``longest`` bytes are passed over,
    and those that come while ``waiting`` of them have not been looked at. One event loop owns it.
    """

    def __init__(
        self,
        broker: Broker,
        topics: Sequence[str],
        heard: Heard,
        lost: Lost,
        timeout_s: float,
        networks: Sequence[Network],
        presence: Presence | None = None,
        *,
        fresh: Collection[str] = (),
        longest: int = _LONGEST_MESSAGE,
        waiting: int = _WAITING_AT_MOST,
    ) -> None:
        self._presence, self._fresh, self._longest = presence, frozenset(fresh), longest
        self._waiting = waiting
        self._broker, self._topics, self._timeout_s, self._networks = broker, topics, timeout_s, networks
        self._heard, self._lost = heard, lost
        self._password = broker.password.read() if broker.password else None
        self._tls = broker.tls.context() if broker.tls else None
        self._client: Client | None = None
        self._task: asyncio.Task[None] | None = None
        self.trouble = "no connection yet"
        self._tried = asyncio.Event()
        self._hurry = asyncio.Event()

    async def ready(self) -> int | None:
        """Return once it stands: how many bytes a payload may have, None for any; TransientError for none."""
        largest = (await self._standing()).largest
        return None if largest is None else largest - _AROUND

    async def publish(self, message: Message, expires_s: float) -> bool:
        """Hand a message to the broker, which forgets it after ``expires_s``; return once it has it.

        False: it says that nobody has subscribed to it. TransientError says why there is no connection, or
        why the message may be taken later, PermanentError why never.
        """
        client = await self._standing()
        try:
            said = await client.hand_over(message.topic, message.payload, message.properties(expires_s))
        except (aiomqtt.MqttError, TimeoutError) as error:
            raise TransientError(f"the broker did not take it: {_said(error)}") from error
        if said.is_failure:
            kind = PermanentError if said.value in _NEVER else TransientError
            raise kind(f"the broker does not take {message.topic}: {said}")
        return said.value != _NOBODY

    async def keep(self) -> None:
        """Keep it standing, also while there is nothing to say; until cancelled."""
        self._begin()
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Close the connection, for good."""
        if self._task is None:
            return
        if self._client is not None and self._presence is not None:
            with suppress(aiomqtt.MqttError, TimeoutError):
                await self._client.hand_over(self._presence.topic, self._presence.offline, retain=True)
        await end(self._task, patience_s=self._timeout_s + 1)  # it takes leave of the broker
        self._task = None

    def _begin(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._keep())

    async def _standing(self) -> Client:
        self._begin()
        self._hurry.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timeout_s):
                await self._tried.wait()
        if self._client is None:
            raise TransientError(self.trouble)
        return self._client

    async def _keep(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                await self._serve(await self._reach())
            except Exception as error:  # noqa: BLE001 - its outermost loop: a speaker must not be lost to a bug
                pause_s = _FIRST_PAUSE_S if self._client else min(2 * pause_s, _LONGEST_PAUSE_S)
                await self._broken(error)
            self._hurry.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._hurry.wait()

    async def _reach(self) -> str:
        """Open a connection and close it again: the library would wait for a dead host in a shared thread.

        Return where the library is to connect to. It would ask anew where the name leads: without TLS it gets
        the address that was looked at. With TLS it needs the name, and what answers must prove that it is it.
        """
        host, port = self._broker.address
        async with asyncio.timeout(self._timeout_s):
            sock = await connect(host, port, self._networks)
            address: str = sock.getpeername()[0]
            name = host if self._tls else None
            _, writer = await asyncio.open_connection(sock=sock, ssl=self._tls, server_hostname=name)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        return host if self._tls else address

    async def _serve(self, host: str) -> None:
        present = self._presence
        async with Client(
            host,
            self._broker.address[1],
            username=self._broker.username,
            password=self._password,
            protocol=aiomqtt.ProtocolVersion.V5,
            keepalive=_KEEPALIVE_S,
            timeout=self._timeout_s,
            tls_context=self._tls,
            max_queued_incoming_messages=self._waiting,
            will=aiomqtt.Will(present.topic, present.offline, 1, retain=True) if present else None,
        ) as client:
            for topic in self._topics:
                asked = SubscribeOptions(qos=1, retainHandling=_NONE if topic in self._fresh else _ALL)
                granted = await client.subscribe(topic, options=asked)
                if any(code.is_failure for code in granted if isinstance(code, ReasonCode)):
                    raise aiomqtt.MqttError(f"the broker does not let us listen to {topic}")
            if present:
                said = await client.hand_over(present.topic, present.online, retain=True)
                if said.is_failure:
                    raise aiomqtt.MqttError(f"the broker does not take {present.topic}: {said}")
            self._client = client
            self._tried.set()
            async for message in client.messages:
                payload = message.payload
                if isinstance(payload, bytes) and len(payload) <= self._longest:
                    await self._heard(str(message.topic), payload)

    async def _broken(self, error: Exception) -> None:
        stood, self._client = self._client is not None, None
        what = "the connection to the broker broke" if stood else "no connection to the broker"
        self.trouble = f"{what}: {_said(error)}"
        self._tried.set()
        if stood:
            await self._lost()


def _said(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return redact(str(error))

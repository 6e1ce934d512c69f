"""A simulated speaker behind a real Mosquitto, and the channel to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any

from alerts.channels import speaker_mqtt
from alerts.channels.base import Receipt, Speaker
from alerts.voice.clips import Clips
from deploy.simulators.speaker_mqtt import MqttSpeakerSimulator
from lianfang.clock import Clock, SystemClock
from lianfang.errors import LianfangError
from tests.support.channels import delivery_of, silent, speech
from tests.support.delivery import until
from tests.support.kafka import fresh
from tests.support.mosquitto import Mosquitto, shared_broker

SLOW_S = 2.0  # a character: nothing ends by itself while a test looks


def channel_to(
    port: int,
    device: str,
    *,
    clock: Clock | None = None,
    clips: Clips | None = None,
    **changed: Any,  # noqa: ANN401 - as the configuration has it
) -> Speaker:
    """Return the channel to a simulated speaker."""
    stanza = {
        "kind": "speaker_mqtt",
        "broker": {"host": "127.0.0.1", "port": port},
        "networks": ["127.0.0.0/8"],
        "command_topic": f"speakers/{device}/cmd",
        "result_topic": f"speakers/{device}/result",
        "status_topic": f"speakers/{device}/status",
        **changed,
    }
    return speaker_mqtt.build(speaker_mqtt.Config.model_validate(stanza), clock or SystemClock(), clips)


@dataclass
class Site:
    """A speaker, the way to it, and what came of what was sent."""

    speaker: MqttSpeakerSimulator
    channel: Speaker
    answers: dict[str, Receipt | Exception] = field(default_factory=dict)

    async def say(
        self, command: str = "a", attempt: int = 1, valid_s: float = 30, **changed: object
    ) -> Receipt | Exception:
        """Send a command; return what came of it."""
        delivery = delivery_of(speech(valid_s) | changed | {"id": command}, delivery_id=command)
        try:
            self.answers[command] = await self.channel.send(replace(delivery, attempt=attempt))
        except LianfangError as error:
            self.answers[command] = error
        return self.answers[command]

    async def playing(self, command: str, **changed: Any) -> asyncio.Task[Receipt | Exception]:  # noqa: ANN401
        """Send a command and return once it is played."""
        task = asyncio.create_task(self.say(command, **changed))
        await until(lambda: self.speaker.word(command) == "playing")
        return task


def at_site(
    test: Callable[[Site], Awaitable[None]],
    *,
    broker: Mosquitto | None = None,
    config: dict[str, Any] | None = None,
    clips: Clips | None = None,
    **simulated: Any,  # noqa: ANN401 - as the simulator takes it
) -> None:
    """Run ``test`` at a speaker behind a broker."""
    port = (broker or shared_broker()).port

    async def run() -> None:
        device = fresh("horn")
        async with AsyncExitStack() as resources:
            simulator = MqttSpeakerSimulator("127.0.0.1", port, device, say=silent, **simulated)
            speaker = await resources.enter_async_context(simulator)
            channel = channel_to(port, device, clips=clips, **(config or {}))
            assert isinstance(channel, Speaker)
            resources.push_async_callback(channel.close)
            await test(Site(speaker, channel))

    asyncio.run(run())


async def until_state(site: Site, condition: str) -> None:
    """Wait until the channel knows how the speaker is."""
    async with asyncio.timeout(10):
        while (await site.channel.status()).condition != condition:  # noqa: ASYNC110 - it is asked
            await asyncio.sleep(0.01)

"""A 4G speaker behind an MQTT broker that prints what it would say. See docs/protocols/speaker_mqtt.md.

``python -m deploy.simulators.speaker_mqtt --broker 127.0.0.1:1883 --device horn1``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Annotated, Any, Literal, Self

import aiohttp
import aiomqtt
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from deploy.simulators.commands import AGAIN, Word
from deploy.simulators.server import Say, to_stdout
from lianfang.tasks import end

Fault = Literal["deaf", "mute"]
"""``deaf``: a command is not heard. ``mute``: it is carried out, and nothing is answered."""


class _Command(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    frameId: Annotated[str, Field(min_length=1, max_length=64)]  # noqa: N815 - as it is on the wire


class _StartTts(_Command):
    method: Literal["startTts"]
    content: Annotated[str, Field(min_length=1, max_length=2500)]
    vol: Annotated[int, Field(ge=0, le=100)]
    repeat: Annotated[int, Field(ge=1, le=10)]
    firstPlay: bool  # noqa: N815


class _PlayUrl(_Command):
    method: Literal["playUrl"]
    url: Annotated[str, Field(pattern=r"^http://\S+$")]  # many devices know no https
    vol: Annotated[int, Field(ge=0, le=100)]
    repeat: Annotated[int, Field(ge=1, le=10)]
    firstPlay: bool  # noqa: N815


class _StopAudio(_Command):
    method: Literal["stopAudio"]


_COMMANDS: TypeAdapter[_StartTts | _PlayUrl | _StopAudio] = TypeAdapter(
    Annotated[_StartTts | _PlayUrl | _StopAudio, Field(discriminator="method")]
)

_LARGEST = 6 * 1024 * 1024  # bytes of a file that it plays


@dataclass
class _Spoken:
    command: _StartTts | _PlayUrl
    mute: bool
    outcome: str = "accepted"
    detail: str = ""
    ended_by: asyncio.Future[Word] = field(default_factory=asyncio.Future)

    def end(self, word: Word) -> None:
        if not self.ended_by.done():
            self.ended_by.set_result(word)


class MqttSpeakerSimulator:
    """One speaker: plays one command at a time, each frameId once; ``firstPlay`` goes before what waits.

    A play takes ``seconds_per_character`` × characters × repeat. ``words`` are how the next plays end,
    instead of ``finished``; ``faults`` meet the next commands. While ``obeys_stop`` is false it plays on.
    It answers after ``answer_after_s``; with ``says_end`` false it says that it has a command, and no more.
    """

    def __init__(
        self,
        host: str,
        port: int,
        device: str,
        *,
        seconds_per_character: float = 0.0,
        answer_after_s: float = 0.0,
        heartbeat_s: float = 60.0,
        says_end: bool = True,
        words: Iterable[Word] = (),
        faults: Iterable[Fault | None] = (),
        say: Say = to_stdout,
        **connection: Any,  # noqa: ANN401 - what aiomqtt.Client takes: login, TLS
    ) -> None:
        self.command_topic, self.result_topic, self.status_topic = (
            f"speakers/{device}/{what}" for what in ("cmd", "result", "status")
        )
        self._address, self._connection = (host, port), connection
        self._pace_s, self._answer_after_s = seconds_per_character, answer_after_s
        self._heartbeat_s, self._says_end = heartbeat_s, says_end
        self._words, self.faults = list(words), list(faults)
        self.say = say
        self.received: list[dict[str, Any]] = []
        self.heard: list[str] = []
        self.fetched: list[bytes] = []
        self.obeys_stop = True
        self.state = "online"
        self._spoken: dict[str, _Spoken] = {}
        self._queue: list[_Spoken] = []
        self._current: _Spoken | None = None
        self._more = asyncio.Event()
        self._resources = AsyncExitStack()

    async def __aenter__(self) -> Self:
        will = aiomqtt.Will(self.status_topic, json.dumps({"state": "offline"}), qos=1, retain=True)
        self._client = await self._resources.enter_async_context(
            aiomqtt.Client(*self._address, will=will, protocol=aiomqtt.ProtocolVersion.V5, **self._connection)
        )
        await self._client.subscribe(self.command_topic, qos=1)
        await self.tell("online")
        self._tasks = [asyncio.create_task(work()) for work in (self._listen, self._play, self._beat)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await end(*self._tasks)
        with suppress(aiomqtt.MqttError):
            await self.tell("offline")
            await self._resources.aclose()

    def word(self, frame: str) -> str:
        """Return how far it is with a command, "" where it knows none."""
        return self._spoken[frame].outcome if frame in self._spoken else ""

    async def tell(self, state: str, **more: str) -> None:
        """Say how it is from now on."""
        self.state = state
        await self._publish(self.status_topic, {"state": state, **more}, retain=True)

    async def call_emergency(self, *, on: bool) -> None:
        """Let an emergency programme from outside begin, which breaks off what is played, or end."""
        await self.tell("emergency" if on else "online")
        for spoken in [*self._queue, *([self._current] if self._current else [])] if on else []:
            spoken.end("emergency")

    def vanish(self) -> None:
        """Lose the connection without a word: the broker publishes the last will."""
        for task in self._tasks:
            task.cancel()
        self._client._client._sock_close()  # noqa: SLF001 - the library has no way to break a connection

    async def _listen(self) -> None:
        async for message in self._client.messages:
            await self._obey(bytes(message.payload))

    async def _obey(self, payload: bytes) -> None:
        try:
            said = json.loads(payload)
            command = _COMMANDS.validate_python(said)
        except (ValueError, ValidationError) as error:
            frame = said.get("frameId") if isinstance(said, dict) else None
            await self._answer(str(frame), "bad_parameter", str(error).splitlines()[0])
            return
        self.received.append(said)
        fault = self.faults.pop(0) if self.faults else None
        if fault == "deaf":
            return
        await asyncio.sleep(self._answer_after_s)
        if isinstance(command, _StopAudio):
            await self._stop(command)
        else:
            await self._take(command, mute=fault == "mute")

    async def _take(self, command: _StartTts | _PlayUrl, *, mute: bool) -> None:
        known = self._spoken.get(command.frameId)
        if known is not None and known.outcome not in AGAIN:
            known.mute = mute
            await self._say_of(known)  # said once, however often it is asked
            return
        self._spoken[command.frameId] = spoken = _Spoken(command, mute)
        if self.state == "emergency":
            spoken.end("emergency")
        self._queue.insert(0 if command.firstPlay else len(self._queue), spoken)
        await self._say_of(spoken)
        self._more.set()

    async def _stop(self, command: _StopAudio) -> None:
        if not self.obeys_stop:
            await self._answer(command.frameId, "error", "the amplifier does not obey")
            return
        for spoken in [*self._queue, *([self._current] if self._current else [])]:
            spoken.end("stopped")
        while self._queue or self._current:  # noqa: ASYNC110 - a simulator may ask
            await asyncio.sleep(0.01)
        await self._answer(command.frameId, "finished" if self._says_end else "accepted")

    async def _play(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            while self._queue:
                self._current = self._queue.pop(0)
                word = await self._speak(self._current)
                self._current.outcome = word
                self.say(f"{word}: {_shown(self._current.command)}")
                if self._says_end:
                    await self._say_of(self._current)
                self._current = None

    async def _speak(self, spoken: _Spoken) -> Word:
        command = spoken.command
        if spoken.ended_by.done():
            return spoken.ended_by.result()
        word = self._words.pop(0) if self._words else "finished"
        if word in {"refused", "bad_parameter"}:
            return word
        spoken.outcome = "playing"
        if self._says_end:
            await self._say_of(spoken)
        once_s = self._pace_s * len(command.content) if isinstance(command, _StartTts) else 0.0
        if isinstance(command, _PlayUrl):
            self.fetched.append(sound := await _fetched(command.url))
            if not sound.startswith(b"RIFF") or len(sound) > _LARGEST:
                spoken.detail = "it cannot be fetched"
                return "error"
        await asyncio.wait([spoken.ended_by], timeout=once_s * command.repeat)
        if spoken.ended_by.done():
            return spoken.ended_by.result()
        if word == "finished":
            self.heard.append(_shown(command))
        return word

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_s)
            await self.tell(self.state)

    async def _say_of(self, spoken: _Spoken) -> None:
        if not spoken.mute:
            await self._answer(spoken.command.frameId, spoken.outcome, spoken.detail)

    async def _answer(self, frame: str, result: str, msg: str = "") -> None:
        await self._publish(self.result_topic, {"frameId": frame, "result": result, "msg": msg})

    async def _publish(self, topic: str, said: object, *, retain: bool = False) -> None:
        await self._client.publish(topic, json.dumps(said, ensure_ascii=False), qos=1, retain=retain)


def _shown(command: _StartTts | _PlayUrl) -> str:
    return command.content if isinstance(command, _StartTts) else command.url.partition("?")[0]


async def _fetched(url: str) -> bytes:
    """Return what is at ``url``, nothing where that is no success."""
    with suppress(aiohttp.ClientError):
        async with aiohttp.ClientSession() as session, session.get(url, allow_redirects=False) as answer:
            return await answer.read() if answer.status == 200 else b""
    return b""


def main() -> None:
    """Run one speaker until interrupted."""
    parser = argparse.ArgumentParser(
        description="A speaker behind an MQTT broker that prints what it would say."
    )
    parser.add_argument("--broker", default="127.0.0.1:1883", help="host:port")
    parser.add_argument(
        "--device", default="horn1", help="its topics are speakers/DEVICE/cmd, result, status"
    )
    parser.add_argument("--seconds-per-character", type=float, default=0.25)
    options = parser.parse_args()
    host, _, port = options.broker.partition(":")

    async def serve() -> None:
        pace_s = options.seconds_per_character
        async with MqttSpeakerSimulator(
            host, int(port or 1883), options.device, seconds_per_character=pace_s
        ) as speaker:
            speaker.say(f"listening on {speaker.command_topic}")
            await asyncio.Event().wait()

    with suppress(KeyboardInterrupt):
        asyncio.run(serve())


if __name__ == "__main__":
    main()

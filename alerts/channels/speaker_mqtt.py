"""``kind: speaker_mqtt``: a 4G speaker that takes ``startTts`` and ``stopAudio`` from an MQTT broker.

See docs/protocols/speaker_mqtt.md.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, Literal, get_args
from uuid import uuid4

from pydantic import Field

from alerts.channels._words import Word, Words
from alerts.channels.base import (
    UNDER_WAY,
    Condition,
    Delivery,
    EmergencyOnAir,
    Outcome,
    Receipt,
    SpeakerConfig,
    SpeakerStatus,
    receipt,
)
from alerts.payload import Speech, Utterance
from alerts.voice.clips import Clips
from lianfang.clock import Clock
from lianfang.config import Config as WholeConfig
from lianfang.config import Problem, Spoken
from lianfang.config.broker import Broker
from lianfang.errors import PermanentError, TransientError
from lianfang.reach.mqtt import Link, Topic
from lianfang.reach.mqtt_client import Message
from lianfang.reach.networks import Reached, check_host

State = Literal["ready", "playing", "emergency", "faulty", "offline"]

_A_CHARACTER_S = 0.25  # a slow voice; for how long a device is kept busy that never says when it has done
_WAITING: tuple[Outcome, ...] = ("accepted",)
_DETAIL = 200  # characters of what a device says
_RESULTS: dict[str, Outcome] = {
    **{word: word for word in get_args(Outcome)},
    **dict.fromkeys(("0", "ok", "success"), "accepted"),
}
_STATES: dict[str, State] = {
    **{state: state for state in get_args(State)},
    **dict.fromkeys(("online", "idle"), "ready"),
}


class Config(Reached, SpeakerConfig):
    """A 4G speaker behind an MQTT broker, which speaks text itself."""

    kind: Literal["speaker_mqtt"]
    broker: Broker
    """The broker that the speaker is connected to."""
    command_topic: Topic
    """Where the speaker takes its commands, such as speakers/863488050000001/cmd."""
    result_topic: Topic
    """Where it answers them."""
    status_topic: Topic | None = None
    """Where it says how it is, retained and with its last will; not asked for where not given."""
    heartbeat_s: float | None = Field(default=None, ge=1, le=86400)
    """Seconds between two words on the status topic, silent after three times that; none where not given."""
    results: dict[str, Outcome] = Field(default_factory=dict)
    """Words that it uses in `result` (a number as text) and what they mean, beside the usual ones."""
    states: dict[str, State] = Field(default_factory=dict)
    """Words that it uses in `state` and what they mean, beside the usual ones."""
    says_end: bool = True
    """False: it never says that it has finished; that it has taken a command is its last word then."""
    speaks: tuple[Spoken, ...] = Field(default=("zh",), min_length=1)
    """Languages that its own voice speaks; texts in others are left out, or sound."""
    play_url: bool = False
    """True: recordings, and languages that it does not speak, are fetched by it as sound (`voice.serve`)."""
    first_from: int = Field(default=50, ge=0, le=100)
    """Urgency from which a command goes before what others have queued there (`firstPlay`)."""
    timeout_s: float = Field(default=5, gt=0, le=30)
    """Seconds that broker and speaker may take for any answer."""

    @property
    def plays_sound(self) -> bool:
        """Only where it is told to."""
        return self.play_url

    def check(self, config: WholeConfig) -> Iterable[Problem]:
        """Yield a broker that is not allowed, topics not told apart, a heartbeat that nobody would hear."""
        yield from super().check(config)
        for problem in check_host("host", self.broker.host, self.within):
            yield problem.under("broker")
        others = {self.command_topic, self.result_topic}
        if len(others) < 2:
            yield Problem(("result_topic",), self.result_topic, "another topic than command_topic")
        if self.status_topic in others:
            yield Problem(("status_topic",), str(self.status_topic), "a topic of its own")
        if self.play_url and config.voice.serve is None:
            yield Problem(
                ("play_url",), "true without voice.serve", "voice.serve, where it fetches the sound"
            )
        if self.heartbeat_s is not None and self.status_topic is None:
            yield Problem(("heartbeat_s",), f"{self.heartbeat_s:g} without status_topic", "status_topic")


class SpeakerMqttChannel:
    """Tells one speaker what to say, and waits for its own word about it: the broker's is none."""

    def __init__(self, config: Config, clock: Clock, clips: Clips | None = None) -> None:
        self._config, self._clock, self._clips = config, clock, clips
        self._results = _RESULTS | config.results
        self._states = _STATES | config.states
        self._words = Words()
        self._state: tuple[State, SpeakerStatus] | None = None
        self._state_at_s = 0.0
        self._state_known = asyncio.Event()
        topics = [config.result_topic, *([config.status_topic] if config.status_topic else [])]
        self._link = Link(config.broker, topics, self._heard, self._lost, config.timeout_s, config.within)

    async def send(self, delivery: Delivery) -> Receipt:
        """Send the command and follow it to the device's last word; one that is known is not asked for again.

        What it has taken and not begun in time, and what it says for longer than ``max_s``, is stopped.
        """
        speech = Speech.model_validate(delivery.payload)
        left_s = self._left_s(speech)
        if left_s <= 0:
            raise PermanentError("not sent: its validity has passed")
        command, lasts_s = await self._command(delivery.id, speech)
        known = self._words.about(delivery.id)
        if known is None or known.outcome not in UNDER_WAY | {"finished", "stopped"}:
            await self._link.ready()
            self._refuse_if_useless()
            self._words.forget(delivery.id)
            await self._publish(command, left_s)
        word = await self._until(delivery.id, (), self._config.timeout_s)
        if word.outcome in UNDER_WAY and not self._config.says_end:
            return await self._wait_out(delivery.id, lasts_s)
        if word.outcome == "accepted":
            word = await self._until(delivery.id, _WAITING, self._left_s(speech))
        if word.outcome == "playing":
            word = await self._until(delivery.id, UNDER_WAY, speech.max_s)
        if word.outcome in UNDER_WAY:
            return await self._cut(delivery.id, word, speech)
        return receipt(word.outcome, word.detail)

    async def stop(self, command_id: str) -> Receipt:
        """Clear what the speaker plays and what waits there; return once it says that it has."""
        known = self._words.about(command_id)
        if known is not None and known.outcome not in UNDER_WAY:
            return Receipt(known.outcome, known.detail)
        frame = uuid4().hex
        await self._publish({"method": "stopAudio", "frameId": frame}, self._config.timeout_s)
        answer = await self._until(frame, UNDER_WAY if self._config.says_end else (), self._config.timeout_s)
        self._words.forget(frame)
        heard = {"finished", "stopped"} if self._config.says_end else {"finished", "stopped", "accepted"}
        if answer.outcome not in heard:
            raise TransientError(f"it does not stop: {answer.outcome}, {answer.detail}".removesuffix(", "))
        word = self._words.about(command_id)
        if word is None or word.outcome in UNDER_WAY:
            word = Word("stopped", "the speaker has cleared its queue")
            await self._words.write_down(command_id, word)
        return Receipt(word.outcome, word.detail)

    async def status(self) -> SpeakerStatus:
        """Return what it said last; TransientError where it is offline or has been silent for too long."""
        if self._config.status_topic is None:
            raise PermanentError("nothing asks it how it is: it has no status_topic")
        await self._link.ready()
        if self._state is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._config.timeout_s):
                    await self._state_known.wait()
        if self._state is None:
            raise TransientError(f"no word from it on {self._config.status_topic}")
        state, status = self._state
        if state == "offline":
            raise TransientError(f"the broker says that it is offline: {status.detail}".removesuffix(": "))
        silent_s = self._clock.monotonic() - self._state_at_s
        if self._config.heartbeat_s is not None and silent_s > 3 * self._config.heartbeat_s:
            raise TransientError(f"no heartbeat for {silent_s:.0f} s")
        return status

    async def close(self) -> None:
        """Close the connection."""
        await self._link.close()

    async def _command(self, frame: str, speech: Speech) -> tuple[dict[str, Any], float]:
        """Return the command, and about how many seconds it takes to play."""
        said = (Utterance(language=speech.language, text=speech.text, clip=speech.clip), *speech.also)
        texts = [one.text for one in said if one.language in self._config.speaks]
        if self._clips is not None and (len(texts) < len(said) or any(map(self._clips.is_recorded, said))):
            clip = await self._clips.clip(speech)
            link = self._clips.link(clip, speech.valid_until + timedelta(seconds=speech.max_s))
            what, once_s = {"method": "playUrl", "url": link}, clip.seconds
        elif texts:
            content = " ".join(texts)
            what, once_s = {"method": "startTts", "content": content}, _A_CHARACTER_S * len(content)
        else:
            asked = ", ".join(one.language for one in said)
            raise PermanentError(f"it speaks {', '.join(self._config.speaks)}, not {asked}")
        # Its own bound, should nobody reach it any more.
        repeat = min(speech.repeat, max(1, int(speech.max_s / once_s)))
        first = speech.priority >= self._config.first_from
        command = {"frameId": frame, "vol": speech.volume_pct, "repeat": repeat, "firstPlay": first}
        return what | command, once_s * repeat

    def _refuse_if_useless(self) -> None:
        if self._state is None:
            return
        state, status = self._state
        if state == "emergency":
            raise EmergencyOnAir(f"an emergency programme is on the air: {status.detail}".removesuffix(": "))
        if state == "offline":
            raise TransientError("the broker says that it is offline")

    async def _publish(self, command: Mapping[str, Any], expires_s: float) -> None:
        payload = json.dumps(command, ensure_ascii=False).encode()
        await self._link.publish(Message(self._config.command_topic, payload), expires_s)

    async def _until(self, frame: str, not_yet: Collection[Outcome], wait_s: float) -> Word:
        word = await self._words.until(frame, not_yet, wait_s)
        if word is None:
            raise TransientError(f"no answer from the speaker within {self._config.timeout_s:g} s")
        return word

    async def _wait_out(self, frame: str, lasts_s: float) -> Receipt:
        """Let a device that has the command, and says no more, speak for about as long as that takes."""
        word = await self._until(frame, UNDER_WAY, lasts_s)
        if word.outcome not in UNDER_WAY:
            return receipt(word.outcome, word.detail)
        detail = "the speaker has taken it; it does not say when it has finished"
        await self._words.write_down(frame, Word("finished", detail))
        return Receipt("accepted", detail)

    async def _cut(self, frame: str, word: Word, speech: Speech) -> Receipt:
        """Stop what has gone on for too long."""
        with suppress(TransientError):
            stopped = await self.stop(frame)
            if word.outcome == "playing" and stopped.outcome in {"stopped", "finished"}:
                await self._words.write_down(frame, Word("finished", f"cut after {speech.max_s} s"))
                return Receipt("finished", f"cut after {speech.max_s} s")
        raise TransientError(f"still {word.outcome} when its time was over")

    def _left_s(self, speech: Speech) -> float:
        return (speech.valid_until - self._clock.now()).total_seconds()

    async def _heard(self, topic: str, payload: bytes) -> None:
        """Take note of a message; what is none of this dialect changes nothing."""
        try:
            said = json.loads(payload)
        except (ValueError, RecursionError):
            return
        if not isinstance(said, dict):
            return
        if topic == self._config.status_topic:
            await self._heard_state(said)
        elif isinstance(frame := said.get("frameId"), str) and "result" in said:
            result = str(said["result"])
            outcome = self._results.get(result, "refused")
            detail = str(said.get("msg", ""))[:_DETAIL]
            if result not in self._results:
                detail = f"an answer that `results` does not explain: {result[:_DETAIL]}"
            await self._words.write_down(frame, Word(outcome, detail))

    async def _heard_state(self, said: Mapping[str, Any]) -> None:
        state = self._states.get(str(said.get("state")))
        if state is None:
            return
        frame, detail = str(said.get("frameId", "")), str(said.get("msg", ""))[:_DETAIL]
        condition: Condition = "faulty" if state == "offline" else state
        self._state = state, SpeakerStatus(condition, frame, detail)
        self._state_at_s = self._clock.monotonic()
        self._state_known.set()
        if state == "offline":
            await self._words.lost("the broker says that it is offline")

    async def _lost(self) -> None:
        self._state = None
        self._state_known.clear()
        await self._words.lost(self._link.trouble)


def build(config: Config, clock: Clock, clips: Clips | None = None) -> SpeakerMqttChannel:
    """Return the channel; LookupError if the password cannot be read. ``clips`` where it plays sound."""
    return SpeakerMqttChannel(config, clock, clips)

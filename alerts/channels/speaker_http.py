"""``kind: speaker_http``: a speaker that speaks lianfang's own protocol over HTTP.

See docs/protocols/speaker_http.md.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, Field, ValidationError

from alerts.channels.base import (
    UNDER_WAY,
    Condition,
    Delivery,
    Outcome,
    Receipt,
    SpeakerConfig,
    SpeakerStatus,
    receipt,
)
from alerts.payload import Speech
from lianfang.clock import Clock
from lianfang.config import Config as WholeConfig
from lianfang.config import Problem, Secret
from lianfang.errors import PermanentError, TransientError
from lianfang.reach.http import Answer, BaseUrl, HttpEndpoint, check_ca_file, check_status
from lianfang.reach.networks import Reached, check_address

# It speaks the text itself: our files are nothing to it.
_NOT_SENT: dict[str, Any] = {"schema_version": True, "clip": True, "also": {"__all__": {"clip"}}}


class Config(Reached, SpeakerConfig):
    """A speaker that is told what to say."""

    kind: Literal["speaker_http"]
    base_url: BaseUrl
    """Where the speaker listens; ``/v1/say`` is appended."""
    token: Secret
    """What the speaker knows us by (a bearer token)."""
    ca_file: Path | None = None
    """Certificates to trust instead of the system's."""
    timeout_s: float = Field(default=3, gt=0, le=30)
    """Seconds that the speaker may take for any answer: short, because the next speaker is waiting."""
    poll_s: float = Field(default=0.5, gt=0, le=10)
    """Seconds between two questions whether it has been said."""

    def check(self, config: WholeConfig) -> Iterable[Problem]:
        """Yield an address that is not allowed, and a certificate file that cannot be read."""
        yield from super().check(config)
        yield from check_address("base_url", self.base_url, self.within)
        yield from check_ca_file(self.ca_file)


class SpeakerAnswer(BaseModel):
    """What the speaker says about one command. It may say more than this."""

    id: str
    outcome: Outcome
    detail: str = Field(default="", max_length=2000)


class StatusAnswer(BaseModel):
    """What the speaker says about itself. It may say more than this."""

    condition: Condition
    playing: str | None = None
    detail: str = Field(default="", max_length=2000)


class SpeakerHttpChannel:
    """Tells one speaker what to say, and waits until it has been said: ``accepted`` is not ``finished``."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config, self._clock = config, clock
        self._http = HttpEndpoint(
            config.timeout_s, config.ca_file, config.token.read(), networks=config.within
        )

    async def send(self, delivery: Delivery) -> Receipt:
        """Send the command and follow it to the device's final word.

        ``finished`` is returned. ``pre_empted``, ``error``, ``emergency`` and silence may go better next
        time, with the same id; every other word is final.
        """
        speech = Speech.model_validate(delivery.payload)
        now = self._clock.now()
        if now >= speech.valid_until:
            raise PermanentError("not sent: its validity has passed")
        body = speech.model_dump(mode="json", exclude=_NOT_SENT) | {
            "id": delivery.id,
            "sent_at": now.isoformat(),
        }
        headers = {"Content-Type": "application/json"}
        url = f"{self._config.base_url}/v1/say"
        data = json.dumps(body, ensure_ascii=False).encode()
        said = self._read(await self._http.request("POST", url, headers, data), delivery.id)
        if said.outcome in UNDER_WAY:
            longest = timedelta(seconds=speech.max_s + self._config.timeout_s)
            said = await self._follow(delivery.id, speech.valid_until, speech.valid_until + longest)
        return receipt(said.outcome, said.detail)

    async def stop(self, command_id: str) -> Receipt:
        """Break the command off; return once the speaker says that it is over.

        TransientError if it is still played after ``timeout_s``: the stop was not heard.
        """
        now = self._clock.now()
        answer = await self._http.request("POST", f"{self._url_of(command_id)}/stop", {})
        said = self._read(answer, command_id)
        if said.outcome in UNDER_WAY:
            patience = now + timedelta(seconds=self._config.timeout_s)
            said = await self._follow(command_id, patience, patience)
        return Receipt(said.outcome, said.detail)

    async def status(self) -> SpeakerStatus:
        """Ask how it is; PermanentError if it does not know the question."""
        answer = await self._http.request("GET", f"{self._config.base_url}/v1/status", {})
        check_status(answer, self._clock.now())
        try:
            said = StatusAnswer.model_validate_json(answer.body)
        except ValidationError as error:
            raise TransientError(f"not an answer of this protocol: {answer.quote()}") from error
        return SpeakerStatus(said.condition, said.playing or "", said.detail)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def _follow(self, command_id: str, begin_by: datetime, end_by: datetime) -> SpeakerAnswer:
        """Ask until the speaker has a final word; TransientError if it takes longer than it may.

        One question without an answer ends the attempt: the next one repeats the command under the same id,
        which the speaker does not play twice.
        """
        while True:
            await asyncio.sleep(self._config.poll_s)
            said = self._read(await self._http.request("GET", self._url_of(command_id), {}), command_id)
            if said.outcome not in UNDER_WAY:
                return said
            now = self._clock.now()
            if now >= end_by or (said.outcome == "accepted" and now >= begin_by):
                raise TransientError(f"still {said.outcome} when its time was over")

    def _url_of(self, command_id: str) -> str:
        return f"{self._config.base_url}/v1/say/{quote(command_id, safe='')}"

    def _read(self, answer: Answer, command_id: str) -> SpeakerAnswer:
        check_status(answer, self._clock.now())
        try:
            said = SpeakerAnswer.model_validate_json(answer.body)
        except ValidationError as error:
            raise TransientError(f"not an answer of this protocol: {answer.quote()}") from error
        if said.id != command_id:
            raise TransientError(f"an answer about another command: {answer.quote()}")
        return said


def build(config: Config, clock: Clock) -> SpeakerHttpChannel:
    """Return the channel; LookupError if the token cannot be read."""
    return SpeakerHttpChannel(config, clock)

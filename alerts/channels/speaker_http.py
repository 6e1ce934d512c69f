"""``kind: speaker_http``: a speaker that speaks lianfang's own protocol over HTTP.

See docs/protocols/speaker_http.md.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from pydantic import BaseModel, Field, ValidationError, field_validator

from alerts.channels._http import Answer, HttpEndpoint, check_ca_file, check_status, http_url
from alerts.channels.base import Delivery, Receipt, SpeakerConfig
from alerts.payload import Speech
from lianfang.clock import Clock
from lianfang.config import Config as WholeConfig
from lianfang.config import Problem, Secret
from lianfang.errors import PermanentError, TransientError

Outcome = Literal[
    "accepted",
    "playing",
    "finished",
    "refused",
    "bad_parameter",
    "pre_empted",
    "stopped",
    "error",
    "expired",
]
UNDER_WAY: frozenset[Outcome] = frozenset({"accepted", "playing"})
MAY_SUCCEED_LATER: frozenset[Outcome] = frozenset({"pre_empted", "error"})


class Config(SpeakerConfig):
    """A speaker that is told what to say."""

    kind: Literal["speaker_http"]
    base_url: str
    """Where the speaker listens; ``/v1/say`` is appended."""
    token: Secret
    """What the speaker knows us by (a bearer token)."""
    ca_file: Path | None = None
    """Certificates to trust instead of the system's."""
    timeout_s: float = Field(default=3, gt=0, le=30)
    """Seconds that the speaker may take for any answer: short, because the next speaker is waiting."""
    poll_s: float = Field(default=0.5, gt=0, le=10)
    """Seconds between two questions whether it has been said."""
    max_play_s: float = Field(default=120, gt=0, le=600)
    """Seconds that a speech may go on after its validity, if it began within it."""

    @field_validator("base_url")
    @classmethod
    def _http_url(cls, value: str) -> str:
        if "@" in http_url(value):
            raise ValueError("a URL without a user name: the token says who is calling")
        return value.rstrip("/")

    def check(self, config: WholeConfig) -> Iterable[Problem]:
        """Yield a certificate file that cannot be read."""
        del config
        yield from check_ca_file(self.ca_file)


class SpeakerAnswer(BaseModel):
    """What the speaker says about one command. It may say more than this."""

    id: str
    outcome: Outcome
    detail: str = Field(default="", max_length=2000)


class SpeakerHttpChannel:
    """Tells one speaker what to say, and waits until it has been said: ``accepted`` is not ``finished``."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config, self._clock = config, clock
        self._http = HttpEndpoint(config.timeout_s, config.ca_file, config.token.read())

    async def send(self, delivery: Delivery) -> Receipt:
        """Send the command and follow it to the device's final word.

        ``finished`` is returned. ``pre_empted``, ``error`` and silence may go better next time, with the
        same id; every other word is final.
        """
        speech = Speech.model_validate(delivery.payload)
        now = self._clock.now()
        if now >= speech.valid_until:
            raise PermanentError("not sent: its validity has passed")
        body = speech.model_dump(mode="json", exclude={"schema_version"}) | {
            "id": delivery.id,
            "sent_at": now.isoformat(),
        }
        headers = {"Content-Type": "application/json"}
        url = f"{self._config.base_url}/v1/say"
        data = json.dumps(body, ensure_ascii=False).encode()
        said = self._read(await self._http.request("POST", url, headers, data), delivery.id)
        if said.outcome in UNDER_WAY:
            said = await self._follow(f"{url}/{quote(delivery.id, safe='')}", delivery.id, speech.valid_until)
        return _receipt(said)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def _follow(self, url: str, command_id: str, valid_until: datetime) -> SpeakerAnswer:
        """Ask until the speaker has a final word.

        One question without an answer ends the attempt: the next one repeats the command under the same id,
        which the speaker does not play twice.
        """
        last = valid_until + timedelta(seconds=self._config.max_play_s)
        while True:
            await asyncio.sleep(self._config.poll_s)
            said = self._read(await self._http.request("GET", url, {}), command_id)
            if said.outcome not in UNDER_WAY:
                return said
            now = self._clock.now()
            if now >= last or (said.outcome == "accepted" and now >= valid_until):
                raise TransientError(f"still {said.outcome} when its time was over")

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


def _receipt(said: SpeakerAnswer) -> Receipt:
    if said.outcome == "finished":
        return Receipt(said.outcome, said.detail)
    message = f"the speaker says {said.outcome}: {said.detail}".removesuffix(": ")
    if said.outcome in MAY_SUCCEED_LATER:
        raise TransientError(message)
    raise PermanentError(message)

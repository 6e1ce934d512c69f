"""The alarm sounds that a device with ISAPI has stored, for one that has no two-way audio."""

from __future__ import annotations

import json
from typing import Any

from alerts.channels.base import Delivery, Receipt, SpeakerStatus
from alerts.payload import Speech
from lianfang.clock import Clock
from lianfang.errors import PermanentError, TransientError
from lianfang.reach.http import Answer, HttpEndpoint, check_status

_PATH = "/ISAPI/Event/triggers/notifications/AudioAlarm"
_OK, _LATER = 1, frozenset({2, 3})  # statusCode: busy, fault of the device


class AlarmSoundChannel:
    """Lets a device play one sound of its own, whatever the text; nobody can break it off."""

    def __init__(self, http: HttpEndpoint, base_url: str, sound: int, volume_max: int, clock: Clock) -> None:
        self._http, self._url, self._clock = http, base_url + _PATH, clock
        self._sound, self._volume_max = sound, volume_max

    async def send(self, delivery: Delivery) -> Receipt:
        """Return once the device has taken the order. It has no word for having played it."""
        speech = Speech.model_validate(delivery.payload)
        self._check_valid(speech)
        await self._turn(speech.volume_pct)
        self._check_valid(speech)
        await self._ask("PUT", f"/{self._sound}/test")
        return Receipt(
            "accepted", f"the device plays its sound {self._sound}; it does not say what was heard"
        )

    async def stop(self, command_id: str) -> Receipt:
        """Say that this cannot be done."""
        del command_id
        raise PermanentError("a sound that is stored in the device cannot be broken off")

    async def status(self) -> SpeakerStatus:
        """Return that it answers; TransientError where its alarm sounds do not."""
        await self._settings()
        return SpeakerStatus("ready")

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    def _check_valid(self, speech: Speech) -> None:
        if self._clock.now() >= speech.valid_until:
            raise PermanentError("not played: its validity has passed")

    async def _turn(self, volume_pct: int) -> None:
        """Set the loudness of its alarm sounds, where it has one and it is another."""
        settings = await self._settings()
        wanted = round(volume_pct * self._volume_max / 100)
        if settings.get("audioVolume", wanted) != wanted:
            await self._ask("PUT", "", {"AudioAlarm": {**settings, "audioVolume": wanted}})

    async def _settings(self) -> dict[str, Any]:
        settings = (await self._ask("GET", "")).get("AudioAlarm")
        if not isinstance(settings, dict):
            raise PermanentError("answered without an AudioAlarm: the device has no alarm sounds")
        return settings

    async def _ask(self, method: str, what: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"} if body else {}
        data = json.dumps(body).encode() if body else None
        answer = await self._http.request(method, f"{self._url}{what}?format=json", headers, data)
        return self._checked(answer)

    def _checked(self, answer: Answer) -> dict[str, Any]:
        """Return what it says; raise what its status, of HTTP or of its own, means."""
        try:
            said = json.loads(answer.body)
        except (ValueError, RecursionError):
            check_status(answer, self._clock.now())
            raise TransientError("answered what is no JSON") from None
        code = said.get("statusCode", _OK) if isinstance(said, dict) else None
        if code in _LATER:
            raise TransientError(f"answered {answer.status}: {answer.quote()}")
        check_status(answer, self._clock.now())
        if not isinstance(said, dict) or code != _OK:
            raise PermanentError(f"answered {answer.status}: {answer.quote()}")
        return said

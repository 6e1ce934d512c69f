"""A speaker that prints what a real one would say. See docs/protocols/speaker_http.md.

``python -m deploy.simulators.speaker --port 8901 --token-file token``
"""

from __future__ import annotations

import argparse
import asyncio
import hmac
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Annotated, Literal

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from deploy.simulators.server import Fault, Say, Simulator, serve_for_ever, to_stdout

Word = Literal["finished", "refused", "bad_parameter", "pre_empted", "stopped", "error", "expired"]
# These may be tried again under the same id; of every other command the first word stands.
_AGAIN = frozenset({"refused", "bad_parameter", "pre_empted", "error", "expired"})


class Command(BaseModel):
    """The body of ``POST /v1/say``."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: Annotated[str, Field(min_length=1, max_length=64)]
    text: Annotated[str, Field(min_length=1, max_length=500)]
    language: Literal["zh", "en"]
    volume_pct: Annotated[int, Field(ge=0, le=100)]
    repeat: Annotated[int, Field(ge=1, le=10)]
    valid_until: AwareDatetime
    sent_at: AwareDatetime


@dataclass
class Spoken:
    """A command that was taken: its last word, and how often it was really played."""

    command: Command
    outcome: str = "accepted"
    detail: str = ""
    plays: int = 0


class SpeakerSimulator(Simulator):
    """One speaker: plays one command at a time, in order, each id once, none after its validity.

    A play takes ``seconds_per_character`` × characters × repeat. The answer waits ``answer_within_s`` for its
    end; if that is not enough it is 202 and the caller asks again. ``words`` are how the next plays end,
    instead of ``finished``. ``faults`` meet ``POST`` only.
    """

    def __init__(
        self,
        token: str,
        *,
        name: str = "speaker",
        host: str = "127.0.0.1",
        port: int = 0,
        seconds_per_character: float = 0.0,
        answer_within_s: float = 0.5,
        words: Iterable[Word] = (),
        faults: Iterable[Fault | None] = (),
        say: Say = to_stdout,
    ) -> None:
        super().__init__(host=host, port=port, faults=faults, say=say)
        self.name = name
        self.received: list[Command] = []
        self.spoken: dict[str, Spoken] = {}
        self._token = token
        self._pace_s, self._answer_within_s = seconds_per_character, answer_within_s
        self._words = list(words)
        self._voice = asyncio.Lock()
        self._playing: dict[str, asyncio.Task[None]] = {}

    def routes(self) -> Iterable[web.RouteDef]:
        """Return what is served."""
        return [
            web.post("/v1/say", self.faulty(self._post)),
            web.get("/v1/say/{id}", self._get),
        ]

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in list(self._playing.values()):
            task.cancel()
        await super().__aexit__(kind, error, traceback)

    def played(self) -> list[str]:
        """Return the texts that were heard, in order of their commands, as often as they were heard."""
        return [s.command.text for s in self.spoken.values() for _ in range(s.plays)]

    async def _post(self, request: web.Request) -> web.Response:
        if not self._knows(request):
            return _error(401, "unknown token")
        try:
            command = Command.model_validate_json(await request.read())
        except ValidationError as error:
            return _error(400, _first(error))
        self.received.append(command)
        known = self.spoken.get(command.id)
        if known is not None:
            if _what(known.command) != _what(command):
                return _error(409, "this id stands for another command")
            if known.outcome not in _AGAIN:
                return await self._answer(known)  # said once, however often it is asked
        self.spoken[command.id] = spoken = Spoken(command, plays=known.plays if known else 0)
        task = asyncio.create_task(self._play(spoken))
        self._playing[command.id] = task
        task.add_done_callback(lambda _: self._playing.pop(command.id, None))
        return await self._answer(spoken)

    async def _get(self, request: web.Request) -> web.Response:
        if not self._knows(request):
            return _error(401, "unknown token")
        spoken = self.spoken.get(request.match_info["id"])
        return _error(404, "no such command") if spoken is None else _state(spoken)

    async def _answer(self, spoken: Spoken) -> web.Response:
        playing = self._playing.get(spoken.command.id)
        if playing is not None:
            await asyncio.wait([playing], timeout=self._answer_within_s)
        return _state(spoken)

    async def _play(self, spoken: Spoken) -> None:
        command = spoken.command
        async with self._voice:
            if datetime.now(UTC) >= command.valid_until:
                spoken.outcome, spoken.detail = "expired", "its validity passed before its turn came"
                self.say(f"[{self.name}] too late to say: {command.text}")
                return
            word = self._words.pop(0) if self._words else "finished"
            if word not in {"refused", "bad_parameter"}:
                spoken.outcome = "playing"
                self.say(f"[{self.name}] {command.volume_pct} % x{command.repeat}: {command.text}")
                await asyncio.sleep(self._pace_s * len(command.text) * command.repeat)
            if word == "finished":
                spoken.plays += 1
                spoken.detail = f"said {command.repeat} times"
            else:
                spoken.detail = "as the simulator was told"
                self.say(f"[{self.name}] {word}: {command.text}")
            spoken.outcome = word

    def _knows(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode())


def _what(command: Command) -> Command:
    """Return the command without what differs between two sendings of it."""
    return command.model_copy(update={"sent_at": command.valid_until})


def _state(spoken: Spoken) -> web.Response:
    body = {"id": spoken.command.id, "outcome": spoken.outcome, "detail": spoken.detail}
    return web.json_response(body, status=202 if spoken.outcome in {"accepted", "playing"} else 200)


def _error(status: int, detail: str) -> web.Response:
    return web.json_response({"detail": detail}, status=status)


def _first(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['msg']}"


def main() -> None:
    """Run one speaker until interrupted."""
    parser = argparse.ArgumentParser(description="A speaker that prints what a real one would say.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8901)
    parser.add_argument("--name", default="speaker")
    parser.add_argument("--token-file", type=Path, required=True, help="file that holds the bearer token")
    parser.add_argument(
        "--seconds-per-character", type=float, default=0.25, help="how long one character takes to say"
    )
    options = parser.parse_args()
    simulator = SpeakerSimulator(
        options.token_file.read_text(encoding="utf-8").strip(),
        name=options.name,
        host=options.host,
        port=options.port,
        seconds_per_character=options.seconds_per_character,
    )
    with suppress(KeyboardInterrupt):
        asyncio.run(serve_for_ever(simulator))


if __name__ == "__main__":
    main()

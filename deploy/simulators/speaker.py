"""A speaker that prints what a real one would say. See docs/protocols/speaker_http.md.

``python -m deploy.simulators.speaker --port 8901 --token-file token``. SIGUSR1 begins an emergency programme
from outside, and ends it.
"""

from __future__ import annotations

import argparse
import asyncio
import hmac
import signal
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Literal

from aiohttp import web
from pydantic import ValidationError

from deploy.simulators.commands import AGAIN, UNDER_WAY, Command, Spoken, Word
from deploy.simulators.server import Fault, Say, Simulator, serve_for_ever, to_stdout


class SpeakerSimulator(Simulator):
    """One speaker: plays one command at a time, each id once, none after its validity if it ``keeps_time``.

    The most urgent one that waits comes next; a more urgent one pre-empts. A play takes
    ``seconds_per_character`` × characters × repeat, and ``max_s`` at most. The answer waits
    ``answer_within_s`` for its end; if that is not enough it is 202 and the caller asks again. ``words`` are
    how the next plays end, instead of ``finished``. ``faults`` meet ``POST /v1/say`` only. While
    ``obeys_stop`` is false it answers a stop and plays on. ``condition`` is what it says of itself when
    nothing else is to be said.
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
        keeps_time: bool = True,
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
        self._keeps_time = keeps_time
        self._waiting: list[Spoken] = []
        self._current: Spoken | None = None
        self._turn = asyncio.Condition()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.obeys_stop = True
        self.condition: Literal["ready", "faulty"] = "ready"
        self.emergency = False

    def routes(self) -> Iterable[web.RouteDef]:
        """Return what is served."""
        return [
            web.post("/v1/say", self.faulty(self._post)),
            web.get("/v1/say/{id}", self._get),
            web.post("/v1/say/{id}/stop", self._stop),
            web.get("/v1/status", self._status),
        ]

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in list(self._tasks.values()):
            task.cancel()
        await super().__aexit__(kind, error, traceback)

    def played(self) -> list[str]:
        """Return the texts that were heard, in order of their commands, as often as they were heard."""
        return [text for s in self.spoken.values() for _ in range(s.plays) for text in s.command.texts]

    def call_emergency(self, *, on: bool) -> None:
        """Let an emergency programme from outside begin, which breaks off what is played, or end."""
        self.emergency = on
        self.say(f"[{self.name}] an emergency programme {'begins' if on else 'is over'}")
        for spoken in [*self._waiting, *([self._current] if self._current else [])] if on else []:
            spoken.end("emergency")

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
            if known.outcome not in AGAIN:
                return await self._answer(known)  # said once, however often it is asked
        self.spoken[command.id] = spoken = Spoken(command, plays=known.plays if known else 0)
        if self._current is not None and command.priority > self._current.command.priority:
            self._current.end("pre_empted")
        if self.emergency:
            spoken.end("emergency")
        task = asyncio.create_task(self._play(spoken))
        self._tasks[command.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(command.id, None))
        return await self._answer(spoken)

    async def _get(self, request: web.Request) -> web.Response:
        if not self._knows(request):
            return _error(401, "unknown token")
        spoken = self.spoken.get(request.match_info["id"])
        return _error(404, "no such command") if spoken is None else _state(spoken)

    async def _stop(self, request: web.Request) -> web.Response:
        if not self._knows(request):
            return _error(401, "unknown token")
        spoken = self.spoken.get(request.match_info["id"])
        if spoken is None:
            return _error(404, "no such command")
        if self.obeys_stop:
            spoken.end("stopped")
        return await self._answer(spoken)

    async def _status(self, request: web.Request) -> web.Response:
        if not self._knows(request):
            return _error(401, "unknown token")
        playing = self._current.command.id if self._current else None
        condition = "emergency" if self.emergency else "playing" if playing else self.condition
        return web.json_response({"condition": condition, "playing": playing, "detail": ""})

    async def _answer(self, spoken: Spoken) -> web.Response:
        task = self._tasks.get(spoken.command.id)
        if task is not None:
            await asyncio.wait([task], timeout=self._answer_within_s)
        return _state(spoken)

    async def _play(self, spoken: Spoken) -> None:
        """Wait for its turn, play it, and write down its last word."""
        self._waiting.append(spoken)
        async with self._turn:
            self._waiting.sort(key=lambda s: -s.command.priority)
            wake = asyncio.ensure_future(self._ended(spoken))
            await self._turn.wait_for(
                lambda: spoken.ended_by.done() or (self._current is None and self._waiting[0] is spoken)
            )
            wake.cancel()
            self._waiting.remove(spoken)
            if not spoken.ended_by.done():
                self._current = spoken
            self._turn.notify_all()
        try:
            await self._speak(spoken)
        finally:
            async with self._turn:
                if self._current is spoken:
                    self._current = None
                self._turn.notify_all()

    async def _ended(self, spoken: Spoken) -> None:
        """Wake those who wait once ``spoken`` is told to end before its turn."""
        await asyncio.shield(spoken.ended_by)
        async with self._turn:
            self._turn.notify_all()

    async def _speak(self, spoken: Spoken) -> None:
        command = spoken.command
        if self._current is not spoken:
            spoken.outcome, spoken.detail = spoken.ended_by.result(), "before it began"
            return
        now = datetime.now(UTC)
        if self._keeps_time and now >= command.valid_until:
            spoken.outcome, spoken.detail = "expired", "its validity passed before its turn came"
            self.say(f"[{self.name}] too late to say: {command.text}")
            return
        word = self._words.pop(0) if self._words else "finished"
        detail = "as the simulator was told"
        if word not in {"refused", "bad_parameter"}:
            spoken.outcome, spoken.began_at = "playing", now
            self.say(f"[{self.name}] {command.volume_pct} % x{command.repeat}: {' / '.join(command.texts)}")
            whole_s = self._pace_s * sum(map(len, command.texts)) * command.repeat
            await asyncio.wait([spoken.ended_by], timeout=min(whole_s, command.max_s))
            if spoken.ended_by.done():
                word, detail = spoken.ended_by.result(), "broken off"
            elif word == "finished":
                spoken.plays += 1
                cut = whole_s > command.max_s
                detail = f"cut after {command.max_s} s" if cut else f"said {command.repeat} times"
        if word != "finished":
            self.say(f"[{self.name}] {word}: {command.text}")
        spoken.outcome, spoken.detail = word, detail

    def _knows(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode())


def _what(command: Command) -> Command:
    """Return the command without what differs between two sendings of it."""
    return command.model_copy(update={"sent_at": command.valid_until})


def _state(spoken: Spoken) -> web.Response:
    body = {"id": spoken.command.id, "outcome": spoken.outcome, "detail": spoken.detail}
    return web.json_response(body, status=202 if spoken.outcome in UNDER_WAY else 200)


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
        asyncio.run(_serve(simulator))


async def _serve(simulator: SpeakerSimulator) -> None:
    def toggle() -> None:
        simulator.call_emergency(on=not simulator.emergency)

    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, toggle)
    await serve_for_ever(simulator)


if __name__ == "__main__":
    main()

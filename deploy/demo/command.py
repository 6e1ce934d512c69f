"""The command: start everything, say what happens, end it again."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

from deploy.demo import follow
from deploy.demo.sample import sample
from deploy.demo.site import OPERATOR, Addresses, Site, new_secrets, write
from deploy.demo.texts import TEXTS
from deploy.simulators.police import PoliceReceiver
from deploy.simulators.speaker import SpeakerSimulator
from detectors.models.install import install
from lianfang.errors import LianfangError

_MODEL = "nanodet-g"
_LOG_TAIL = 12


def main(argv: Sequence[str]) -> int:
    """Run the demo; with ``--once`` return 0 after the first alert was delivered, 1 after the time-out."""
    arguments = _parser().parse_args(argv)
    try:
        if arguments.data is not None:
            arguments.data.mkdir(parents=True, exist_ok=True)
            return asyncio.run(Demo(arguments, arguments.data.resolve()).run())
        with tempfile.TemporaryDirectory(prefix="lianfang-demo-") as folder:
            return asyncio.run(Demo(arguments, Path(folder)).run())
    except LianfangError as error:
        sys.stderr.write(f"lianfang demo: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lianfang demo", description="Show the main job, end to end.")
    parser.add_argument(
        "--source", default="", help="a video file or rtsp://…; default: a sample, fetched once"
    )
    parser.add_argument("--once", action="store_true", help="end after the first alert has been delivered")
    parser.add_argument("--timeout", type=float, default=120, metavar="S", help="for --once (default: 120)")
    parser.add_argument("--port", type=int, default=8800, help="of the console; a free one if it is taken")
    parser.add_argument("--language", choices=sorted(TEXTS), default="zh", help="default: zh")
    parser.add_argument("--data", type=Path, help="keep everything in this folder; default: a temporary one")
    return parser


class Demo:
    """One run of the demo in ``folder``."""

    def __init__(self, arguments: argparse.Namespace, folder: Path) -> None:
        self._arguments = arguments
        self._log = folder / "lianfang.log"
        self._site: Site = new_secrets(folder, arguments.port)
        self._delivered: set[str] = set()
        self._conditions: dict[str, str] = {}

    async def run(self) -> int:
        """Start, follow, end; return the exit code."""
        source = self._arguments.source or str(sample(_print))
        install(_MODEL, None, progress=_print)
        async with AsyncExitStack() as opened:
            addresses = await self._outside(opened)
            is_sample = not self._arguments.source
            write(self._site, source, addresses, sample=is_sample, language=self._arguments.language)
            self._say("starting")
            process = await self._start(opened)
            return await self._until_done(process, is_sample=is_sample)

    async def _outside(self, opened: AsyncExitStack) -> Addresses:
        """Start a speaker and a police platform that show what they are told."""
        # A Chinese announcer says about four characters a second.
        speaker = SpeakerSimulator(
            self._site.speaker_token, name="bank_speaker", seconds_per_character=0.25, say=_print
        )
        police = PoliceReceiver([self._site.police_secret], name="police", say=_print)
        await opened.enter_async_context(speaker)
        await opened.enter_async_context(police)
        return Addresses(speaker.url, police.url)

    async def _start(self, opened: AsyncExitStack) -> asyncio.subprocess.Process:
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "lianfang",
                "run",
                str(self._site.file),
                env={**os.environ, **self._site.environment, "LIANFANG_PARENT": str(os.getpid())},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )
        opened.push_async_callback(_end, process)
        return process

    async def _until_done(self, process: asyncio.subprocess.Process, *, is_sample: bool) -> int:
        ended = asyncio.create_task(process.wait())
        following = asyncio.create_task(self._follow(is_sample=is_sample))
        stopped = asyncio.create_task(_signalled())
        limit = self._arguments.timeout if self._arguments.once else None
        tasks = {ended, following, stopped}
        try:
            done, _ = await asyncio.wait(tasks, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
        if ended in done:
            self._say("ended_early", code=process.returncode)
            self._show_log()
            return 1
        if stopped in done:
            return 0
        if following in done:
            await following
            self._say("done")
            return 0
        self._say("timeout", seconds=limit)
        self._show_log()
        return 1

    async def _follow(self, *, is_sample: bool) -> None:
        """Say what happens; with ``--once`` return when both receivers have the first alert."""
        await follow.ready(self._site)
        url = f"http://127.0.0.1:{self._site.port}/"
        self._say("ready", url=url, operator=OPERATOR, password=self._site.password)
        self._say("logs", log=self._log)
        if not is_sample:
            self._say("whole_picture")
        self._say("stop")
        async for event, data in follow.events(self._site):
            if event == "change":
                self._change(data["change"], data["incident"])
            elif event == "cameras":
                self._cameras(data)
            if self._arguments.once and self._delivered >= {"bank_speaker", "police"}:
                return

    def _change(self, change: dict[str, Any], incident: dict[str, Any]) -> None:
        kind, data = change["kind"], change["data"]
        if kind == "delivered":
            self._delivered.add(data["receiver"])
        title, point = incident["rule"]["name"][self._arguments.language], incident["point"]["name"]
        zone = incident["zone"]["name"]
        fields = {"outcome": "", "detail": "", "attempts": "", "receiver": "", "state": "", "reason": ""}
        fields |= {"people": incident["people"], "actor": change["actor_name"], "number": incident["id"]}
        if kind in TEXTS[self._arguments.language]:
            self._say(kind, title=title, place=f"{point} {zone}", **fields | data)
        if kind == "opened" and "speaker" in data:
            self._say("speech", receiver=data["speaker"], text=data["text"])

    def _cameras(self, data: dict[str, Any]) -> None:
        for camera in data["cameras"]:
            condition = camera["condition"] or "?"
            if self._conditions.get(camera["id"]) != condition:
                self._conditions[camera["id"]] = condition
                self._say("camera", name=camera["name"], condition=condition, reason=camera["reason"])

    def _show_log(self) -> None:
        """Print the end of the log: the folder that it lies in is gone soon, unless it was named."""
        lines = self._log.read_text(encoding="utf-8").splitlines()
        _print("\n".join(lines[-_LOG_TAIL:]))

    def _say(self, name: str, /, **fields: object) -> None:
        _print(TEXTS[self._arguments.language][name].format(**fields).rstrip())


async def _signalled() -> None:
    """Return when the person (or a supervisor) asks for the end."""
    asked = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    await asked.wait()


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    await process.wait()


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()

"""The audio back-channel of a device (ONVIF), by GStreamer in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

import numpy as np

from alerts.voice.child import killed
from alerts.voice.sound import RATE, TELEPHONE, Samples, silence, telephone, wav
from lianfang.errors import PermanentError, TransientError

_PROGRAM = Path(__file__).with_name("backchannel_process.py")
_BEFORE_S, _AFTER_S = 0.2, 0.3  # for its amplifier to open, and until what it keeps back is heard
_LONGER_S = 2.0  # than the sound lasts
_STARTS_S = 20.0  # for our own program to start: nothing that the device could answer for
_NEEDED = """
import gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst
Gst.init(None)
needed = "rtspsrc wavparse audioresample alawenc mulawenc rtppcmapay rtppcmupay appsink".split()
missing = [name for name in needed if Gst.ElementFactory.find(name) is None]
if missing: exit("no " + ", ".join(missing))
"""
_LOCKED = re.compile(r"^40[13]\b|not authorized", re.IGNORECASE)
_NONE = re.compile(r"^(404|461|551)\b|no back-channel")


@cache
def fault_of(program: str) -> str:
    """Return why ``program``, a Python, cannot do it, "" where it can. Asked once a process."""
    try:
        done = subprocess.run(  # noqa: S603 - what the configuration names, no shell
            [program, "-c", _NEEDED], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return done.stderr.strip().splitlines()[-1] if done.returncode and done.stderr else ""


class Backchannel:
    """The way to the loudspeaker behind ``url`` as long as the block lasts; the device has it open then.

    Any answer may take ``timeout_s``. If this process dies, the child closes it. TransientError where the
    device is not there or breaks off, PermanentError where it does not let us in, or has no back-channel.
    """

    def __init__(self, program: str, url: str, user: str, password: str, timeout_s: float) -> None:
        self._program, self._timeout_s = program, timeout_s
        self._asked = {"url": url, "user": user, "password": password, "timeout_s": timeout_s}
        self._process: asyncio.subprocess.Process | None = None
        self._hearing: asyncio.Task[None] | None = None
        self._happened = {what: asyncio.Event() for what in ("ready", "open", "said", "over")}
        self._said: set[str] = set()
        self._fault: TransientError | PermanentError | None = None

    async def __aenter__(self) -> Self:
        self._folder = TemporaryDirectory(prefix="lianfang-sound-")
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(self._program, "-I", str(_PROGRAM)),
                cwd=self._folder.name,
                env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
            self._hearing = asyncio.create_task(self._hear(self._process))
            self._tell(json.dumps(self._asked))
            await self._until("ready", _STARTS_S, of="the program that speaks to the device")
            await self._until("open", self._timeout_s)
        except BaseException as error:
            await self._end()
            if isinstance(error, OSError):
                raise TransientError(f"no program {self._program}: {error.strerror}") from error
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._end()

    async def play(self, samples: Samples) -> None:
        """Let it be heard; return once the last of it has gone out."""
        whole = np.concatenate([silence(_BEFORE_S), samples, silence(_AFTER_S)])
        await asyncio.to_thread(self._write, whole)
        self._tell("play")
        await self._until("said", len(samples) / RATE + self._timeout_s + _LONGER_S)

    async def over(self) -> bool:
        """Be silent; return whether the device has answered after the last sound that was sent."""
        self._tell("over")
        try:
            await self._until("over", self._timeout_s)
        except TransientError:
            return False
        return True

    def _write(self, samples: Samples) -> None:
        Path(self._folder.name, "speech.wav").write_bytes(wav(telephone(samples), TELEPHONE))

    def _tell(self, line: str) -> None:
        assert self._process is not None  # noqa: S101 - it was started
        assert self._process.stdin is not None  # noqa: S101 - a pipe
        if self._process.returncode is None:
            self._process.stdin.write(f"{line}\n".encode())

    async def _hear(self, process: asyncio.subprocess.Process) -> None:
        """Take down what has happened, until it has ended."""
        assert process.stdout is not None  # noqa: S101 - a pipe
        while line := await process.stdout.readline():
            what, _, words = line.decode(errors="replace").strip().partition(" ")
            if what == "error":
                self._fault = self._fault or _fault(words)
            elif what in self._happened:
                self._said.add(what)
                self._happened[what].set()
        self._fault = self._fault or TransientError("the program that speaks to the device has ended")
        for event in self._happened.values():
            event.set()

    async def _until(self, what: str, within_s: float, of: str = "the device") -> None:
        try:
            async with asyncio.timeout(within_s):
                await self._happened[what].wait()
        except TimeoutError as error:
            raise TransientError(f"{of}: no answer within {within_s:.0f} s") from error
        if what not in self._said and self._fault is not None:
            raise self._fault

    async def _end(self) -> None:
        try:
            if self._process is not None:
                assert self._process.stdin is not None  # noqa: S101 - a pipe
                self._process.stdin.close()  # at which it takes leave of the device
                try:
                    async with asyncio.timeout(self._timeout_s):
                        await self._process.wait()
                except TimeoutError:
                    await killed(self._process)
            if self._hearing is not None:
                await self._hearing
        finally:
            self._folder.cleanup()


def _fault(words: str) -> TransientError | PermanentError:
    if _LOCKED.search(words):
        return PermanentError(f"it does not let us in: {words}")
    if _NONE.search(words):
        return PermanentError(f"it has no loudspeaker for us: {words}")
    return TransientError(f"the device: {words}")

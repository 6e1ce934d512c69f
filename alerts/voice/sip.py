"""SIP by baresip, a user agent that others keep: a process for each call, and for each question.

It is told what to do through its standard input, and nothing of it listens for commands. Its files are in a
folder that nobody else reads, the password only while it starts. If this process dies, it hangs up.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Literal, Self

import numpy as np

from alerts.voice.child import killed
from alerts.voice.sound import TELEPHONE, Samples, silence, telephone, wav
from lianfang.errors import TransientError

LONGER_S = 2.0  # than its speech lasts, until it has hung up
_START_S = 5.0
_BEFORE_S, _AFTER_S = 0.2, 0.2  # for its amplifier to open, and until what it keeps back is heard
_CONFIG = """\
sip_listen {local}:0
net_interface {local}
call_max_calls 1
statmode_default off
audio_source aufile,silence.wav
module_path {modules}
module g711.so
module aufile.so
module stdio.so
module_tmp account.so
module_app menu.so
"""
_ACCOUNT = "<sip:{line.username}@{line.domain};transport={line.transport}>;regint=0;audio_codecs=pcma,pcmu"
_LOGIN = ';auth_user={line.username};auth_pass="{line.password}"'
_PROXY = ';outbound="sip:{}:{}"'
_READY = re.compile(r"baresip is ready")
# Passes on what it is told, and "quit" when nobody can tell it any more; an open end keeps the agent idle.
_RELAY = "cat; echo /quit; exec sleep 60"
_COLOUR = re.compile(r"\x1b\[[\d;]*m")


@dataclass(frozen=True, slots=True)
class Line:
    """Who calls, and with what. ``proxied``: by a server, which finds whom is called."""

    program: str
    modules: Path
    username: str
    password: str = field(repr=False)
    domain: str
    transport: Literal["udp", "tcp"]
    proxied: bool


class Agent:
    """A user agent as long as the block lasts; at its end it hangs up, within ``patience_s``.

    ``address`` is where everything is sent, IPv4, with its port. Whom it calls hears silence until it is told
    to ``play``: ``speech``, and then it hangs up. After ``within_s`` it ends in any case, even if nobody is
    there to tell. TransientError if it does not start, or has ended by itself.
    """

    def __init__(
        self,
        line: Line,
        address: tuple[str, int],
        *,
        within_s: float,
        patience_s: float,
        speech: Samples | None = None,
    ) -> None:
        self._line, self._address, self._speech = line, address, speech
        self._within_s, self._patience_s = within_s, patience_s
        self._process: asyncio.subprocess.Process | None = None
        self._relay: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self._folder = TemporaryDirectory(prefix="lianfang-sip-")
        try:
            await self._start(Path(self._folder.name))
        except BaseException as error:
            await self._end()
            if isinstance(error, OSError):
                raise TransientError(f"no SIP user agent: {error.strerror}") from error
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._end()

    def dial(self, uri: str) -> None:
        """Call somebody."""
        self._tell(f"dial {uri}")

    def ask(self, uri: str) -> None:
        """Ask somebody for what is possible (OPTIONS)."""
        self._tell(f"options {uri}")

    def play(self) -> None:
        """Let the other side hear the speech; at its end it is hung up."""
        self._tell("ausrc aufile,speech.wav")

    async def hears(self, pattern: re.Pattern[str], within_s: float) -> re.Match[str] | None:
        """Return the next of its lines in which ``pattern`` is found, None if there is none in time."""
        assert self._process is not None  # noqa: S101 - it was started
        assert self._process.stdout is not None  # noqa: S101 - a pipe
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while line := await self._process.stdout.readline():
                    if found := pattern.search(_COLOUR.sub("", line.decode(errors="replace")).rstrip()):
                        return found
                raise TransientError("the SIP user agent has ended")
        return None

    async def hang_up(self) -> bool:
        """Hang up and end; return whether the other side has confirmed that, or there was no call."""
        process, relay = self._process, self._relay
        assert process is not None  # noqa: S101 - it was started
        assert relay is not None  # noqa: S101 - it was started before
        assert relay.stdin is not None  # noqa: S101 - a pipe
        relay.stdin.close()
        try:
            async with asyncio.timeout(self._patience_s):
                await process.wait()  # it waits for the answer, half a minute
        except TimeoutError:
            await killed(process)
        return process.returncode == 0

    def _tell(self, command: str) -> None:
        assert self._relay is not None  # noqa: S101 - it was started
        assert self._relay.stdin is not None  # noqa: S101 - a pipe
        if not self._relay.stdin.is_closing():
            self._relay.stdin.write(f"/{command}\n".encode())

    async def _start(self, folder: Path) -> None:
        await asyncio.to_thread(self._lay_out, folder)
        environment = {"PATH": os.environ.get("PATH", os.defpath)}
        reading, writing = os.pipe()
        try:
            self._relay = await asyncio.create_subprocess_exec(
                *("sh", "-c", _RELAY), stdin=asyncio.subprocess.PIPE, stdout=writing, env=environment
            )
            self._process = await asyncio.create_subprocess_exec(
                *(self._line.program, "-f", ".", "-t", str(round(self._within_s) + 1)),
                cwd=folder,
                env=environment,
                stdin=reading,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        finally:
            os.close(reading)
            os.close(writing)
        if await self.hears(_READY, _START_S) is None:
            raise TransientError("the SIP user agent does not start")
        (folder / "accounts").unlink()

    async def _end(self) -> None:
        try:
            if self._process is not None:
                await self.hang_up()
            if self._relay is not None:
                await killed(self._relay)
        finally:
            self._folder.cleanup()

    def _lay_out(self, folder: Path) -> None:
        """Write its files. It is to say that it is where the way to the other side begins."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(self._address)
            local = probe.getsockname()[0]
        (folder / "config").write_text(_CONFIG.format(local=local, modules=self._line.modules))
        account = _ACCOUNT.format(line=self._line)
        if self._line.password:  # of an empty one it would ask the user
            account += _LOGIN.format(line=self._line)
        if self._line.proxied:
            account += _PROXY.format(*self._address)
        (folder / "accounts").touch(mode=0o600)
        (folder / "accounts").write_text(account + "\n")
        nothing = np.zeros(int(self._within_s * TELEPHONE), np.int16)
        (folder / "silence.wav").write_bytes(wav(nothing, TELEPHONE))
        if self._speech is not None:
            whole = np.concatenate([silence(_BEFORE_S), self._speech, silence(_AFTER_S)])
            (folder / "speech.wav").write_bytes(wav(telephone(whole), TELEPHONE))

"""``kind: speaker_sip``: a SIP speaker, called directly or through a telephone exchange.

See docs/protocols/speaker_sip.md.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from alerts.channels.base import Delivery, Receipt, SoundSpeakerConfig, SpeakerStatus
from alerts.payload import Speech
from alerts.voice.clips import Clips
from alerts.voice.sip import LONGER_S, Agent, Line
from alerts.voice.sound import RATE, joined, scaled
from alerts.voice.turn import Turn
from lianfang.clock import Clock
from lianfang.config import Config as WholeConfig
from lianfang.config import Problem, Secret
from lianfang.errors import PermanentError, TransientError
from lianfang.reach.networks import Reached, address_of, check_host

_PORT = 5060
_ASKED_S = 0.5  # to end where there was no call
_HOST = r"[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?"
_UP = re.compile(r"Call established|session closed: ?(?P<why>.*)")
_OVER = re.compile(r"session closed: ?(?P<why>.*)|audio error \(0,|(?P<failed>audio error|set_source failed)")
_ASKED = re.compile(r"^SIP/2\.0 2|OPTIONS failed: (?P<why>.*)|options reply error: (?P<error>.*)")
_LOCKED = frozenset({401, 403, 407})
_LATER = frozenset({408, 480, 486, 487, 600})
_BUSY = frozenset({486, 600})
_NOT_ASKED = frozenset({405, 501})  # it is there, and does not know the question

Uri = Annotated[str, StringConstraints(pattern=rf"^sip:[A-Za-z0-9_.+*~%-]{{1,64}}@{_HOST}$")]
Address = Annotated[str, StringConstraints(pattern=rf"^{_HOST}$")]


class Config(Reached, SoundSpeakerConfig):
    """A speaker that takes calls by SIP."""

    kind: Literal["speaker_sip"]
    uri: Uri
    """Whom to call, such as sip:horn@192.168.1.70, or sip:6001@pbx.town at an exchange."""
    server: Address | None = None
    """The exchange that finds it, with its port if that is not 5060; none where not given."""
    transport: Literal["udp", "tcp"] = "udp"
    """How SIP is sent."""
    username: str = Field(default="lianfang", pattern=r"^[A-Za-z0-9_.+*~-]{1,64}$")
    """Who calls."""
    password: Secret | None = None
    """The password of the caller (Digest), if one is asked for."""
    answer_s: float = Field(default=10, ge=1, le=60)
    """Seconds that the speaker may take to take the call."""
    timeout_s: float = Field(default=5, gt=0, le=30)
    """Seconds that it may take to answer anything else."""
    program: str = Field(default="baresip", min_length=1)
    """The SIP user agent (Debian: baresip-core), or its path."""
    modules: Path = Path("/usr/lib/baresip/modules")
    """The folder of its modules."""

    def check(self, config: WholeConfig) -> Iterable[Problem]:
        """Yield an address that is not allowed, and a user agent that is not there."""
        yield from super().check(config)
        key, address = ("uri", self.uri.partition("@")[2]) if self.server is None else ("server", self.server)
        yield from check_host(key, address.partition(":")[0], self.within)
        if shutil.which(self.program) is None:
            yield Problem(("program",), self.program, "the SIP user agent baresip (Debian: baresip-core)")
        elif not (self.modules / "aufile.so").is_file():
            yield Problem(("modules",), str(self.modules), "the folder with the modules of baresip")


class SpeakerSipChannel:
    """Calls the speaker, speaks once it has taken the call, and hangs up."""

    def __init__(self, config: Config, clock: Clock, clips: Clips) -> None:
        self._config, self._clock, self._clips = config, clock, clips
        password = config.password.read() if config.password else ""
        if not password.isprintable() or '"' in password:
            raise LookupError("its password has a character that the user agent does not take")
        self._name, _, domain = config.uri.partition("@")
        self._host, _, self._port = (config.server or domain).partition(":")
        self._line = Line(
            program=config.program,
            modules=config.modules,
            username=config.username,
            password=password,
            domain=domain.partition(":")[0],
            transport=config.transport,
            proxied=config.server is not None,
        )
        self._agent: Agent | None = None
        self._turn = Turn()

    async def send(self, delivery: Delivery) -> Receipt:
        """Return once the speaker, which took the call, was given all of it and confirmed its end.

        That it was heard nobody says in SIP: the word is ``accepted``. TransientError if it does not take the
        call or hangs up before the end, PermanentError if it refuses.
        """
        return await self._turn.of(delivery, self._say)

    async def _say(self, speech: Speech) -> Receipt:
        clip = await self._clips.clip(speech)
        samples = scaled(joined(clip.samples, speech.repeat, speech.max_s), speech.volume_pct)
        if self._left_s(speech) <= 0:
            raise PermanentError("not sent: its validity has passed")
        address = await self._address()
        lasts_s, patience_s = len(samples) / RATE + LONGER_S, self._config.timeout_s
        within_s = self._config.answer_s + lasts_s + 2 * patience_s
        try:
            async with Agent(
                self._line, address, speech=samples, within_s=within_s, patience_s=patience_s
            ) as self._agent:
                self._turn.go_on()
                self._agent.dial(self._whom(address))
                await self._taken(self._agent, min(self._config.answer_s, self._left_s(speech)))
                if self._left_s(speech) <= 0:
                    raise PermanentError("not said: its validity has passed")
                self._agent.play()
                await self._spoken(self._agent, lasts_s + patience_s)
                self._turn.go_on()
        finally:
            self._agent = None
        return Receipt("accepted", "it was on the line to its end; it does not say what was heard")

    async def stop(self, command_id: str) -> Receipt:
        """Hang up; return once the speaker has confirmed that."""
        self._turn.stop(command_id)
        if self._agent is not None and not await self._agent.hang_up():
            raise TransientError("the speaker does not confirm that the call is over")
        return Receipt("stopped", "the call is over")

    async def status(self) -> SpeakerStatus:
        """Return whether it takes calls; at an exchange, the exchange may answer for it."""
        if self._turn.current:
            return SpeakerStatus("playing", self._turn.current)
        address, wait_s = await self._address(), self._config.timeout_s
        async with Agent(self._line, address, within_s=2 * wait_s, patience_s=_ASKED_S) as agent:
            agent.ask(self._whom(address))
            heard = await agent.hears(_ASKED, wait_s)
        if heard is None:
            raise TransientError(f"the speaker does not answer within {wait_s:g} s")
        if heard["error"]:
            raise TransientError(f"the speaker does not answer: {heard['error']}")
        status = int((heard["why"] or "200")[:3])
        if status in _BUSY:
            return SpeakerStatus("playing", detail="it is in another call")
        if status == 200 or status in _NOT_ASKED:
            return SpeakerStatus("ready")
        fault = _fault(heard["why"])
        if isinstance(fault, TransientError):
            raise fault
        return SpeakerStatus("faulty", detail=str(fault))

    async def close(self) -> None:
        """Hang up."""
        if self._agent is not None:
            await self._agent.hang_up()

    async def _taken(self, agent: Agent, within_s: float) -> None:
        heard = await agent.hears(_UP, within_s)
        if heard is None:
            raise TransientError(f"the speaker did not take the call within {within_s:.0f} s")
        if heard["why"] is not None:
            raise _fault(heard["why"])

    async def _spoken(self, agent: Agent, within_s: float) -> None:
        heard = await agent.hears(_OVER, within_s)
        if heard is None or heard["failed"]:
            raise TransientError("the SIP user agent has not said it")
        if heard["why"] is not None:
            raise TransientError("the speaker hung up before the end")
        if not await agent.hang_up():
            raise TransientError("the speaker does not confirm that the call is over: it may be gone")

    async def _address(self) -> tuple[str, int]:
        return await address_of(self._host, int(self._port or _PORT), self._config.within)

    def _whom(self, address: tuple[str, int]) -> str:
        return self._config.uri if self._line.proxied else f"{self._name}@{address[0]}:{address[1]}"

    def _left_s(self, speech: Speech) -> float:
        return (speech.valid_until - self._clock.now()).total_seconds()


def build(config: Config, clock: Clock, clips: Clips) -> SpeakerSipChannel:
    """Return the channel; LookupError if the password cannot be read."""
    return SpeakerSipChannel(config, clock, clips)


def _fault(why: str) -> TransientError | PermanentError:
    """Return what it means that nothing came of it: ``why`` is a status and its reason, or the network's."""
    status = int(why[:3]) if re.match(r"\d{3}\b", why) else 0
    if status in _LOCKED:
        return PermanentError(f"it does not let us in: {why}")
    if not status or status in _LATER or 500 <= status < 600:
        return TransientError(f"the speaker does not take the call: {why}")
    return PermanentError(f"the speaker says refused: {why}")

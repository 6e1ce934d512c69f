"""A SIP speaker that takes calls: strict about SIP, SDP and RTP. See docs/protocols/speaker_sip.md.

``python -m deploy.simulators.speaker_sip --port 5970``.
"""

from __future__ import annotations

import argparse
import asyncio
import re
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

from deploy.simulators.rtp import Hearing
from deploy.simulators.server import Say, to_stdout
from deploy.simulators.sip import Message, a_tag, answer, parsed
from deploy.simulators.sip_digest import SipDigest
from deploy.simulators.sip_server import Back, sip_server

NUMBER, USERNAME, PASSWORD = "horn", "lianfang", "horn-1234"
_CODES = {"a": (8, "PCMA"), "mu": (0, "PCMU")}
_ACK_S = 2.0
_REASONS = {
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    503: "Service Unavailable",
    603: "Decline",
}


@dataclass
class _Call:
    """A call that came in, and what is heard of it. ``told`` is the status that it was answered last."""

    invite: Message
    back: Back
    hearing: Hearing
    tag: str = field(default_factory=a_tag)
    told: int = 0
    confirmed: bool = False


class SipSpeakerSimulator:
    """One speaker; it takes one call at a time, and asks for the password if there is one.

    It answers a call with ``answers`` after ``answer_after_s``, 0 for never; with ``early`` it hears before
    that (183 with SDP). ``silent`` answers nothing at all. ``heard`` is what it heard since it had answered,
    ``before`` what came before; ``asked`` are the methods that came in, ``refused`` is what broke a rule.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        transport: Literal["udp", "tcp"] = "udp",
        password: str = PASSWORD,
        law: Literal["a", "mu"] = "a",
        answers: int = 200,
        answer_after_s: float = 0,
        early: bool = False,
        say: Say = to_stdout,
    ) -> None:
        self.host, self.port, self.transport, self.say = host, port, transport, say
        self._digest = SipDigest(USERNAME, "speaker", password, "MD5", qop=True) if password else None
        self.answers, self.answer_after_s, self.early = answers, answer_after_s, early
        self.answers_options = 200
        self.obeys_bye, self.silent = True, False
        self._code, self._name = _CODES[law]
        self._call: _Call | None = None
        self.heard = bytearray()
        self.before = bytearray()
        self.asked: list[str] = []
        self.refused: list[str] = []
        self._given: dict[tuple[str, str], bytes] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stack = AsyncExitStack()

    @property
    def url(self) -> str:
        """Whom to call."""
        return f"sip:{NUMBER}@{self.host}:{self.port}"

    @property
    def busy(self) -> bool:
        """Whether it rings, or is on a call."""
        return self._call is not None

    @property
    def hears(self) -> bytes:
        """What it has heard of this call since it has answered."""
        call = self._call
        return bytes(call.hearing.heard) if call is not None and call.told == 200 else b""

    async def __aenter__(self) -> Self:
        opened = sip_server(self.transport, self._meet, self.host, self.port)
        self.port = await self._stack.enter_async_context(opened)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._call is not None:
            self._over()
        await self._stack.aclose()

    def hang_up(self) -> None:
        """End the call from here."""
        call = self._over()
        contact = re.search(r"<([^>]+)>", call.invite.get("Contact"))
        via = f"SIP/2.0/{self.transport.upper()} {self.host}:{self.port};branch=z9hG4bK{a_tag()}"
        fields = (
            ("Via", via),
            ("From", f"{call.invite.get('To')};tag={call.tag}"),
            ("To", call.invite.get("From")),
            ("Call-ID", call.invite.get("Call-ID")),
            ("CSeq", "1 BYE"),
            ("Max-Forwards", "70"),
        )
        call.back(bytes(Message(fields, method="BYE", uri=contact[1] if contact else "")))

    def _meet(self, data: bytes, back: Back) -> None:
        if self.silent:
            return
        try:
            message = parsed(data)
            key = message.get("Via"), message.method
            if key in self._given and message.method != "ACK":
                back(self._given[key])  # it has come again
            elif message.method:
                self.asked.append(message.method)
                self._requested(message, back)
        except ValueError as error:
            self.refused.append(str(error))

    def _requested(self, request: Message, back: Back) -> None:
        method = request.method
        if method == "ACK":
            self._acknowledged(request)
        elif method == "CANCEL":
            self._cancelled(request, back)
        elif method == "BYE":
            self._bye(request, back)
        elif method not in {"INVITE", "OPTIONS"}:
            self._give(request, back, 405, {"Allow": "INVITE, ACK, CANCEL, BYE, OPTIONS"})
        elif not request.uri.startswith(f"sip:{NUMBER}@"):
            self._give(request, back, 404)
        elif self._digest and not self._digest.knows(request):
            self._give(request, back, 401, {"WWW-Authenticate": self._digest.challenge()})
        elif method == "OPTIONS":
            self._give(request, back, self.answers_options, {"Accept": "application/sdp"})
        elif self.busy:
            self._give(request, back, 486)
        else:
            self._tasks.add(asyncio.create_task(self._ring(request, back)))

    async def _ring(self, request: Message, back: Back) -> None:
        try:
            sender = self._offered(request)
        except ValueError as error:
            self.refused.append(str(error))
            self._give(request, back, 488)
            return
        call = self._call = _Call(request, back, await Hearing.at(self.host, self._code, sender))
        self._tell(call, 183 if self.early else 180)
        await asyncio.sleep(self.answer_after_s)
        if self._call is not call or not self.answers:
            return
        self.before += call.hearing.heard
        call.hearing.heard.clear()
        self._tell(call, self.answers)
        if self.answers != 200:
            self._over()
            return
        await asyncio.sleep(_ACK_S)
        if self._call is call and not call.confirmed:
            self.refused.append("no ACK")
            self._over()

    def _offered(self, request: Message) -> tuple[str, int]:
        """Return where the caller sends from; ValueError where it offers nothing that this device plays."""
        sdp = request.body.decode()
        at = re.search(r"^c=IN IP4 (\S+)\r$", sdp, re.MULTILINE)
        media = re.search(r"^m=audio (\d+) RTP/AVP ([\d ]+)\r$", sdp, re.MULTILINE)
        if request.get("Content-Type") != "application/sdp" or not sdp.startswith("v=0\r\n"):
            raise ValueError("no SDP")
        if at is None or media is None or str(self._code) not in media[2].split():
            raise ValueError(f"no {self._name} in what it offers")
        if not request.get("Contact"):
            raise ValueError("no Contact")
        return at[1], int(media[1])

    def _tell(self, call: _Call, status: int) -> None:
        """Say how the call is; with 183 and 200, also where it listens."""
        call.told = status
        fields, body = {"Contact": f"<{self.url};transport={self.transport}>"}, ""
        if status in {183, 200}:
            fields["Content-Type"] = "application/sdp"
            body = (
                f"v=0\r\no=- 1 1 IN IP4 {self.host}\r\ns=-\r\nc=IN IP4 {self.host}\r\nt=0 0\r\n"
                f"m=audio {call.hearing.port} RTP/AVP {self._code}\r\n"
                f"a=rtpmap:{self._code} {self._name}/8000\r\na=recvonly\r\n"
            )
        self._give(call.invite, call.back, status, fields, tag=call.tag, body=body.encode())

    def _give(
        self,
        request: Message,
        back: Back,
        status: int,
        fields: Mapping[str, str] | None = None,
        *,
        tag: str = "",
        body: bytes = b"",
    ) -> None:
        """Answer a request, and again the same where it is repeated."""
        said = answer(request, status, _REASONS[status], tag=tag or a_tag(), fields=fields, body=body)
        self._given[request.get("Via"), request.method] = bytes(said)
        back(bytes(said))

    def _acknowledged(self, request: Message) -> None:
        call = self._call
        if call is not None and call.told == 200 and request.tag("To") == call.tag:
            call.confirmed = True
            self.say("on the line")

    def _cancelled(self, request: Message, back: Back) -> None:
        call = self._call
        if call is None or call.told == 200 or call.invite.get("Via") != request.get("Via"):
            self._give(request, back, 481)
            return
        self._give(request, back, 200)
        self._tell(call, 487)
        self._over()

    def _bye(self, request: Message, back: Back) -> None:
        if not self.obeys_bye:
            return
        call = self._call
        known = call and (call.invite.get("Call-ID"), call.tag, call.invite.tag("From"))
        if call is None or known != (request.get("Call-ID"), request.tag("To"), request.tag("From")):
            self._give(request, back, 481)
            return
        if request.cseq[0] <= call.invite.cseq[0]:
            self.refused.append(f"the BYE has CSeq {request.cseq[0]} after {call.invite.cseq[0]}")
        self._give(request, back, 200)
        self._over()

    def _over(self) -> _Call:
        call, self._call = self._call, None
        assert call is not None  # noqa: S101 - there is one
        call.hearing.close()
        self.refused += call.hearing.refused
        if call.told == 200:
            self.heard += call.hearing.heard
            self.say(f"{len(call.hearing.heard) / 8000:.1f} s of {self._name}")
        else:
            self.before += call.hearing.heard
        return call


async def _serve(port: int) -> None:
    async with SipSpeakerSimulator(port=port) as speaker:
        speaker.say(f"listening on {speaker.url}")
        await asyncio.Event().wait()


def main() -> None:
    """Run one speaker until interrupted."""
    parser = argparse.ArgumentParser(description="A SIP speaker.")
    parser.add_argument("--port", type=int, default=5970)
    options = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(options.port))


if __name__ == "__main__":
    main()

"""A platform of GB/T 28181 that takes nothing that is not right. See docs/protocols/gb28181.md.

``python -m deploy.simulators.gb28181 --port 5060``
"""

from __future__ import annotations

import argparse
import asyncio
import re
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from datetime import datetime, timedelta
from types import TracebackType
from typing import Literal, Self
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

from deploy.simulators import gb28181_documents as documents
from deploy.simulators import sip
from deploy.simulators.server import Say, to_stdout
from deploy.simulators.sip_digest import SipDigest
from deploy.simulators.sip_server import Back, sip_server

PLATFORM, DEVICE = "44200000002000000001", "44200000002000000002"
CAMERAS = ("44200000001190000001", "44200000001320000001")
USERNAME, PASSWORD = "lianfang", "platform-1234"
_ZONE = ZoneInfo("Asia/Shanghai")
_REALM, _MEDIA = PLATFORM[:10], "application/manscdp+xml"
_AGAIN_S, _TRIES = 0.2, 20  # how it repeats what it says itself


class _RefusedError(Exception):
    def __init__(self, status: int, why: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(why)
        self.status, self.fields = status, fields


class Platform:
    """One platform that knows one device, ``DEVICE``, and its ``CAMERAS``, as long as ``async with`` does.

    The next messages that are right are answered with ``statuses`` in place of 200, and the next alarms with
    ``results`` in place of OK; "" is no word at all, which is all that one says that does not ``confirm``.
    Every status is ``late_s`` late, so that it comes after that word. ``loses`` says of each message, in
    either direction, whether it is lost. While ``lets_in`` is false no password is right. It registers
    anybody for ``grants_s``, and nobody for less than ``least_s``, and tells a time that is ``ahead_s``, or
    none.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        transport: Literal["udp", "tcp"] = "udp",
        algorithm: Literal["MD5", "SHA-256"] = "MD5",
        qop: bool = True,
        confirms: bool = True,
        late_s: float = 0,
        loses: Callable[[], bool] = lambda: False,
        ahead_s: float | None = 0,
        grants_s: int = 3600,
        least_s: int = 60,
        say: Say = to_stdout,
    ) -> None:
        self.host, self.port, self.transport = host, port, transport
        self._loses = loses
        self._digest = SipDigest(USERNAME, _REALM, PASSWORD, algorithm, qop=qop)
        self._confirms, self._late_s, self._ahead_s = confirms, late_s, ahead_s
        self._grants_s, self._least_s = grants_s, least_s
        self._stack = AsyncExitStack()
        self._cseqs: dict[str, int] = {}
        self._said: dict[str, bytes] = {}
        self._numbers: dict[str, bytes] = {}
        self._waiting: dict[str, asyncio.Future[int]] = {}
        self._tasks: set[asyncio.Task[int]] = set()
        self._back: Back | None = None
        self.say = say
        self.lets_in = True
        self.statuses: deque[int] = deque()
        self.results: deque[str] = deque()
        self.alarms: dict[str, dict[str, str]] = {}
        self.catalogue: dict[str, str] = {}
        self.responses: dict[str, dict[str, str]] = {}
        self.refused: list[str] = []
        self.registrations = self.unregistrations = self.keepalives = 0
        self.messages: list[bytes] = []

    async def __aenter__(self) -> Self:
        serving = sip_server(self.transport, self._meet, self.host, self.port)
        self.port = await self._stack.enter_async_context(serving)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()

    @property
    def registered(self) -> bool:
        """Whether the device is registered."""
        return self._back is not None

    def forget(self) -> None:
        """Know of no device any more, as after a restart."""
        self._back = None

    async def ask(self, command: str, *, root: str = "Query", more: str = "", target: str = DEVICE) -> int:
        """Ask the device something; return the status that it answers with, 0 where it does not."""
        number = secrets.randbelow(10**6) + 1
        return await self._tell(
            f"<{root}><CmdType>{command}</CmdType><SN>{number}</SN><DeviceID>{target}</DeviceID>{more}</{root}>"
        )

    async def send(self, body: bytes, method: str = "MESSAGE", media: str = _MEDIA) -> int:
        """Send any request to the device, again and again; return the status of its answer, 0 for none."""
        back, branch = self._back, f"z9hG4bK{sip.a_tag()}"
        if back is None:
            return 0
        fields = (
            ("Via", f"SIP/2.0/{self.transport.upper()} {self.host}:{self.port};rport;branch={branch}"),
            ("From", f"<sip:{PLATFORM}@{_REALM}>;tag={sip.a_tag()}"),
            ("To", f"<sip:{DEVICE}@{_REALM}>"),
            ("Call-ID", sip.a_tag()),
            ("CSeq", f"1 {method}"),
            ("Max-Forwards", "70"),
            ("Content-Type", media),
        )
        uri = f"sip:{DEVICE}@{_REALM}"
        self._waiting[branch] = asyncio.get_running_loop().create_future()
        for _ in range(_TRIES):
            self._out(back, bytes(sip.Message(fields, body, method=method, uri=uri)))
            with suppress(TimeoutError):
                async with asyncio.timeout(_AGAIN_S):
                    return await asyncio.shield(self._waiting[branch])
        return 0

    async def _tell(self, document: str) -> int:
        return await self.send(f'<?xml version="1.0" encoding="GB2312"?>\r\n{document}'.encode("gb18030"))

    def _out(self, back: Back, data: bytes) -> None:
        if not self._loses():
            back(data)

    def _meet(self, data: bytes, back: Back) -> None:
        if self._loses():
            return
        try:
            message = sip.parsed(data)
            branch = message.get("Via").partition("branch=")[2].partition(";")[0]
        except ValueError as error:
            self._refuse(f"no SIP: {error}")
            return
        if message.status:
            waiting = self._waiting.get(branch)
            if waiting is not None and not waiting.done():
                waiting.set_result(message.status)
            return
        if branch not in self._said:
            try:
                answer = self._asked(message, back)
            except _RefusedError as refusal:
                self._refuse(f"{refusal.status} {message.method}: {refusal}")
                answer = sip.answer(
                    message, refusal.status, str(refusal), tag=sip.a_tag(), fields=refusal.fields
                )
            self._said[branch] = bytes(answer)
        if self._late_s:
            asyncio.get_running_loop().call_later(self._late_s, self._out, back, self._said[branch])
        else:
            self._out(back, self._said[branch])

    def _refuse(self, why: str) -> None:
        self.refused.append(why)
        self.say(f"REFUSED {why}")

    def _asked(self, message: sip.Message, back: Back) -> sip.Message:
        number, call = message.cseq[0], message.get("Call-ID")
        if number <= self._cseqs.get(call, 0):
            raise _RefusedError(400, "a CSeq that does not grow")
        self._cseqs[call] = number
        if f"<sip:{DEVICE}@{_REALM}>" not in message.get("From"):
            raise _RefusedError(404, "a device that nobody knows")
        if message.uri != f"sip:{PLATFORM}@{_REALM}":
            raise _RefusedError(404, "that is not who we are")
        if message.method == "REGISTER":
            return self._register(message, back)
        if message.method != "MESSAGE":
            raise _RefusedError(405, "we know REGISTER and MESSAGE")
        return self._message(message)

    def _register(self, message: sip.Message, back: Back) -> sip.Message:
        if not (self._digest.knows(message) and self.lets_in):
            raise _RefusedError(401, "log in", {"WWW-Authenticate": self._digest.challenge()})
        expires = message.get("Expires")
        contact = re.fullmatch(rf"<sip:{DEVICE}@[0-9.]+:[0-9]+(;transport=tcp)?>", message.get("Contact"))
        if not expires.isdecimal() or contact is None or bool(contact[1]) != (self.transport == "tcp"):
            raise _RefusedError(400, "no Expires, or no Contact at which it can be reached")
        if 0 < int(expires) < self._least_s:
            raise _RefusedError(423, "Interval Too Brief", {"Min-Expires": str(self._least_s)})
        if expires == "0":
            self._back, self.unregistrations = None, self.unregistrations + 1
            self.say("unregistered")
            return sip.answer(message, 200, "OK", tag=sip.a_tag())
        self._back, self.registrations = back, self.registrations + 1
        self.say("registered")
        granted = {"Expires": str(min(int(expires), self._grants_s))}
        if self._ahead_s is not None:
            granted["Date"] = (
                f"{datetime.now(_ZONE) + timedelta(seconds=self._ahead_s):%Y-%m-%dT%H:%M:%S.000}"
            )
        return sip.answer(message, 200, "OK", tag=sip.a_tag(), fields=granted)

    def _message(self, message: sip.Message) -> sip.Message:
        if self._back is None:
            raise _RefusedError(403, "not registered")
        if message.get("Content-Type").lower() != _MEDIA:
            raise _RefusedError(415, "no Application/MANSCDP+xml")
        try:
            root = documents.read(message.body)
            self._check_number(root, message.body)
            if self.statuses and (status := self.statuses.popleft()) != 200:
                return sip.answer(message, status, "as it was told", tag=sip.a_tag())
            self._take(root)
        except documents.InvalidDocumentError as error:
            raise _RefusedError(400, str(error)) from error
        self.messages.append(message.body)
        return sip.answer(message, 200, "OK", tag=sip.a_tag())

    def _check_number(self, root: ET.Element, body: bytes) -> None:
        """Refuse what comes again and is not the same; answers to a question all have its number."""
        number = root.findtext("SN", "")
        if root.tag == "Notify" and self._numbers.setdefault(number, body) != body:
            raise documents.InvalidDocumentError(f"SN {number} comes again with something else")

    def _take(self, root: ET.Element) -> None:
        match root.tag, root.findtext("CmdType"):
            case "Notify", "Keepalive":
                documents.check_keepalive(root, DEVICE)
                self.keepalives += 1
            case "Notify", "Alarm":
                documents.check_alarm(root, CAMERAS)
                self._alarmed(root)
            case "Response", "Catalog":
                self.catalogue.update(documents.check_catalogue(root, DEVICE))
            case "Response", str() as command:
                self.responses[command] = documents.texts(root)
            case _:
                raise documents.InvalidDocumentError("neither a Notify nor a Response that we know")

    def _alarmed(self, root: ET.Element) -> None:
        told = documents.texts(root)
        number = told["SN"]
        result = self.results.popleft() if self.results else "OK" if self._confirms else ""
        self.say(
            f"{'again' if number in self.alarms else 'alarm'} {number}: {told.get('AlarmDescription', '')}"
        )
        if result != "ERROR":
            self.alarms[number] = told
        if result:
            about = f"<SN>{number}</SN><DeviceID>{told['DeviceID']}</DeviceID><Result>{result}</Result>"
            word = self._tell(f"<Response><CmdType>Alarm</CmdType>{about}</Response>")
            self._tasks.add(asyncio.create_task(word))


def main() -> None:
    """Run the platform until interrupted."""
    parser = argparse.ArgumentParser(description="A platform of GB/T 28181 that checks what it gets.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5060)
    parser.add_argument("--transport", choices=("udp", "tcp"), default="udp")
    parser.add_argument("--algorithm", choices=("MD5", "SHA-256"), default="MD5", help="of its Digest")
    parser.add_argument("--silent", action="store_true", help="say nothing of alarms, as some platforms do")
    options = parser.parse_args()

    async def serve() -> None:
        platform = Platform(
            host=options.host,
            port=options.port,
            transport=options.transport,
            algorithm=options.algorithm,
            confirms=not options.silent,
        )
        async with platform:
            platform.say(f"listening on {options.transport} {platform.host}:{platform.port}")
            await asyncio.Event().wait()

    with suppress(KeyboardInterrupt):
        asyncio.run(serve())


if __name__ == "__main__":
    main()

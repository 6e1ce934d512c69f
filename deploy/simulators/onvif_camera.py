"""A strict ONVIF camera: device, media and event service. Its pictures come from an RTSP server elsewhere.

``python -m deploy.simulators.onvif_camera --rtsp rtsp://127.0.0.1:8554/stream --port 8080``.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape

from aiohttp import web

from deploy.simulators.digest import Digest
from deploy.simulators.onvif_events import MOTION, TAMPER, WANTED, PullPoints
from deploy.simulators.onvif_soap import DEVICE, EVENTS, MEDIA, Door, Fault, Message, read, text_in, written
from deploy.simulators.onvif_streams import Stream, profile, streams
from deploy.simulators.server import Fault as Misbehaviour
from deploy.simulators.server import Say, Simulator, serve_for_ever, to_stdout
from lianfang.clock import Clock, SystemClock

USER, PASSWORD = "admin", "onvif-2026"
_PATHS = {DEVICE: "/onvif/device_service", MEDIA: "/onvif/media", EVENTS: "/onvif/events"}
_OPEN = frozenset({"GetSystemDateAndTime", "GetServices"})  # told to everybody, as the standard says
_SHORTEST_PASSWORD = 8


class OnvifCamera(Simulator):
    """The camera. Whoever does not know a password is told the time and the services, and no more.

    Its clock is ``ahead`` of the host's; ``zone`` is what it says of it. ``says_host`` is the host that it
    believes to be, as behind an address translation. ``http_digest`` lets it ask for HTTP's login too. A
    message whose time is more than ``window_s`` off its clock, or whose nonce came before, is not let in.
    """

    def __init__(
        self,
        given: Sequence[Stream],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        users: Mapping[str, str] | None = None,
        ahead: timedelta = timedelta(0),
        window_s: float = 30.0,
        says_host: str = "",
        http_digest: bool = False,
        clock: Clock | None = None,
        faults: Iterable[Misbehaviour | None] = (),
        say: Say = to_stdout,
    ) -> None:
        super().__init__(host=host, port=port, faults=faults, say=say)
        self.streams = {stream.token: stream for stream in given}
        self.users = dict(users or {USER: PASSWORD})
        self.levels = dict.fromkeys(self.users, "Administrator")
        self._clock, self.ahead = clock or SystemClock(), ahead
        self.time_kind, self.zone, self.ntp_server = "Manual", "CST-8", ""
        self.ntp_kind = "DNSname"
        self._says_host = says_host
        self._door = Door(self.users, window_s)
        self._digest = Digest(USER, self.users[USER]) if http_digest else None
        self.pull_points = PullPoints(self.now)
        self.asked: list[str] = []

    def now(self) -> datetime:
        """Return what its clock says, aware, UTC."""
        return self._clock.now() + self.ahead

    def motion(self, seen: bool) -> None:
        """Let it see something move, or nothing any more."""
        self.pull_points.change(MOTION, str(seen).lower())

    def tamper(self, seen: bool) -> None:
        """Let it be covered or turned, or not any more."""
        self.pull_points.change(TAMPER, str(seen).lower())

    def routes(self) -> Iterable[web.RouteDef]:
        """Return what is served."""
        handler = self.faulty(self._serve)
        if self._digest is not None:
            handler = self._digest.before(handler)
        yield web.post("/onvif/events/{point}", handler)
        for path in _PATHS.values():
            yield web.post(path, handler)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        try:
            body, status = await self._answer(request), 200
        except Fault as fault:
            body, status = fault.body(), fault.status
        return web.Response(
            body=written(body), status=status, content_type="application/soap+xml", charset="utf-8"
        )

    async def _answer(self, request: web.Request) -> str:
        message = read(request.headers.get("Content-Type", ""), await request.read())
        self.asked.append(message.operation)
        if message.operation not in _OPEN:
            self._door.lets_in(message.security, self.now())
        wanted = WANTED.get(message.operation)
        if wanted and (message.action != wanted or not message.to.endswith(request.path)):
            raise Fault("WS-Addressing is not as it should be", "wsa:ActionMismatch")
        if point := request.match_info.get("point"):
            return await self.pull_points.at(point, message)
        operations = self._operations().get(request.path, {})
        if message.operation not in operations:
            raise Fault("no such operation", "ter:ActionNotSupported", code="Receiver")
        said = operations[message.operation](message)
        return said if isinstance(said, str) else await said

    def _operations(self) -> Mapping[str, Mapping[str, Callable[[Message], str | Awaitable[str]]]]:
        return {
            _PATHS[DEVICE]: {
                "GetSystemDateAndTime": self._time,
                "SetSystemDateAndTime": self._set_time,
                "GetServices": self._services,
                "GetDeviceInformation": self._information,
                "GetNTP": self._ntp,
                "SetNTP": self._set_ntp,
                "GetUsers": self._users,
                "SetUser": self._set_user,
            },
            _PATHS[MEDIA]: {"GetProfiles": self._profiles, "GetStreamUri": self._stream},
            _PATHS[EVENTS]: {
                "CreatePullPointSubscription": lambda message: self.pull_points.create(message, self._base)
            },
        }

    @property
    def _base(self) -> str:
        return f"http://{self._says_host}" if self._says_host else self.url

    def _time(self, _message: Message) -> str:
        now = self.now()
        clock = f"{now:<tt:Hour>%-H</tt:Hour><tt:Minute>%-M</tt:Minute><tt:Second>%-S</tt:Second>}"
        day = f"{now:<tt:Year>%Y</tt:Year><tt:Month>%-m</tt:Month><tt:Day>%-d</tt:Day>}"
        return (
            "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime>"
            f"<tt:DateTimeType>{self.time_kind}</tt:DateTimeType><tt:DaylightSavings>false</tt:DaylightSavings>"
            f"<tt:TimeZone><tt:TZ>{escape(self.zone)}</tt:TZ></tt:TimeZone>"
            f"<tt:UTCDateTime><tt:Time>{clock}</tt:Time><tt:Date>{day}</tt:Date></tt:UTCDateTime>"
            "</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
        )

    def _set_time(self, message: Message) -> str:
        kind = message.text("tds:DateTimeType")
        if kind not in {"Manual", "NTP"} or message.text("tds:DaylightSavings") not in {"true", "false"}:
            raise Fault("no such kind of time", "ter:InvalidArgVal")
        for zone in message.all("tds:TimeZone/tt:TZ"):
            self.zone = (zone.text or "").strip()
        if kind == "NTP":
            if not self.ntp_server:
                raise Fault("no server for the time", "ter:InvalidArgVal", "ter:NtpServerUndefined")
        else:
            self.ahead = _moment(message) - self._clock.now()
        self.time_kind = kind
        return "<tds:SetSystemDateAndTimeResponse/>"

    def _set_ntp(self, message: Message) -> str:
        if message.text("tds:FromDHCP") != "false":
            raise Fault("no DHCP here", "ter:InvalidArgVal")
        kind = message.text("tds:NTPManual/tt:Type")
        tag = {"IPv4": "IPv4Address", "IPv6": "IPv6Address", "DNS": "DNSname"}.get(kind)
        if tag is None:
            raise Fault("no such kind of address", "ter:InvalidArgVal")
        self.ntp_kind, self.ntp_server = tag, message.text(f"tds:NTPManual/tt:{tag}")
        return "<tds:SetNTPResponse/>"

    def _ntp(self, _message: Message) -> str:
        kind = {"IPv4Address": "IPv4", "IPv6Address": "IPv6", "DNSname": "DNS"}[self.ntp_kind]
        host = f"<tt:Type>{kind}</tt:Type><tt:{self.ntp_kind}>{escape(self.ntp_server)}</tt:{self.ntp_kind}>"
        manual = f"<tt:NTPManual>{host}</tt:NTPManual>" if self.ntp_server else ""
        return (
            "<tds:GetNTPResponse><tds:NTPInformation><tt:FromDHCP>false</tt:FromDHCP>"
            f"{manual}</tds:NTPInformation></tds:GetNTPResponse>"
        )

    def _services(self, message: Message) -> str:
        message.text("tds:IncludeCapability")
        version = "<tds:Version><tt:Major>2</tt:Major><tt:Minor>60</tt:Minor></tds:Version>"
        listed = "".join(
            f"<tds:Service><tds:Namespace>{namespace}</tds:Namespace>"
            f"<tds:XAddr>{self._base}{path}</tds:XAddr>{version}</tds:Service>"
            for namespace, path in _PATHS.items()
        )
        return f"<tds:GetServicesResponse>{listed}</tds:GetServicesResponse>"

    def _information(self, _message: Message) -> str:
        said = {
            "Manufacturer": "lianfang",
            "Model": "枪机 SIM-1",
            "FirmwareVersion": "1.0",
            "SerialNumber": "1",
        }
        fields = "".join(f"<tds:{name}>{value}</tds:{name}>" for name, value in said.items())
        return (
            f"<tds:GetDeviceInformationResponse>{fields}<tds:HardwareId>1</tds:HardwareId>"
            "</tds:GetDeviceInformationResponse>"
        )

    def _users(self, _message: Message) -> str:
        listed = "".join(
            f"<tds:User><tt:Username>{escape(name)}</tt:Username><tt:UserLevel>{level}</tt:UserLevel></tds:User>"
            for name, level in self.levels.items()
        )
        return f"<tds:GetUsersResponse>{listed}</tds:GetUsersResponse>"

    def _set_user(self, message: Message) -> str:
        given = message.all("tds:User")
        if not given:
            raise Fault("nobody", "ter:InvalidArgs")
        for user in given:
            name, password, level = (
                text_in(user, f"tt:{part}") for part in ("Username", "Password", "UserLevel")
            )
            if name not in self.users:
                raise Fault("no such user", "ter:InvalidArgVal", "ter:UsernameMissing")
            if len(password) < _SHORTEST_PASSWORD or password.isalpha() or password.isdigit():
                raise Fault("too weak a password", "ter:OperationProhibited", "ter:PasswordTooWeak")
            if level not in {"Administrator", "Operator", "User"}:
                raise Fault("no such level", "ter:InvalidArgVal")
            self.users[name], self.levels[name] = password, level
            if self._digest is not None and name == USER:
                self._digest.password_is(password)
        return "<tds:SetUserResponse/>"

    def _profiles(self, _message: Message) -> str:
        listed = "".join(map(profile, self.streams.values()))
        return f"<trt:GetProfilesResponse>{listed}</trt:GetProfilesResponse>"

    def _stream(self, message: Message) -> str:
        stream = self.streams.get(message.text("trt:ProfileToken"))
        if stream is None:
            raise Fault("no such profile", "ter:InvalidArgVal", "ter:NoProfile")
        how = (
            message.text("trt:StreamSetup/tt:Stream"),
            message.text("trt:StreamSetup/tt:Transport/tt:Protocol"),
        )
        if how not in {("RTP-Unicast", "RTSP"), ("RTP-Unicast", "UDP")}:
            raise Fault("no such transport", "ter:InvalidArgVal", "ter:InvalidStreamSetup")
        return (
            f"<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>{escape(stream.rtsp)}</tt:Uri>"
            "<tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>true"
            "</tt:InvalidAfterReboot><tt:Timeout>PT60S</tt:Timeout></trt:MediaUri></trt:GetStreamUriResponse>"
        )


def _moment(message: Message) -> datetime:
    parts = (
        *(f"Date/tt:{name}" for name in ("Year", "Month", "Day")),
        *(f"Time/tt:{name}" for name in ("Hour", "Minute", "Second")),
    )
    try:
        year, month, day, hour, minute, second = (
            int(message.text(f"tds:UTCDateTime/tt:{part}")) for part in parts
        )
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise Fault("no such time", "ter:InvalidArgVal", "ter:InvalidDateTime") from error


def main() -> None:
    """Run one camera until interrupted."""
    parser = argparse.ArgumentParser(description="An ONVIF camera whose pictures an RTSP server gives.")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--rtsp", required=True, help="the address of its pictures")
    options = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(serve_for_ever(OnvifCamera(streams(options.rtsp), port=options.port)))


if __name__ == "__main__":
    main()

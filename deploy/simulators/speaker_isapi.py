"""A horn with ISAPI (Hikvision): two-way audio and sounds of its own. See docs/protocols/speaker_isapi.md.

``python -m deploy.simulators.speaker_isapi --port 8905``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import secrets
from collections.abc import Iterable
from contextlib import suppress

from aiohttp import web

from deploy.simulators.digest import Digest
from deploy.simulators.isapi import NAMESPACE, status, xml
from deploy.simulators.server import Fault, Handler, Say, Simulator, serve_for_ever, to_stdout

USERNAME, PASSWORD = "admin", "horn-1234"
_BASE = "/ISAPI/System/TwoWayAudio/channels/1"
_ALARM = "/ISAPI/Event/triggers/notifications/AudioAlarm"
_FASTEST = 2.0  # times as fast as it is heard: more does not fit into its buffer
_BUFFER_S = 0.5


class IsapiSimulator(Simulator):
    """One device with one audio channel, which one caller has at a time.

    ``faults`` meet the requests for an open channel. ``someone_talks`` keeps it busy until it is closed by
    that someone. Sound that comes faster than it can be heard is refused. It has alarm sounds ``stored``, and
    plays one of them at a time: ``sounded`` are number and loudness of each; a device without them has none.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        law: str = "G.711alaw",
        volume: int | None = 50,
        stored: int = 3,
        faults: Iterable[Fault | None] = (),
        say: Say = to_stdout,
    ) -> None:
        super().__init__(host=host, port=port, faults=faults, say=say)
        self.digest = Digest(USERNAME, PASSWORD)
        self._law, self.volume = law, volume
        self._session = ""
        self.someone_talks = False
        self.obeys_close = True
        self.heard = bytearray()
        self.played: list[bytes] = []
        self._stored = stored
        self._alarm: dict[str, object] = {"audioID": 1, "audioVolume": 5, "alarmTimes": 3}
        self.sounded: list[tuple[int, object]] = []

    @property
    def is_open(self) -> bool:
        """Whether somebody has its audio channel."""
        return bool(self._session)

    def routes(self) -> Iterable[web.RouteDef]:
        """Return what is served."""
        known: list[tuple[str, str, Handler]] = [
            ("GET", "", self._settings),
            ("PUT", "", self._set),
            ("PUT", "/open", self.faulty(self._open)),
            ("PUT", "/close", self._close),
            ("PUT", "/audioData", self._audio),
        ]
        routes = [(method, _BASE + what, handler) for method, what, handler in known]
        if self._stored:
            routes += [
                ("GET", _ALARM, self._alarm_settings),
                ("PUT", _ALARM, self._set_alarm),
                ("PUT", f"{_ALARM}/{{sound:[0-9]+}}/test", self.faulty(self._sound)),
            ]
        return [web.route(method, path, self.digest.before(handler)) for method, path, handler in routes]

    async def _settings(self, _request: web.Request) -> web.Response:
        volume = "" if self.volume is None else f"<speakerVolume>{self.volume}</speakerVolume>"
        return xml(
            f'<TwoWayAudioChannel version="2.0" xmlns="{NAMESPACE}"><id>1</id><enabled>true</enabled>'
            f"<audioCompressionType>{self._law}</audioCompressionType>{volume}</TwoWayAudioChannel>"
        )

    async def _set(self, request: web.Request) -> web.Response:
        body = await request.text()
        found = re.search(r"<speakerVolume>(\d+)</speakerVolume>", body)
        if request.content_type != "application/xml" or found is None or not 0 <= int(found[1]) <= 100:
            return status(400, 6, "Invalid XML Content")
        self.volume = int(found[1])
        return status(200, 1, "OK")

    async def _open(self, request: web.Request) -> web.Response:
        if await request.read():
            return status(400, 6, "Invalid XML Content")
        if self._session or self.someone_talks:
            return status(403, 2, "Device Busy")
        self._session = secrets.token_hex(4)
        return xml(
            f'<TwoWayAudioSession version="2.0" xmlns="{NAMESPACE}">'
            f"<sessionId>{self._session}</sessionId></TwoWayAudioSession>"
        )

    async def _close(self, _request: web.Request) -> web.Response:
        if not self.obeys_close:
            return status(500, 3, "Device Error")
        if not self._session:
            return status(403, 4, "Invalid Operation")
        self._session = ""
        return status(200, 1, "OK")

    async def _audio(self, request: web.Request) -> web.Response:
        session = self._session
        if not session or request.query.get("sessionId") != session or request.content_length is None:
            return status(403, 4, "Invalid Operation")
        loop = asyncio.get_running_loop()
        begun_s, self.heard = loop.time(), bytearray()
        async for part in request.content.iter_any():
            self.heard += part
            if self._session != session:
                return status(403, 4, "Invalid Operation")
            if len(self.heard) / 8000 > _BUFFER_S + (loop.time() - begun_s) * _FASTEST:
                return status(400, 3, "Device Error")
        self.played.append(bytes(self.heard))
        self.say(f"{len(self.heard) / 8000:.1f} s of {self._law} at volume {self.volume}")
        return status(200, 1, "OK")

    async def _alarm_settings(self, request: web.Request) -> web.Response:
        if request.query.get("format") != "json":
            return _json(400, 4, "Invalid Operation")
        return web.json_response({"AudioAlarm": self._alarm})

    async def _set_alarm(self, request: web.Request) -> web.Response:
        try:
            wanted = json.loads(await request.text())["AudioAlarm"]
        except (ValueError, KeyError, TypeError):
            return _json(400, 6, "Invalid Content")
        complete = isinstance(wanted, dict) and wanted.keys() == self._alarm.keys()
        if (
            request.content_type != "application/json"
            or not complete
            or wanted["audioVolume"] not in range(11)
        ):
            return _json(400, 6, "Invalid Content")
        self._alarm = wanted
        return _json(200, 1, "OK")

    async def _sound(self, request: web.Request) -> web.Response:
        number = int(request.match_info["sound"])
        if await request.read() or request.query.get("format") != "json":
            return _json(400, 6, "Invalid Content")
        if not 1 <= number <= self._stored:
            return _json(403, 4, "Invalid Operation")
        if self.someone_talks:
            return _json(403, 2, "Device Busy")
        self.sounded.append((number, self._alarm["audioVolume"]))
        self.say(f"sound {number} at volume {self._alarm['audioVolume']}")
        return _json(200, 1, "OK")


def _json(status: int, code: int, text: str) -> web.Response:
    return web.json_response({"statusCode": code, "statusString": text}, status=status)


def main() -> None:
    """Run one device until interrupted."""
    parser = argparse.ArgumentParser(description="A horn that speaks ISAPI.")
    parser.add_argument("--port", type=int, default=8905)
    options = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(serve_for_ever(IsapiSimulator(port=options.port)))


if __name__ == "__main__":
    main()

"""A network speaker that plays media clips by VAPIX (Axis). See docs/protocols/speaker_vapix.md.

``python -m deploy.simulators.speaker_vapix --port 8906``.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import web

from deploy.simulators.digest import Digest
from deploy.simulators.server import Fault, Say, Simulator, serve_for_ever, to_stdout

USERNAME, PASSWORD = "operator", "axis-1234"
_PLACES = 12  # clips that it holds
_ARGUMENTS = {
    "play": {"clip", "volume", "repeat", "audiodeviceid", "audiooutputid"},
    "stop": set[str](),
    "remove": {"clip"},
    "upload": {"media", "name"},
}


@dataclass(frozen=True)
class Play:
    """A clip that was played, and how."""

    sound: bytes
    asked: dict[str, str]


class VapixSimulator(Simulator):
    """One device. ``options`` are those that a play may have; ``faults`` meet the commands for clips."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        options: str = "repeat,volume,audiodeviceid,audiooutputid",
        stop_clip: bool = True,
        faults: Iterable[Fault | None] = (),
        say: Say = to_stdout,
    ) -> None:
        super().__init__(host=host, port=port, faults=faults, say=say)
        self.digest = Digest(USERNAME, PASSWORD)
        self._options, self._stop_clip = options, stop_clip
        self.clips: dict[int, tuple[str, bytes]] = {0: ("Alarm", b"RIFF")}
        self._next = 1
        self.uploads = 0
        self.plays: list[Play] = []
        self.stops: list[str] = []
        self.obeys_stop = True

    def routes(self) -> Iterable[web.RouteDef]:
        """Return what is served."""
        login = self.digest.before
        clip = login(self.faulty(self._clip))
        return [
            web.get("/axis-cgi/param.cgi", login(self._params)),
            web.get("/axis-cgi/mediaclip.cgi", clip),
            web.post("/axis-cgi/mediaclip.cgi", clip),
            web.get("/axis-cgi/stopclip.cgi", login(self._stop)),
        ]

    async def _params(self, request: web.Request) -> web.Response:
        if dict(request.query) == {"action": "list", "group": "MediaClip"}:
            lines = [f"root.MediaClip.M{n}.Name={name}" for n, (name, _) in self.clips.items()]
            lines += [f"root.MediaClip.M{n}.Type=audio" for n in self.clips]
        elif dict(request.query) == {"action": "list", "group": "Properties.AudioClip"}:
            lines = [
                f"root.Properties.AudioClip.PlayOptions={self._options}",
                f"root.Properties.AudioClip.StopClip={'yes' if self._stop_clip else 'no'}",
            ]
        else:
            lines = ["# Error: Error -1 getting param in group"]
        return web.Response(text="\n".join([*lines, ""]))

    async def _clip(self, request: web.Request) -> web.Response:
        asked = dict(request.query)
        action = asked.pop("action", "")
        known = _ARGUMENTS.get(action)
        if known is None or not asked.keys() <= known or (request.method == "POST") != (action == "upload"):
            return _bad("unknown argument")
        if action == "upload":
            return await self._upload(request, asked)
        if action == "stop":
            return await self._stop(request)
        number = int(asked["clip"]) if asked.get("clip", "").isdigit() else -1
        if number not in self.clips:
            return _bad("no such clip")
        if action == "remove":
            del self.clips[number]
            return _ok(f"removed={number}")
        return self._play(number, asked)

    def _play(self, number: int, asked: dict[str, str]) -> web.Response:
        options = asked.keys() - {"clip"}
        if not options <= set(self._options.split(",")):
            return _bad("option not supported")
        if ("audiodeviceid" in options) != ("audiooutputid" in options):
            return _bad("audiodeviceid and audiooutputid belong together")
        if "volume" in options and not (asked["volume"].isdigit() and int(asked["volume"]) <= 1000):
            return _bad("volume")
        self.plays.append(Play(self.clips[number][1], {name: asked[name] for name in options}))
        self.say(f"plays clip {number}: {self.clips[number][0]}")
        return _ok(f"playing={number}")

    async def _upload(self, request: web.Request, asked: dict[str, str]) -> web.Response:
        if asked.get("media") != "audio" or not asked.get("name"):
            return _bad("media and name are required")
        if len(self.clips) >= _PLACES:
            return _bad("no room")
        data = _file_of(request.headers.get("Content-Type", ""), await request.read())
        if not data.startswith(b"RIFF"):
            return _bad("format")
        number, self._next = self._next, self._next + 1
        self.clips[number] = asked["name"], data
        self.uploads += 1
        return _ok(f"uploaded={number}")

    async def _stop(self, request: web.Request) -> web.Response:
        if not self._stop_clip and request.path.endswith("stopclip.cgi"):
            return web.Response(status=404)
        if not self.obeys_stop:
            return web.Response(text="Error: audio device\n")
        self.stops.append(request.path)
        return _ok("stopping")


def _file_of(content_type: str, body: bytes) -> bytes:
    """Return the one file of a form (RFC 1867), nothing where it is none."""
    kind, _, boundary = content_type.partition("; boundary=")
    begin, end = f"--{boundary}\r\n".encode(), f"\r\n--{boundary}--\r\n".encode()
    if kind != "multipart/form-data" or not boundary or not body.startswith(begin) or not body.endswith(end):
        return b""
    head, _, data = body[len(begin) : -len(end)].partition(b"\r\n\r\n")
    named = b'Content-Disposition: form-data; name="' in head and b'filename="' in head
    return data if named else b""


def _ok(what: str) -> web.Response:
    return web.Response(text=f"OK\n{what}\n")


def _bad(why: str) -> web.Response:
    return web.Response(status=400, text=f"400 Bad Request\n{why}\n")


def main() -> None:
    """Run one device until interrupted."""
    parser = argparse.ArgumentParser(description="A network speaker that speaks VAPIX.")
    parser.add_argument("--port", type=int, default=8906)
    options = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(serve_for_ever(VapixSimulator(port=options.port)))


if __name__ == "__main__":
    main()

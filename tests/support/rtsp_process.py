"""A real RTSP server: Debian's gst-rtsp-server under the system's Python, which has its bindings.

Run as a program it serves elementary streams of H.264 and H.265, each looped without a break, and prints the
port it has.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
from functools import cache
from pathlib import Path
from typing import Any

import gi  # type: ignore[import-not-found, import-untyped, unused-ignore]

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import (  # type: ignore[import-not-found, import-untyped, unused-ignore] # noqa: E402
    GLib,
    Gst,
    GstRtsp,
    GstRtspServer,
)

PIPELINE = (
    "( appsrc name=source is-live=false format=time max-bytes=262144"
    " caps=video/x-{0},stream-format=byte-stream,alignment=au"
    " ! {0}parse config-interval=-1 ! rtp{0}pay name=pay0 pt=96 config-interval=-1 )"
)
"""What serves an elementary stream of ``h264`` or ``h265``."""


class Feeder:
    """Pushes access units for ever, stamped as if the stream never ended."""

    def __init__(self, units: list[bytes], fps: float) -> None:
        self._units = units
        self._step_ns = int(Gst.SECOND / fps)
        self._sent = 0

    def need_data(self, source: Any, _length: int) -> None:  # noqa: ANN401
        """Push the next unit; the sink paces it by its time stamp."""
        buffer = Gst.Buffer.new_wrapped(self._units[self._sent % len(self._units)])
        buffer.pts = buffer.dts = self._sent * self._step_ns
        buffer.duration = self._step_ns
        self._sent += 1
        source.emit("push-buffer", buffer)


@cache
def _units(stream: Path) -> tuple[list[bytes], float]:
    index = json.loads(stream.with_suffix(".json").read_text(encoding="utf-8"))
    data = stream.read_bytes()
    ends = index["ends"]
    return [data[start:end] for start, end in zip([0, *ends], ends, strict=False)], index["fps"]


class Playing(GstRtspServer.RTSPMediaFactory):  # type: ignore[misc, name-defined, unused-ignore]
    """One playing of ``stream``, begun by whoever comes first and shared by all paths that lead to it."""

    def __init__(self, stream: Path) -> None:
        super().__init__()
        self._stream = stream
        self.set_launch(PIPELINE.format(stream.suffix.removeprefix(".")))
        self.set_shared(True)
        self.set_latency(0)
        self.connect("media-configure", self._configure)

    def do_gen_key(self, _url: Any) -> str:  # noqa: ANN401
        """Return what tells its playing from another of this factory: there is none."""
        return "playing"

    def _configure(self, _factory: Any, media: Any) -> None:  # noqa: ANN401
        source = media.get_element().get_by_name("source")
        source.connect("need-data", Feeder(*_units(self._stream)).need_data)


def authentication(scheme: str, user: str, password: str) -> Any:  # noqa: ANN401
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "viewer")
    if scheme == "digest":
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(user, password, token)
    else:
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    return auth


def _mount(points: Any, streams: list[str], playings: int, permissions: Any) -> None:  # noqa: ANN401
    """Let every path lead to a playing of its file, in turn."""
    known: dict[tuple[Path, int], Playing] = {}
    for i, stream in enumerate(streams):
        path, _, file = stream.partition("=")
        key = Path(file), i % playings
        if key not in known:
            known[key] = Playing(key[0])
            if permissions is not None:
                known[key].set_permissions(permissions)
        points.add_factory(path, known[key])


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("streams", nargs="+", help="path=file, the suffix of the file being its codec")
    parser.add_argument("--playings", type=int, default=1, help="that the paths of a file are spread over")
    parser.add_argument("--port", default="0")
    parser.add_argument("--scheme", choices=("basic", "digest"))
    parser.add_argument("--user")
    parser.add_argument("--password")
    arguments = parser.parse_args()
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(arguments.port)
    permissions = None
    if arguments.scheme:
        server.set_auth(authentication(arguments.scheme, arguments.user, arguments.password))
        permissions = GstRtspServer.RTSPPermissions()
        for right in ("media.factory.access", "media.factory.construct"):
            permissions.add_permission_for_role("viewer", right, True)
    _mount(server.get_mount_points(), arguments.streams, arguments.playings, permissions)
    if not server.attach(None):
        raise SystemExit(f"port {arguments.port} is taken")
    print(server.get_bound_port(), flush=True)
    loop = GLib.MainLoop()
    parent = os.getppid()

    def parent_lives() -> bool:
        if os.getppid() != parent:
            loop.quit()
        return True

    GLib.timeout_add_seconds(1, parent_lives)
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGTERM, loop.quit)
    loop.run()


if __name__ == "__main__":
    main()

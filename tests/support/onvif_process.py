"""A real ONVIF streaming server with a back-channel: Debian's gst-rtsp-server under the system's Python.

Run as a program it prints the port it has, and writes what is heard into a file, as G.711.
"""

from __future__ import annotations

import argparse
import os
from typing import Any

import gi  # type: ignore[import-not-found, import-untyped, unused-ignore]

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import (  # type: ignore[import-not-found, import-untyped, unused-ignore] # noqa: E402
    GLib,
    Gst,
    GstRtspServer,
)

from tests.support.rtsp_process import authentication  # noqa: E402

VIDEO = (
    "( videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=5/1 ! x264enc tune=zerolatency"
    " ! rtph264pay name=pay0 pt=96 )"
)
BACK = (
    '( capsfilter name=depay_backchannel caps="application/x-rtp,media=audio,payload={number},'
    'clock-rate={rate},encoding-name={name}" ! {depayloader}'
    " ! filesink async=false sync=false buffer-mode=2 location={file} )"
)
LAWS = {
    "a": (8, 8000, "PCMA", "rtppcmadepay"),
    "mu": (0, 8000, "PCMU", "rtppcmudepay"),
    "opus": (97, 48000, "OPUS", "rtpopusdepay"),
}


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--law", choices=(*LAWS, "none"), default="a")
    parser.add_argument("--user")
    parser.add_argument("--password")
    arguments = parser.parse_args()
    Gst.init(None)
    if arguments.law == "none":
        factory: Any = GstRtspServer.RTSPMediaFactory()
        server: Any = GstRtspServer.RTSPServer()
    else:
        number, rate, name, depayloader = LAWS[arguments.law]
        factory = GstRtspServer.RTSPOnvifMediaFactory()
        factory.set_media_gtype(GstRtspServer.RTSPOnvifMedia.__gtype__)
        factory.set_backchannel_launch(
            BACK.format(number=number, rate=rate, name=name, depayloader=depayloader, file=arguments.file)
        )
        server = GstRtspServer.RTSPOnvifServer()
    factory.set_launch(VIDEO)
    server.set_address("127.0.0.1")
    server.set_service("0")
    if arguments.user:
        server.set_auth(authentication("digest", arguments.user, arguments.password))
        permissions = GstRtspServer.RTSPPermissions()
        for right in ("media.factory.access", "media.factory.construct"):
            permissions.add_permission_for_role("viewer", right, True)
        factory.set_permissions(permissions)
    server.get_mount_points().add_factory("/live", factory)
    server.attach(None)
    print(server.get_bound_port(), flush=True)
    loop = GLib.MainLoop()
    parent = os.getppid()
    GLib.timeout_add_seconds(1, lambda: os.getppid() == parent or loop.quit())
    loop.run()


if __name__ == "__main__":
    main()

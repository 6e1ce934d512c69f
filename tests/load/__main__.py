"""Run simulated RTSP cameras until Ctrl-C, and print their addresses: main stream, sub-stream."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

import yaml

from tests.load.cameras import Cameras
from tests.load.site import PASSWORD_VARIABLE, site
from tests.support.elementary import Encoding
from tests.support.rtsp_server import Login


def main() -> int:
    """Serve; the exit code."""
    arguments = _parser().parse_args()
    cameras = Cameras(
        arguments.cameras,
        _encoding(arguments, arguments.size, arguments.kbps),
        None if arguments.sub is None else _encoding(arguments, arguments.sub, None),
        arguments.video,
        arguments.login,
        arguments.processes,
    )
    with cameras:
        for address in cameras.addresses:
            print(address.main, address.sub or "", flush=True)
        if arguments.config:
            text = yaml.safe_dump(
                site(cameras.addresses, arguments.login), allow_unicode=True, sort_keys=False
            )
            arguments.config.write_text(text, encoding="utf-8")
            if arguments.login:
                print(f"the configuration reads the password from {PASSWORD_VARIABLE}", file=sys.stderr)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--cameras", type=int, default=4, help="how many")
    parser.add_argument("--size", type=_size, default=(640, 360), help="of the main stream, 640x360")
    parser.add_argument("--sub", type=_size, help="size of the sub-stream; without it there is none")
    parser.add_argument("--fps", type=int, default=25)
    parser.add_argument("--keyframe-s", type=float, default=2, help="seconds between keyframes")
    parser.add_argument("--codec", choices=("h264", "h265"), default="h264")
    parser.add_argument("--kbps", type=int, help="bits a second of the main stream")
    parser.add_argument("--video", type=Path, help="what they show; default: numbered pictures")
    parser.add_argument("--login", type=_login, help="user:password that they ask for (digest)")
    parser.add_argument("--processes", type=int, default=2, help="that serve them")
    parser.add_argument("--config", type=Path, help="write a configuration that reads them")
    return parser


def _encoding(arguments: argparse.Namespace, size: tuple[int, int], kbps: int | None) -> Encoding:
    width, height = size
    return Encoding(
        arguments.codec, width, height, arguments.fps, arguments.keyframe_s, kbps, preset="veryfast"
    )


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return int(width), int(height)


def _login(text: str) -> Login:
    user, _, password = text.partition(":")
    return Login(user, password)


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    sys.exit(main())

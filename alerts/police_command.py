"""``lianfang police``: try a platform, or say what a platform was told on a day."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TypeVar

from alerts.channels import gat1400, gb28181
from alerts.joint.case import Verdict
from alerts.joint.run import CASES, KINDS, camera_for, verdicts
from alerts.notice_settings import NoticeConfig
from alerts.reports import police
from alerts.reports.police_text import as_json, as_text
from alerts.store import open_store
from lianfang import logs, plugins
from lianfang.clock import SystemClock
from lianfang.config import Config, load
from lianfang.config.stanza import one_of
from lianfang.errors import LianfangError

_DAY = timedelta(days=1)
_Kind = TypeVar("_Kind", bound=NoticeConfig)


def main(argv: Sequence[str]) -> int:
    """Run the command line; return 0, 1 where the platform is at fault, 2 for input that is wrong."""
    options = _parser().parse_args(argv)
    try:
        config = load(options.config)
        said: str = options.do(options, config)
    except _PlatformError as error:
        sys.stderr.write(f"{options.receiver}: {error}\n")
        return 1
    except (LianfangError, LookupError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(said)
    return 0


class _PlatformError(Exception):
    """A platform that does not let us in, or not do what it must."""


def _try(options: argparse.Namespace, config: Config) -> str:
    return asyncio.run(_tried(_known(config, options.receiver, gat1400.Config, gb28181.Config)))


async def _tried(settings: NoticeConfig) -> str:
    channel = plugins.build("alerts.channels", settings, SystemClock())
    try:
        return f"{await channel.register()}; left\n"
    except LianfangError as error:
        raise _PlatformError(str(error)) from error
    finally:
        await channel.close()


def _report(options: argparse.Namespace, config: Config) -> str:
    _known(config, options.receiver, NoticeConfig)
    now = SystemClock().now()
    asked: date = options.day or (now.astimezone(config.community.zone) - _DAY).date()
    within = timedelta(seconds=options.within)
    store = open_store(config)
    try:
        with store.read() as session:
            found = police.report(session, config, options.receiver, asked, within, now)
    finally:
        store.close()
    return as_json(found) if options.json else as_text(found)


def _cases(options: argparse.Namespace, config: Config) -> str:
    settings = _known(config, options.receiver, *KINDS)
    camera = camera_for(config, settings, options.camera)
    logs.configure("police", "error")
    sys.stdout.write(f"{options.receiver}, camera {camera}: joint test cases (联调用例)\n")
    ends = asyncio.run(_tried_cases(config, settings, camera, options.case or ()))
    if failed := [end for end in ends if end.fault]:
        raise _PlatformError(f"{len(failed)} of {len(ends)} cases failed")
    return f"{len(ends)} of {len(ends)} cases passed\n"


async def _tried_cases(
    config: Config, settings: NoticeConfig, camera: str, only: Sequence[int]
) -> list[Verdict]:
    ends = []
    async for end in verdicts(config, settings, camera, only, SystemClock()):
        ends.append(end)
        sys.stdout.write(f"{end.number:2} {'FAILED' if end.fault else 'passed'}  {end.title}\n")
        sys.stdout.write("".join(f"           {line}\n" for line in filter(None, (end.fault, end.words))))
        sys.stdout.flush()
    return ends


def _known(config: Config, name: str, *kinds: type[_Kind]) -> _Kind:
    known = {name: r for name, r in config.receivers.items() if isinstance(r, kinds)}
    if name not in known:
        raise LookupError(f"receiver: found {name!r}; allowed: {one_of(known)}")
    return known[name]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lianfang police", description=__doc__)
    parser.add_argument("config", type=Path, help="configuration file (YAML)")
    what = parser.add_subparsers(required=True, metavar="WHAT")
    one = what.add_parser(
        "try",
        help="register, compare clocks if it tells its own, and leave; a running service registers again",
    )
    one.add_argument("receiver", help="a receiver of kind gat1400 or gb28181")
    one.set_defaults(do=_try)
    one = what.add_parser("cases", help="run the joint test cases against the real platform, as tests")
    one.add_argument("receiver", help="a receiver of kind gat1400 or webhook")
    one.add_argument("--case", type=int, action="append", choices=CASES, metavar="N", help="only that one")
    one.add_argument("--camera", metavar="ID", help="what the cases are about; one with a device_code")
    one.set_defaults(do=_cases)
    one = what.add_parser("report", help="a day: messages, pictures, links, clock, cameras")
    one.add_argument("receiver", help="a receiver of notices")
    one.add_argument("--day", type=date.fromisoformat, help="such as 2026-07-01; yesterday where not given")
    one.add_argument("--within", type=float, default=60, metavar="S", help="seconds that are in time (60)")
    one.add_argument("--json", action="store_true", help="all of it as JSON")
    one.set_defaults(do=_report)
    return parser

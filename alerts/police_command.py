"""``lianfang police``: try a platform, or say what a platform was told on a day."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TypeVar

from alerts.channels import gat1400, gb28181
from alerts.notice_settings import NoticeConfig
from alerts.reports import police
from alerts.store import open_store
from lianfang import plugins
from lianfang.clock import SystemClock
from lianfang.config import Config, load
from lianfang.config.stanza import one_of
from lianfang.errors import LianfangError

_DAY = timedelta(days=1)
_Kind = TypeVar("_Kind", bound=NoticeConfig)


def main(argv: Sequence[str]) -> int:
    """Run the command line; return 0, 1 where the platform does not let us in, 2 for input that is wrong."""
    options = _parser().parse_args(argv)
    try:
        config = load(options.config)
        said: str = options.do(options, config)
    except _NotLetInError as error:
        sys.stderr.write(f"{options.receiver}: {error}\n")
        return 1
    except (LianfangError, LookupError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(said)
    return 0


class _NotLetInError(Exception):
    """A platform that could not be tried, and why."""


def _try(options: argparse.Namespace, config: Config) -> str:
    return asyncio.run(_tried(_known(config, options.receiver, gat1400.Config, gb28181.Config)))


async def _tried(settings: NoticeConfig) -> str:
    channel = plugins.build("alerts.channels", settings, SystemClock())
    try:
        return f"{await channel.register()}; left\n"
    except LianfangError as error:
        raise _NotLetInError(str(error)) from error
    finally:
        await channel.close()


def _report(options: argparse.Namespace, config: Config) -> str:
    receiver = _known(config, options.receiver, NoticeConfig)
    zone = config.community.zone
    asked: date = options.day or (SystemClock().now().astimezone(zone) - _DAY).date()
    begin = datetime.combine(asked, time(), zone)
    end = datetime.combine(asked + _DAY, time(), zone)
    within = timedelta(seconds=options.within)
    store = open_store(config)
    try:
        with store.read() as session:
            told = police.day(session, options.receiver, begin, end, within, config.evidence_folder)
    finally:
        store.close()
    used = sum(camera.enabled for camera in config.cameras.values())
    lacking = police.incomplete(config, getattr(receiver, "datum", None))
    lines = [
        f"{options.receiver}, {asked.isoformat()}",
        f"messages: {told.owed}, accepted {told.accepted}, rejected {told.rejected}, pending {told.pending}",
        f"accepted within {options.within:g} s: {_share(told.in_time, told.owed)}",
        f"pictures that can be read: {_share(told.readable, told.pictures)}",
        f"camera files that are complete: {_share(used - len(lacking), used)}",
        *(f"  {camera}: no {', '.join(keys)}" for camera, keys in sorted(lacking.items())),
    ]
    return "".join(f"{line}\n" for line in lines)


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({100 * part / whole:.1f} %)" if whole else "none"


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
    one = what.add_parser("report", help="messages of a day, pictures, and the files of the cameras")
    one.add_argument("receiver", help="a receiver of notices")
    one.add_argument("--day", type=date.fromisoformat, help="such as 2026-07-01; yesterday where not given")
    one.add_argument("--within", type=float, default=60, metavar="S", help="seconds that are in time (60)")
    one.set_defaults(do=_report)
    return parser

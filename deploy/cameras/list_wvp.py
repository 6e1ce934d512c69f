"""``lianfang cameras list-wvp``: the cameras of a WVP platform, as stanzas for a configuration."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from deploy.cameras.login import Login, add_login
from deploy.cameras.stanzas import commented, in_yaml, unused
from lianfang.clock import SystemClock
from lianfang.errors import LianfangError
from lianfang.reach.http import base_url
from lianfang.reach.networks import only
from lianfang.reach.wvp import Platform
from lianfang.reach.wvp_catalogue import Catalogue, Listed, channels, devices

_TIMEOUT_S = 10.0


def main(argv: Sequence[str]) -> int:
    """Run the command line; return 0, 1 where the platform says nothing, 2 where the input is wrong."""
    options = _parser().parse_args(argv)
    try:
        login = Login.of(options)
        url = base_url(options.url)
    except (LookupError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    assert login is not None  # noqa: S101 - a user is always given
    try:
        sys.stdout.write(asyncio.run(_listed(url, login)))
    except (LianfangError, OSError) as error:
        sys.stderr.write(f"{url}: {error}\n")
        return 1
    return 0


async def _listed(url: str, login: Login) -> str:
    platform = Platform(
        url,
        login.user,
        login.secret.read(),
        timeout_s=_TIMEOUT_S,
        ca_file=None,
        networks=await only(urlsplit(url).hostname or ""),
        clock=SystemClock(),
    )
    try:
        found = await devices(platform)
        return written(
            url, login, found, {row.code: await channels(platform, row.code) for row in found.rows}
        )
    finally:
        await platform.close()


def written(url: str, login: Login, found: Catalogue, below: dict[str, Catalogue]) -> str:
    """Return the stanzas of the cameras among the channels ``below`` devices; all else is a comment."""
    lines = [f"skipped: {fault}" for fault in found.faults]
    cameras: dict[str, Any] = {}
    for device in found.rows:
        lines.append(_said(device))
        for channel in below[device.code].rows:
            if not channel.is_camera:
                lines.append(f"- no camera: {_said(channel)}")
                continue
            source = {"kind": "wvp", "base_url": url, **login.stanza()}
            source |= {"device": device.code, "channel": channel.code}
            cameras[unused(channel.code, cameras)] = {
                "name": channel.name or channel.code,
                "point": "TODO",
                "device_code": channel.code,
                "source": source,
            }
        lines += [f"- skipped: {fault}" for fault in below[device.code].faults]
    return commented(lines) + (in_yaml({"cameras": cameras}) if cameras else "")


def _said(row: Listed) -> str:
    return " ".join(
        filter(None, [row.code, row.name, row.make, row.model, "" if row.online else "(offline)"])
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lianfang cameras list-wvp",
        description="List the devices and channels of a WVP platform, and write the stanzas of its cameras.",
    )
    parser.add_argument("url", help="the platform, such as http://10.0.0.2:18080")
    add_login(parser, needed=True)
    return parser

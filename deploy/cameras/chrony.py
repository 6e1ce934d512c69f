"""``lianfang cameras chrony``: a configuration of chronyd, which serves the time to the cameras."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from lianfang.config import Config, load
from lianfang.config.record import address_of
from lianfang.errors import ConfigError

_HEAD = """\
# Made by: lianfang cameras chrony. For /etc/chrony/chrony.conf of the machine that stands beside the cameras.
driftfile /var/lib/chrony/chrony.drift
# Set a clock that is far off at the start; later only slew it: pictures are stamped by it.
makestep 1 3
# Tell the kernel that the clock is kept: lianfang asks it.
rtcsync
# Without any server the cameras still agree with this machine.
local stratum 10
# Only by its socket on this machine is it told anything.
cmdport 0
"""


def main(argv: Sequence[str]) -> int:
    """Write the configuration to stdout; return 0, 2 where the input is wrong."""
    options = _parser().parse_args(argv)
    try:
        config = load(options.config)
        served = [ip_network(network) for network in options.network]
    except ConfigError as error:
        sys.stderr.write("".join(f"{problem}\n" for problem in error.problems))
        return 2
    except ValueError as error:
        sys.stderr.write(f"--network: {error}; allowed: such as 10.20.0.0/16\n")
        return 2
    sys.stdout.write(written(config, options.server, served))
    return 0


def written(
    config: Config, servers: Iterable[str] = (), served: Sequence[IPv4Network | IPv6Network] = ()
) -> str:
    """Return the configuration: who is asked for the time, and who may ask.

    These are the networks ``served``; where there are none, the addresses of the cameras, one by one.
    """
    lines = [f"server {server} iburst" for server in servers]
    unknown: list[str] = []
    allowed = list(map(str, served))
    if not served:
        found = {camera_id: _address(config, camera_id) for camera_id in config.cameras}
        unknown = [camera_id for camera_id, address in found.items() if not address]
        allowed = sorted(
            {address for address in found.values() if address}, key=lambda a: ip_address(a).packed
        )
    text = _HEAD + "".join(f"{line}\n" for line in [*lines, *(f"allow {one}" for one in allowed)])
    if unknown:
        text += f"# No address is known of {', '.join(unknown)}: give record.ip_address, or --network.\n"
    return text


def _address(config: Config, camera_id: str) -> str:
    """Return the address of a camera, "" where only a name is known, or nothing."""
    camera = config.cameras[camera_id]
    if known := address_of(camera)[0]:
        return known
    try:
        return str(ip_address(urlsplit(getattr(camera.source, "url", "")).hostname or ""))
    except ValueError:
        return ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lianfang cameras chrony",
        description="Write a configuration of chronyd by which this machine serves the time to its cameras.",
    )
    parser.add_argument("config", type=Path, help="configuration file (YAML)")
    parser.add_argument(
        "--server", action="append", default=[], metavar="HOST", help="whom to ask for the time; repeatable"
    )
    parser.add_argument(
        "--network",
        action="append",
        default=[],
        metavar="NETWORK",
        help="who may ask, in place of the cameras' own addresses; repeatable",
    )
    return parser

"""``lianfang cameras discover``: which cameras are on the network, and the stanzas for a configuration."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from urllib.parse import urlsplit

from deploy.cameras.login import Login, add_login
from deploy.cameras.stanzas import Described, Seen, written
from ingest.onvif import Device
from ingest.onvif.discovery import Found, discover
from lianfang.errors import LianfangError
from lianfang.reach.networks import only

_AT_ONCE = 16
_LONGEST_S = 30.0  # for all that a device is asked


def main(argv: Sequence[str]) -> int:
    """Run the command line; return 0, 1 where nothing was found, 2 where the input is wrong."""
    parser = _parser()
    options = parser.parse_args(argv)
    try:
        login = Login.of(options)
        found = asyncio.run(_all(options, login))
    except (LianfangError, LookupError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if not found:
        sys.stderr.write(
            "nobody answered: other networks are not reached, and some cameras have ONVIF switched off\n"
        )
        return 1
    sys.stdout.write(written(found, login))
    return 0


async def _all(options: argparse.Namespace, login: Login | None) -> list[Seen]:
    if options.address:
        found = [_named(address) for address in options.address]
    else:
        found = await discover(options.wait, options.interface, port=options.port)
    turn = asyncio.Semaphore(_AT_ONCE)
    return list(await asyncio.gather(*(_asked(device, login, turn) for device in found)))


def _named(address: str) -> Found:
    url = address if "://" in address else f"http://{address}"
    host = urlsplit(url).hostname
    if not host:
        raise LookupError(f"{address}: no address; allowed: host, host:port or http://host:port/path")
    return Found(host, url, "", "")


async def _asked(found: Found, login: Login | None, turn: asyncio.Semaphore) -> Seen:
    """Ask a device what it is; only one that a login is given for, and only at the address that it has."""
    if login is None:
        return Seen(found, None)
    async with turn:
        try:
            networks = await only(found.host)
            async with (
                asyncio.timeout(_LONGEST_S),
                Device(found.url, (login.user, login.secret.read()), networks=networks) as device,
            ):
                return Seen(found, Described(await device.information(), await device.profiles()))
        except TimeoutError:
            return Seen(found, f"no answer within {_LONGEST_S:g} s")
        except (LianfangError, OSError) as error:
            return Seen(found, str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lianfang cameras discover",
        description="Ask the network which ONVIF cameras there are, and write the stanzas for them.",
        epilog="Whoever answers is sent a digest of the password where one is given: use it in networks of "
        "your own only.",
    )
    parser.add_argument("address", nargs="*", help="cameras to ask, in place of a question to all")
    parser.add_argument(
        "--interface", action="append", default=[], help="such as eth1; all of this machine if none is given"
    )
    parser.add_argument("--wait", type=float, default=3.0, metavar="S", help="seconds to wait for answers")
    parser.add_argument("--port", type=int, default=3702, help=argparse.SUPPRESS)
    add_login(parser)
    return parser

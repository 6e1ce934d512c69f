"""``lianfang cameras time``: what the clocks of cameras say by ONVIF, and setting them or their NTP."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from deploy.cameras.logins import http_of
from deploy.inventory.flows import address_of
from ingest.address import Login
from ingest.onvif import Device, DeviceTime
from lianfang.camera_clock import host_clock
from lianfang.clock import SystemClock
from lianfang.config import Camera, Config, load
from lianfang.errors import ConfigError, LianfangError, PermanentError
from lianfang.reach.networks import only

_AT_ONCE = 16
_LONGEST_S = 30.0  # for all that a device is asked
_SET_WITHIN_S = 2.0  # it takes whole seconds, and a while until it does


@dataclass(frozen=True)
class Wish:
    """What a device is to do: nothing, take our time, or take it from the server ``ntp`` from now on."""

    set_time: bool = False
    ntp: str | None = None


def main(argv: Sequence[str]) -> int:
    """Run it; return 0, 1 where a clock is off or a device did not do it, 2 where the input is wrong."""
    parser = _parser()
    options = parser.parse_args(argv)
    try:
        config = load(options.config)
    except ConfigError as error:
        sys.stderr.write("".join(f"{problem}\n" for problem in error.problems))
        return 2
    if unknown := sorted({*options.camera} - config.cameras.keys()):
        parser.error(f"no camera {', '.join(unknown)}; there are {', '.join(sorted(config.cameras))}")
    wish = Wish(options.set or options.ntp is not None, options.ntp)
    if not host_clock(config, SystemClock()).is_right():
        sys.stderr.write("this machine's own clock is not synchronised: it may be the one that is wrong\n")
        if wish.set_time:
            sys.stderr.write("no camera is set by it, unless the configuration says clocks.host: trusted\n")
            return 2
    chosen = {name: config.cameras[name] for name in options.camera or config.cameras}
    return asyncio.run(_all(chosen, config, wish, options.port))


async def _all(cameras: Mapping[str, Camera], config: Config, wish: Wish, port: int) -> int:
    """Ask each device once, a few at a time, and say what came of it; one that fails harms no other."""
    turn = asyncio.Semaphore(_AT_ONCE)
    limit_s = config.clocks.camera_limit_s
    devices: dict[str, list[str]] = {}
    for name, camera in cameras.items():
        devices.setdefault(http_of(address_of(camera.source), port), []).append(name)
    nowhere = devices.pop("", [])

    async def one(url: str, names: Sequence[str]) -> bool:
        async with turn:
            said, good = await _done(url, cameras[names[0]], wish, limit_s)
        sys.stdout.write(f"{', '.join(names)} ({urlsplit(url).hostname}): {said}\n")
        return good

    done = await asyncio.gather(*(one(url, names) for url, names in devices.items()))
    if nowhere:
        sys.stdout.write(f"not asked, as no address of the device is known: {', '.join(nowhere)}\n")
    sys.stdout.write(f"{sum(done)} of {len(done)} good\n")
    return 0 if all(done) else 1


async def _done(url: str, camera: Camera, wish: Wish, limit_s: float) -> tuple[str, bool]:
    """Return what became of a device, and whether that is good."""
    try:
        networks = await only(urlsplit(url).hostname or "")
        async with (
            asyncio.timeout(_LONGEST_S),
            Device(url, _login(camera), networks=networks) as device,
        ):
            if not wish.set_time:
                said = await device.time()
                return await _told(device, said), abs(said.ahead_s) <= limit_s
            return await _set(device, wish)
    except TimeoutError:
        return f"no answer within {_LONGEST_S:g} s", False
    except (LianfangError, OSError) as error:
        return str(error), False


async def _set(device: Device, wish: Wish) -> tuple[str, bool]:
    """Set its clock, and whom it asks; then look whether it took."""
    before = await device.time()
    await device.set_time(SystemClock().now())
    if wish.ntp is not None:
        await device.set_ntp(wish.ntp)
    said = await device.time()
    told = f"was {_ahead(before)}; now {await _told(device, said)}"
    if abs(said.ahead_s) > _SET_WITHIN_S:
        return f"it did not take the time: {told}", False
    if wish.ntp is not None and (said.kind != "ntp" or await device.ntp() != [wish.ntp]):
        return f"it did not take the server {wish.ntp}: {told}", False
    return told, True


async def _told(device: Device, said: DeviceTime) -> str:
    """Return what is known of its clock."""
    by = "set by hand"
    if said.kind == "ntp":
        by = "by NTP"
        with suppress(PermanentError):
            by = f"by NTP from {', '.join(await device.ntp()) or 'nobody'}"
    return f"{_ahead(said)}, give or take {said.unsure_s:.1f} s; {by}"


def _ahead(said: DeviceTime) -> str:
    return f"{abs(said.ahead_s):.1f} s {'ahead' if said.ahead_s >= 0 else 'behind'}"


def _login(camera: Camera) -> tuple[str, str] | None:
    """Return who we are at a camera, by its source or by the address of that; None for nobody."""
    source = camera.source
    if isinstance(source, Login) and (login := source.login()) is not None:
        return login
    parts = urlsplit(str(getattr(source, "url", "")))
    return (unquote(parts.username), unquote(parts.password or "")) if parts.username else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lianfang cameras time",
        description="Ask cameras by ONVIF how far their clocks are off; set them.",
    )
    parser.add_argument("config", type=Path, help="configuration file (YAML)")
    parser.add_argument("camera", nargs="*", help="cameras, all if none is named")
    parser.add_argument("--set", action="store_true", help="set their clocks by this machine's")
    parser.add_argument(
        "--ntp", metavar="HOST", help="set them, and let them take the time from HOST from now on"
    )
    parser.add_argument(
        "--port", type=int, default=80, help="of ONVIF at cameras whose address is none of HTTP"
    )
    return parser

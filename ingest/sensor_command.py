"""``lianfang sensor``: see what comes from sensors, and how their stanzas read it; nothing is published."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from contextlib import aclosing
from datetime import datetime
from pathlib import Path

from ingest.sensing import connections, source_of
from ingest.sensors.base import Heard, Said, SourceLost, Unread
from lianfang.clock import Clock, SystemClock
from lianfang.config import Config, Stanza, load
from lianfang.config.payload import Payload
from lianfang.config.stanza import one_of
from lianfang.errors import LianfangError
from lianfang.payloads import BadPayload, is_of, measured, parsed
from lianfang.tasks import end

_FOR_S = 60.0


def main(argv: Sequence[str]) -> int:
    """Run the command line; return 0, 1 where nothing was read, 2 where the input is wrong."""
    options = _parser().parse_args(argv)
    try:
        config = load(options.config)
        if options.what == "read":
            return _read(config, options.sensor, options.message)
        watching = _Watching(config, options.sensors, SystemClock(), options.count)
        return asyncio.run(watching.run(options.seconds))
    except (LianfangError, LookupError) as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _read(config: Config, sensor_id: str, message: str) -> int:
    """Say how the stanza of a sensor reads a message."""
    sensor = config.sensors.get(sensor_id)
    stanza = sensor and (sensor.push or sensor.source)
    payload = getattr(stanza, "payload", None)
    if sensor is None or not isinstance(payload, Payload):
        with_one = [n for n, s in config.sensors.items() if getattr(s.push or s.source, "payload", None)]
        raise LookupError(f"SENSOR: found {sensor_id!r}; allowed: {one_of(with_one)}")
    raw = sys.stdin.buffer.read() if message == "-" else message.encode()
    try:
        said = _said(config, sensor_id, payload, raw)
    except BadPayload as error:
        sys.stdout.write(f"{sensor_id}: {error}\n")
        return 1
    sys.stdout.write(f"{_line(config, said)}\n")
    return 0


def _said(config: Config, sensor_id: str, payload: Payload, raw: bytes) -> Said:
    data = parsed(raw)
    if not is_of(payload, data):
        fits = ", ".join(f"{place}: {text}" for place, text in payload.match.items())
        raise BadPayload(f"no message of this sensor: its `match` wants {fits}")
    what = measured(payload, data, config.community.zone)
    return Said(sensor_id, what.value, what.unit, what.device_time, what.id, what.attributes)


class _Watching:
    """Hears sensors for a while and prints what they say."""

    def __init__(self, config: Config, names: Sequence[str], clock: Clock, count: int | None) -> None:
        self._config, self._clock, self._left = config, clock, count
        known = {name for group in connections(config) for name in group}
        if not known or not known.issuperset(names):
            found = ", ".join(sorted(set(names) - known)) or "nothing"
            raise LookupError(f"SENSOR: found {found}; allowed: {one_of(known)}")
        wanted = frozenset(names) or known
        groups = [{n: s for n, s in group.items() if n in wanted} for group in connections(config)]
        self._groups = [group for group in groups if group]
        self._heard = 0
        self._enough = asyncio.Event()

    async def run(self, seconds: float) -> int:
        """Print for so many seconds, or until enough was said; 1 where no reading came."""
        tasks = [asyncio.create_task(self._hear(group)) for group in self._groups]
        try:
            async with asyncio.timeout(seconds):
                await self._enough.wait()
        except TimeoutError:
            pass
        await end(*tasks)
        if not self._heard:
            sys.stdout.write(f"no reading in {seconds:g} s\n")
        return 0 if self._heard else 1

    async def _hear(self, group: dict[str, Stanza]) -> None:
        while True:
            try:
                async with aclosing(source_of(self._config, group, self._clock).open()) as heard:
                    async for what in heard:
                        self._print(what, ", ".join(group))
            except SourceLost as error:
                self._say(f"{', '.join(group)}: {error}")
            await asyncio.sleep(1)

    def _print(self, what: Heard, group: str) -> None:
        if isinstance(what, Said):
            self._heard += 1
            self._say(_line(self._config, what))
        elif isinstance(what, Unread):
            whose = f" ({what.sensor_id})" if what.sensor_id else ""
            self._say(f"{what.where}{whose}: {what.problem}\n    {what.raw.decode('utf-8', 'replace')}")
        else:
            self._say(f"connected: {group}")
            return
        self._left = None if self._left is None else self._left - 1
        if self._left is not None and self._left <= 0:
            self._enough.set()

    def _say(self, text: str) -> None:
        now = self._clock.now().astimezone(self._config.community.zone)
        sys.stdout.write(f"{now:%H:%M:%S} {text}\n")
        sys.stdout.flush()


def _line(config: Config, said: Said) -> str:
    """Return what a sensor said, and what is wrong with it."""
    sensor = config.sensors[said.sensor_id]
    unit = sensor.unit if said.unit is None else said.unit
    words = [f"{name} {text}" for name, text in said.attributes.items()]
    if said.id:
        words.append(f"id {said.id}")
    if said.device_time is not None:
        words.append(f"at {_local(config, said.device_time)}")
    if unit != sensor.unit:
        words.append(f"WRONG UNIT: {sensor.unit!r} is configured")
    elif not sensor.gives(said.value):
        words.append("NOT PLAUSIBLE: outside of low and high")
    more = f" ({', '.join(words)})" if words else ""
    return f"{said.sensor_id}: {f'{said.value:g} {unit}'.rstrip()}{more}"


def _local(config: Config, at: datetime) -> str:
    return at.astimezone(config.community.zone).isoformat(timespec="seconds")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lianfang sensor", description=__doc__)
    commands = parser.add_subparsers(dest="what", required=True)
    watch = commands.add_parser("watch", help="print what comes, and what cannot be read")
    watch.add_argument("config", type=Path, help="configuration file (YAML)")
    watch.add_argument("sensors", nargs="*", metavar="SENSOR", help="only these; all that are read if none")
    watch.add_argument("--seconds", type=float, default=_FOR_S, help="for how long (%(default)g)")
    watch.add_argument("--count", type=int, help="end after so many messages")
    read = commands.add_parser("read", help="say how a sensor's stanza reads a message")
    read.add_argument("config", type=Path, help="configuration file (YAML)")
    read.add_argument("sensor", metavar="SENSOR", help="a sensor of the configuration")
    read.add_argument("message", metavar="MESSAGE", help="the message as the sensor sends it; - reads it")
    return parser

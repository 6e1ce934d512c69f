"""``lianfang guests``: keys, and what is sealed with them; who shares a camera."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cryptography.fernet import Fernet

from alerts.store import guests, open_store
from alerts.store.guests import GuestRow
from lianfang.config import Config, load
from lianfang.errors import ConfigError, LianfangError, PermanentError
from lianfang.sealing import Seal

_EPILOG = """\
To change keys: put a new one on the first line of the file, call `lianfang guests reseal site.yaml`, and take
the old line out. Nothing is restarted. Where a key was lost, what it sealed has to be connected anew.
"""


def main(argv: Sequence[str]) -> int:
    """Run it; return 2 for a configuration that cannot run, 1 for something that failed."""
    parser = argparse.ArgumentParser(
        prog="lianfang guests",
        description="Cameras that others connect.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("key", help="print a new key")
    for name, text in (("list", "list the cameras"), ("reseal", "seal everything with the first key")):
        commands.add_parser(name, help=text).add_argument("config", type=Path, help="configuration file")
    arguments = parser.parse_args(argv)
    if arguments.command == "key":
        sys.stdout.write(f"{Fernet.generate_key().decode()}\n")
        return 0
    try:
        config = load(arguments.config)
        return _list(config) if arguments.command == "list" else _reseal(config)
    except ConfigError as error:
        sys.stderr.write("".join(f"{problem}\n" for problem in error.problems))
        return 2
    except LianfangError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _list(config: Config) -> int:
    """Print a line for each camera: where it is and its password are not among them."""
    store = open_store(config)
    try:
        with store.read() as session:
            for row in guests.rows(session):
                name = row.allowed["name"]
                sys.stdout.write(f"{row.id}  {row.state:<9}  {row.state_since:%Y-%m-%d %H:%M}Z  {name}\n")
    finally:
        store.close()
    return 0


def _reseal(config: Config) -> int:
    """Seal with the first key whatever is sealed; say what cannot be opened any more."""
    if config.guests is None:
        raise LianfangError("the configuration has no `guests`")
    seal, lost, done = Seal(config.guests.secrets), [], 0
    store = open_store(config)
    try:
        with store.write() as session:
            for row in guests.shared(session):
                try:
                    row.sealed = seal.again(row.sealed)
                    done += 1
                except PermanentError:
                    lost.append(row)
    finally:
        store.close()
    sys.stdout.write(f"sealed anew: {done}\n")
    for row in lost:
        sys.stdout.write(_lost(row))
    return 1 if lost else 0


def _lost(row: GuestRow) -> str:
    return f"{row.id}: no key opens it; its owner has to connect it anew\n"

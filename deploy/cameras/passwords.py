"""``lianfang cameras passwords``: which are default, weak or shared; which defaults work; new ones."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path

from deploy.cameras.changing import Change, Journal, Step
from deploy.cameras.doors import DOORS, Door
from deploy.cameras.logins import Target, faults_of, in_addresses, shared, targets
from deploy.cameras.makers import logins_of
from deploy.cameras.own_files import in_own_files
from deploy.inventory.files import Files
from lianfang.clock import SystemClock
from lianfang.config import Config, Secret, load
from lianfang.errors import LianfangError, PermanentError, TransientError

_AT_ONCE = 8
_MOST_TRIES = 5
_LOCKED_FOR = timedelta(minutes=30)  # as long as devices remember wrong passwords
_SPARED = 2  # tries that are left to people
At = Callable[[Target, Door], Awaitable[str]]


def main(argv: Sequence[str], step: Step = lambda _: None) -> int:
    """Return 0 where nothing is wrong, 1 where something is or could not be done, 2 for a wrong input.

    ``step`` is told of each step of a change before it is done.
    """
    options = _parser().parse_args(argv)
    try:
        config = load(options.config)
        every = targets(config, options.port)
        chosen = _chosen(config, every, options.camera)
        with Files(options.config).alone():
            if options.own_files:
                sys.stdout.write(f"{in_own_files(options.config, chosen, every, options.own_files)}\n")
                return 0
            if options.change:
                return _run(chosen, options.by, _changed(_journal(config), options, every, step))
            if options.try_defaults:
                return _run(chosen, options.by, _tried(_journal(config), options.tries))
    except (LianfangError, LookupError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return _report(config, chosen, shared(every))


def _report(config: Config, chosen: Sequence[Target], counts: Counter[str]) -> int:
    """Say what is wrong with the passwords of the configuration; no camera is asked."""
    wrong = 0
    for target in chosen:
        faults = [*faults_of(target, counts)]
        wrong += bool(faults)
        if faults:
            sys.stdout.write(f"{_name(target)}: {'; '.join(faults)}\n")
    for camera in in_addresses(config):
        wrong += 1
        sys.stdout.write(f"{camera}: its password stands in its address: give it username and password\n")
    sys.stdout.write(f"{len(chosen)} logins, {wrong} of them not as they should be\n")
    return 1 if wrong else 0


def _run(chosen: Sequence[Target], by: str, at: At) -> int:
    """Do something at each device, a few at once, and say what came of it; one that fails harms no other."""
    turn = asyncio.Semaphore(_AT_ONCE)

    async def one(target: Target) -> bool:
        async with turn:
            try:
                said, good = await at(target, DOORS[by](target.url, target.host)), True
            except (PermanentError, TransientError, OSError) as error:
                said, good = str(error), False
        sys.stdout.write(f"{_name(target)}: {said}\n")
        return good and not said.startswith(_FLAG)

    async def all_of_them() -> list[bool]:
        return list(await asyncio.gather(*(one(target) for target in chosen)))

    done = asyncio.run(all_of_them())
    sys.stdout.write(f"{sum(done)} of {len(done)} good\n")
    return 0 if all(done) else 1


_FLAG = "lets in "


def _tried(journal: Journal, tries: int) -> At:
    """Return what tries makers' logins, few of them, and none where a device might lock people out."""

    async def at(target: Target, door: Door) -> str:
        now = SystemClock().now()
        left = tries - journal.tries_since(target.url, now - _LOCKED_FOR)
        logins = logins_of(target.model)[: max(left, 0)]
        for user, password in logins:
            journal.write(target, "tried", as_user=user)
            answered = await door.check((user, password))
            if answered.let_in:
                return f"{_FLAG}{user} with a default of its maker"
            if answered.left is not None and answered.left <= _SPARED:
                return f"stopped: {answered.left} tries are left until it locks"
        return (
            f"{len(logins)} defaults refused" if logins else "tried within the last half hour: not again yet"
        )

    return at


def _changed(journal: Journal, options: argparse.Namespace, every: Sequence[Target], step: Step) -> At:
    """Return what gives a device a new password; those whose password is not its own are left alone."""
    admin = None
    if options.admin:
        secret = Secret(file=options.admin_password_file, env=options.admin_password_env)
        admin = (options.admin, secret.read())
    given = Secret(file=options.password_file).read() if options.password_file else None
    change = Change(journal, admin, given, step)

    async def at(target: Target, door: Door) -> str:
        devices = {other.url for other in every if other.secret == target.secret}
        secrets = {other.secret for other in every if (other.url, other.user) == (target.url, target.user)}
        if target.file is None or len(devices) > 1:
            raise PermanentError("its password is not in a file of its own: --own-files first")
        if len(secrets) > 1:
            raise PermanentError("its password stands in several files: let its cameras name one")
        return await change.run(target, door)

    return at


def _journal(config: Config) -> Journal:
    config.data_dir.mkdir(parents=True, exist_ok=True)
    return Journal(config.data_dir / "passwords.journal", SystemClock())


def _chosen(config: Config, every: Sequence[Target], named: Sequence[str]) -> list[Target]:
    if unknown := sorted(set(named) - config.cameras.keys()):
        raise LookupError(f"--camera {unknown[0]}: no such camera")
    return [one for one in every if not named or set(one.cameras) & set(named)]


def _name(target: Target) -> str:
    return f"{', '.join(target.cameras)} ({target.user} at {target.host})"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lianfang cameras passwords",
        description="Say which passwords are default, weak or shared. Without options no camera is asked.",
    )
    parser.add_argument("config", type=Path, help="configuration file (YAML)")
    parser.add_argument("--camera", action="append", default=[], help="only this one; may be repeated")
    parser.add_argument(
        "--by", choices=sorted(DOORS), default="onvif", help="how cameras are spoken to (onvif)"
    )
    parser.add_argument("--port", type=int, default=80, help="of their HTTP (80)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--try-defaults", action="store_true", help="try makers' logins at the cameras, a few each"
    )
    what.add_argument(
        "--own-files", type=Path, metavar="FOLDER", help="give each camera a file of its own there"
    )
    what.add_argument(
        "--change", action="store_true", help="give each camera a new password; run again to go on"
    )
    parser.add_argument(
        "--tries", type=int, choices=range(1, _MOST_TRIES + 1), default=3, metavar="N", help="(3)"
    )
    parser.add_argument("--password-file", type=Path, help="the new password; a random one each if not given")
    parser.add_argument("--admin", metavar="USER", help="who may change passwords, if not the user itself")
    parser.add_argument("--admin-password-file", type=Path, help="file with that one's password")
    parser.add_argument("--admin-password-env", metavar="NAME", help="or the environment variable")
    return parser

"""``lianfang deliveries``: what could not be delivered, sending it again, calling a receiver again."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from alerts.store import Store, again, open_store, outbox, receivers
from alerts.store.schema import OutboxRow
from alerts.store.subscriptions import receiver_of
from lianfang.clock import SystemClock, read_time
from lianfang.config import Config, load
from lianfang.config.stanza import one_of
from lianfang.errors import LianfangError

_SHOWN = 100


def main(argv: Sequence[str]) -> int:
    """Run the command line; return 0, or 2 where something is wrong with what it was given."""
    options = _parser().parse_args(argv)
    try:
        config = load(options.config)
        store = open_store(config)
        try:
            sys.stdout.write(options.do(options, config, store, SystemClock().now()))
        finally:
            store.close()
    except (LianfangError, LookupError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _list(options: argparse.Namespace, config: Config, store: Store, now: datetime) -> str:
    del now
    zone, query = config.community.zone, select(OutboxRow).where(OutboxRow.state == "dead")
    if options.receiver:
        query = query.where(OutboxRow.receiver == _known(config, options.receiver))
    with store.read() as session:
        off, depths = receivers.disabled_why(session), outbox.depths(session)
        rows = list(session.scalars(query.order_by(OutboxRow.seq.desc()).limit(_SHOWN)))
    lines = []
    for name in sorted({name for name, _ in depths} | set(off)):
        line = f"{name}: {depths.get((name, 'pending'), 0)} pending, {depths.get((name, 'dead'), 0)} dead"
        if name in off:
            since, why = off[name]
            line += f"; disabled since {since.astimezone(zone).isoformat(timespec='seconds')}: {why}"
        lines.append(line)
    for row in rows:
        at = row.created_at.astimezone(zone).isoformat(timespec="seconds")
        lines.append(f"{row.id}  {at}  {row.receiver}  {row.kind}  {row.last_error}")
    return "".join(f"{line}\n" for line in lines) or "nothing is owed\n"


def _again(options: argparse.Namespace, config: Config, store: Store, now: datetime) -> str:
    if bool(options.ids) == bool(options.receiver):
        raise ValueError("found both or neither; allowed: ids, or --receiver with --from and --to")
    with store.write() as session:
        if options.ids:
            count = len([again.replay(session, outbox_id, now) for outbox_id in options.ids])
        else:
            begin, end = _span(options, config)
            count = again.replay_span(
                session, _known(config, options.receiver), begin, end, now, delivered=options.delivered
            )
    return f"{count} to be sent again\n"


def _enable(options: argparse.Namespace, config: Config, store: Store, now: datetime) -> str:
    name = _known(config, options.receiver)
    with store.write() as session:
        changed = receivers.enable(session, name, now=now)
    return f"{name} is called again\n" if changed else f"{name} was not disabled\n"


def _known(config: Config, name: str) -> str:
    if receiver_of(name) not in config.receivers:
        raise LookupError(f"receiver: found {name!r}; allowed: {one_of(config.receivers)}")
    return name


def _span(options: argparse.Namespace, config: Config) -> tuple[datetime, datetime]:
    if not (options.begin and options.end):
        raise ValueError("--receiver: found no time; allowed: with --from and --to")
    begin, end = (read_time(text, config.community.zone) for text in (options.begin, options.end))
    if begin >= end:
        raise ValueError(f"--from: found {options.begin}; allowed: a time before --to {options.end}")
    return begin, end


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lianfang deliveries", description=__doc__)
    parser.add_argument("config", type=Path, help="configuration file (YAML)")
    what = parser.add_subparsers(required=True, metavar="WHAT")
    one = what.add_parser("list", help="what is owed, who is disabled, and the last hundred dead letters")
    one.add_argument("--receiver", help="only those to it")
    one.set_defaults(do=_list)
    one = what.add_parser("again", help="send again, under the same ids")
    one.add_argument("ids", nargs="*", metavar="ID", help="a dead letter, or a notice that was delivered")
    one.add_argument("--receiver", help="the dead notices to it, from --from until before --to")
    one.add_argument("--from", dest="begin", metavar="TIME", help="such as 2026-07-01T18:00, local time")
    one.add_argument("--to", dest="end", metavar="TIME", help="before this time")
    one.add_argument("--delivered", action="store_true", help="those as well that it had taken")
    one.set_defaults(do=_again)
    one = what.add_parser("enable", help="call a receiver again that wanted no more calls (HTTP 410)")
    one.add_argument("receiver")
    one.set_defaults(do=_enable)
    return parser

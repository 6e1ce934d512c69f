"""``lianfang explain``: why there was an alert, or none, at a camera and a moment, or about an incident."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.backtest import past
from alerts.backtest.explain import explained
from alerts.pipeline.worker import topics
from alerts.store import facts, open_store, suppressions
from alerts.store.schema import ChangeRow, IncidentRow
from lianfang.bus.connect import reach
from lianfang.clock import read_time
from lianfang.config import Config, load
from lianfang.errors import LianfangError


def main(argv: Sequence[str]) -> int:
    """Run the command line; return 0, or 2 where something is wrong with what it was given."""
    arguments = _parser().parse_args(argv)
    try:
        config = load(arguments.config)
        store = open_store(config)
        try:
            with store.read() as session, ExitStack() as opened:
                camera, at, lines = _asked(config, session, arguments)
                said = suppressions.ever(session)
                events = past.logged(reach(config, opened), topics(config), lambda _: None)
                lines += explained(config, events, camera, at, said, facts.load(session))
        finally:
            store.close()
    except (LianfangError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _asked(
    config: Config, session: Session, arguments: argparse.Namespace
) -> tuple[str, datetime, list[str]]:
    """Return the camera and the moment that are asked about, and what the store tells of an incident."""
    if arguments.incident is None:
        if arguments.camera not in config.cameras or arguments.at is None:
            known = ", ".join(sorted(config.cameras))
            raise ValueError(f"an incident, or --camera and --at; allowed cameras: {known}")
        return arguments.camera, read_time(arguments.at, config.community.zone), []
    row = session.get(IncidentRow, arguments.incident)
    if row is None:
        raise ValueError(f"no incident {arguments.incident}")
    return row.camera, row.opened_at, list(_timeline(config, session, row))


def _timeline(config: Config, session: Session, row: IncidentRow) -> Iterator[str]:
    yield f"incident {row.id}: {row.rule} at {row.place}, {row.state}"
    changes = select(ChangeRow).where(ChangeRow.incident_id == row.id).order_by(ChangeRow.version)
    for change in session.scalars(changes):
        local = change.at.astimezone(config.community.zone).isoformat(timespec="seconds")
        told = {
            key: change.data[key] for key in ("silent", "speaker", "receiver", "note") if change.data.get(key)
        }
        yield f"  {local} {change.kind} by {change.actor}" + "".join(f", {k}: {v}" for k, v in told.items())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lianfang explain", description=__doc__)
    parser.add_argument("config", type=Path, help="configuration file (YAML)")
    parser.add_argument("incident", nargs="?", help="id of an incident, as the console shows it")
    parser.add_argument("--camera", metavar="CAMERA", help="or a camera …")
    parser.add_argument(
        "--at", metavar="TIME", help="… and a time, such as 2026-07-01T18:00, of the community"
    )
    return parser

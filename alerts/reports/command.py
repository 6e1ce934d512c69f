"""``lianfang report effects``: whether broadcasts help, and how often they cry wolf."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from alerts.reports.effects import (
    FALSE_ALARMS_A_SHIFT,
    FALSE_NIGHT_BROADCASTS_A_WEEK,
    Effect,
    Effects,
    effects,
)
from alerts.store import open_store
from lianfang.clock import SystemClock, read_time
from lianfang.config import load
from lianfang.errors import LianfangError

_COLUMNS = [field.name for field in fields(Effect)]
_WEEK = timedelta(days=7)


def main(argv: Sequence[str]) -> int:
    """Run the command line; return 0, or 2 where something is wrong with what it was given."""
    arguments = _parser().parse_args(argv)
    try:
        config = load(arguments.config)
        begin, end = _span(arguments.begin, arguments.end, config.community.zone)
        store = open_store(config)
        try:
            with store.read() as session:
                report = effects(session, config, begin, end)
        finally:
            store.close()
    except (LianfangError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    _write(report, arguments.csv, arguments.json)
    sys.stdout.write(_summary(report))
    return 0


def _span(begin: str | None, end: str | None, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the time that is asked about; ValueError where it is none."""
    until = read_time(end, zone) if end else SystemClock().now()
    since = read_time(begin, zone) if begin else until - _WEEK
    if since >= until:
        raise ValueError(f"--from {since.isoformat()} is not before --to {until.isoformat()}")
    return since, until


def _write(report: Effects, csv_file: Path | None, json_file: Path | None) -> None:
    rows = [asdict(effect) for effect in report.effects]
    if json_file is not None:
        whole = {**asdict(report), "begin": report.begin.isoformat(), "end": report.end.isoformat()}
        json_file.write_text(json.dumps(whole, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    if csv_file is not None:
        with csv_file.open("w", encoding="utf-8-sig", newline="") as out:
            _table(csv.DictWriter(out, _COLUMNS), rows)
    else:
        _table(csv.DictWriter(sys.stdout, _COLUMNS), rows)


def _table(out: csv.DictWriter[str], rows: Sequence[dict[str, object]]) -> None:
    out.writeheader()
    out.writerows(rows)


def _summary(report: Effects) -> str:
    worst = max(report.night_a_week.items(), key=lambda item: item[1], default=("no speaker", 0.0))
    return (
        f"{report.incidents} incidents, {report.judged} judged by people, {report.false_alarms} false\n"
        f"false operator alarms a shift of 8 h: {report.false_a_shift:.1f}, "
        f"{report.worst_shift} in the worst (aim: at most {FALSE_ALARMS_A_SHIFT})\n"
        f"false broadcasts at night a speaker and week: {worst[1]:.1f} at most, "
        f"{worst[0]} (aim: at most {FALSE_NIGHT_BROADCASTS_A_WEEK})\n"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lianfang report", description=__doc__)
    reports = parser.add_subparsers(required=True, metavar="REPORT")
    one = reports.add_parser(
        "effects", help="share cleared after each broadcast, false alarms and broadcasts"
    )
    one.add_argument("config", type=Path, help="configuration file (YAML)")
    bound = "such as 2026-07-01T18:00, in the community's time zone"
    one.add_argument("--from", dest="begin", metavar="TIME", help=f"{bound}; default: a week before --to")
    one.add_argument("--to", dest="end", metavar="TIME", help="before this time; default: now")
    one.add_argument("--csv", type=Path, metavar="FILE", help="default: the terminal")
    one.add_argument("--json", type=Path, metavar="FILE", help="all of it as JSON")
    return parser

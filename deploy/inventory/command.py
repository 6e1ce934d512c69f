"""``lianfang inventory``: points, cameras, speakers by CSV and Excel, and what the network carries."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from deploy.inventory.draft import Draft
from deploy.inventory.exporting import Rows, csv_bytes, sheets, workbook
from deploy.inventory.files import Files
from deploy.inventory.flows import Rates, flows
from deploy.inventory.importing import Importer
from deploy.inventory.judging import faults_of, problems_of
from deploy.inventory.network import measured
from deploy.inventory.network import sheets as network_sheets
from deploy.inventory.rows import Row, rows_of
from lianfang.config import load
from lianfang.errors import ConfigError, LianfangError
from lianfang.table_fault import Fault, TableError
from lianfang.tables import ENCODINGS, read


def main(argv: Sequence[str]) -> int:
    """Run a subcommand; return 2 where something is wrong, and nothing was done then."""
    options = _parser().parse_args(argv)
    try:
        said: str = options.run(options)
    except (TableError, ConfigError) as error:
        problems = error.faults if isinstance(error, TableError) else error.problems
        sys.stderr.write("".join(f"{problem}\n" for problem in problems))
        count = len(problems)
        sys.stderr.write(f"{count} problem{'s' if count > 1 else ''}; nothing was written\n")
        return 2
    except (LianfangError, OSError) as error:
        sys.stderr.write(f"lianfang inventory: {error}\n")
        return 2
    sys.stdout.write(f"{said}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lianfang inventory", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    taking = commands.add_parser("import", help="take tables in: all of them, or nothing")
    taking.add_argument("config", type=Path, help="configuration file (YAML)")
    taking.add_argument("tables", type=Path, nargs="+", metavar="TABLE", help=".csv or .xlsx")
    taking.add_argument(
        "--into", type=Path, help="file of the inventory in which new entries stand (its first)"
    )
    taking.add_argument("--encoding", choices=ENCODINGS, help="of CSV files, where it cannot be told")
    taking.add_argument("--dry-run", action="store_true", help="say what would change, and write nothing")
    taking.set_defaults(run=_import)
    giving = commands.add_parser("export", help="write what there is as tables")
    giving.add_argument("config", type=Path, help="configuration file (YAML)")
    giving.add_argument("target", type=Path, help="a file .xlsx, or a folder for CSV files")
    giving.add_argument("--language", choices=("zh", "en"), default="zh", help="of the headers (zh)")
    giving.add_argument("--encoding", choices=ENCODINGS, default="utf-8", help="of CSV files (utf-8)")
    giving.set_defaults(run=_export)
    sheet = commands.add_parser(
        "network", help="what is connected to what, what uplinks carry, firewall lines"
    )
    sheet.add_argument("config", type=Path, help="configuration file (YAML)")
    sheet.add_argument("target", type=Path, help="a file .xlsx, or a folder for CSV files")
    sheet.add_argument("--measure", type=float, metavar="S", help="read each camera for S seconds, and count")
    sheet.add_argument("--main", type=float, default=Rates.main, metavar="MB/S", help="of a main stream (4)")
    sheet.add_argument("--sub", type=float, default=Rates.sub, metavar="MB/S", help="of a sub-stream (0.5)")
    sheet.add_argument("--language", choices=("zh", "en"), default="zh", help="of the headers (zh)")
    sheet.add_argument("--encoding", choices=ENCODINGS, default="utf-8", help="of CSV files (utf-8)")
    sheet.set_defaults(run=_network)
    return parser


def _import(options: argparse.Namespace) -> str:
    files = Files(options.config)
    with files.alone():
        document = files.document()
        draft = Draft(document, files.part(document, options.into))
        faults: list[Fault] = []
        rows = [*_rows(options.tables, options.encoding, faults)]
        importer = Importer(draft)
        importer.take(rows)
        faults += importer.faults
        texts = draft.texts(files.texts)
        resulting = files.document(texts)
        wrong = [*faults, *faults_of(problems_of(resulting, importer.rows), importer.rows, faults)]
        if wrong:
            raise TableError(wrong)
        if resulting.data != draft.data:
            named = ", ".join(map(str, texts))
            raise LianfangError(f"{named}: cannot be changed in place, maybe because of YAML anchors or tags")
        changing = {file: text for file, text in texts.items() if text != files.texts.get(file)}
        if not options.dry_run:
            files.replace(changing)
    counts = ", ".join(f"{importer.counts[what]} {what}" for what in ("added", "changed", "unchanged"))
    written = ", ".join(map(str, changing)) or "no file"
    return f"{counts}; {'would change' if options.dry_run else 'changed'}: {written}"


def _rows(tables: Sequence[Path], encoding: str | None, faults: list[Fault]) -> Iterator[Row]:
    """Yield the rows of all files; what is wrong with one is told, and the others are read all the same."""
    for file in tables:
        try:
            read_tables = read(file, encoding)
        except TableError as error:
            faults += [fault for fault in error.faults if isinstance(fault, Fault)]
            continue
        for table in read_tables:
            yield from rows_of(table, faults)


def _export(options: argparse.Namespace) -> str:
    return _written(sheets(Files(options.config).document().data, options.language), options)


def _network(options: argparse.Namespace) -> str:
    config = load(options.config)
    known, missing = measured(config, options.measure) if options.measure else ({}, [])
    sys.stderr.write("".join(f"not measured: {camera}\n" for camera in missing))
    found = [*flows(config, Rates(options.main, options.sub), known)]
    return _written(network_sheets(config, found, options.language), options)


def _written(tables: Iterator[tuple[str, Rows]], options: argparse.Namespace) -> str:
    """Write tables to the target, and say where."""
    target: Path = options.target
    if target.suffix.lower() == ".xlsx":
        workbook(tables, target)
        return str(target)
    if target.suffix:
        raise LianfangError(f"{target}: found {target.suffix!r}; allowed: a file .xlsx, or a folder")
    contents = {f"{title}.csv": csv_bytes(rows, options.encoding) for title, rows in tables}
    target.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (target / name).write_bytes(content)
    return ", ".join(str(target / name) for name in contents)

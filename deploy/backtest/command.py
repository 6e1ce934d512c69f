"""``lianfang backtest``: what the rules of a configuration would have raised over the log, or over a video.

Nobody is told, and nothing is written but the report. Beside each incident stands what operators made of the
one that there was.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from alerts.backtest import past
from alerts.backtest.compare import COLUMNS, compared
from alerts.backtest.past import Span
from alerts.facts import Facts
from alerts.incidents.incident import Incident
from alerts.pipeline.books import Books
from alerts.rules.base import EVER
from alerts.store import Store, facts, open_store, suppressions
from deploy.backtest import video
from deploy.backtest.pictures import Album
from deploy.backtest.video import Recording
from deploy.replay import stages_of
from lianfang.bus.connect import reach
from lianfang.clock import SystemClock, read_time
from lianfang.config import Config, load
from lianfang.errors import LianfangError


def main(argv: Sequence[str]) -> int:
    """Run the command line; return 0, or 2 where something is wrong with what it was given."""
    arguments = _parser().parse_args(argv)
    try:
        file = load(arguments.config)
        span = Span(
            *(
                None if t is None else read_time(t, file.community.zone)
                for t in (arguments.begin, arguments.end)
            )
        )
        store = open_store(file)
        try:
            known = _known(store, arguments.version)
            edition = Books(file).of(known.versions[-1] if known.versions else None)
            config = _only(edition.config, arguments.rule)
            album = Album(config, arguments.pictures) if arguments.pictures else None
            if arguments.video is None:
                incidents = _logged(file, store, span, known, arguments.rule)
            else:
                incidents = _seen(config, arguments, span, album)
            with store.read() as session:
                lines, missed = compared(config, incidents, session, span)
                for line in lines if album else ():
                    if album and line.incident.id not in album.kept:
                        album.copy(line.incident, session, line.had, config.evidence_folder)
        finally:
            store.close()
    except (LianfangError, ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    cells = [line.cells(config.community.zone) for line in lines]
    _write(cells, arguments.csv, arguments.json)
    were = Counter(line.was or "new" for line in lines)
    sys.stdout.write(f"{len(lines)} incidents: {_counts(were)}; not raised any more: {_counts(missed)}\n")
    if album:
        sys.stdout.write(f"{len(album.kept)} pictures in {arguments.pictures}\n")
    return 0


def _logged(config: Config, store: Store, span: Span, known: Facts, rules: Sequence[str]) -> list[Incident]:
    """Return what the log raises, with what people changed, switched and said at the time."""
    with store.read() as session:
        said = suppressions.ever(session)
    with ExitStack() as opened:
        return past.raised(config, reach(config, opened), span, _show, known, said, rules)


def _known(store: Store, number: int | None) -> Facts:
    """Return what was switched, and the versions to judge by: each in its time, or the one asked for."""
    with store.read() as session:
        known = facts.load(session)
    last = known.versions[-1].number if known.versions else 0
    if number is None:
        if last:
            sys.stderr.write(f"versions 1 to {last} are laid over the file; --version 0: the file alone\n")
        return known
    if not 0 <= number <= last:
        raise ValueError(f"no version {number}; allowed: 0 (the file alone) to {last}")
    chosen = tuple(replace(version, since=EVER) for version in known.versions if version.number == number)
    return replace(known, versions=chosen)


def _seen(config: Config, arguments: argparse.Namespace, span: Span, album: Album | None) -> list[Incident]:
    """Return what the video of the arguments raises; ValueError where they do not say whose video it is."""
    if arguments.camera is None:
        raise ValueError(f"--video needs --camera; allowed: {', '.join(sorted(config.cameras))}")
    recording = Recording(arguments.video, arguments.camera, span.begin or SystemClock().now(), span.end)
    camera = config.cameras.get(recording.camera_id)
    stages = stages_of(config, camera.detectors) if camera else {}
    return video.raised(config, recording, stages, _show, album.keep if album else lambda *_: None)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {state}" for state, n in sorted(counts.items())) or "none"


def _only(config: Config, rules: Sequence[str]) -> Config:
    if unknown := sorted(set(rules) - config.rules.keys()):
        raise ValueError(
            f"no rule is called {', '.join(unknown)}; allowed: {', '.join(sorted(config.rules))}"
        )
    chosen = {name: rule for name, rule in config.rules.items() if not rules or name in rules}
    return config.model_copy(update={"rules": chosen})


def _show(share: float) -> None:
    if sys.stderr.isatty():
        done = round(share * 40)
        sys.stderr.write(f"\r[{'#' * done}{' ' * (40 - done)}] {share:4.0%}" + ("\n" if share >= 1 else ""))
        sys.stderr.flush()


def _write(cells: Sequence[Mapping[str, object]], csv_file: Path | None, json_file: Path | None) -> None:
    if json_file is not None:
        json_file.write_text(json.dumps(cells, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    with ExitStack() as opened:
        out = (
            opened.enter_context(csv_file.open("w", encoding="utf-8-sig", newline=""))
            if csv_file
            else sys.stdout
        )
        table = csv.DictWriter(out, COLUMNS)
        table.writeheader()
        table.writerows(cells)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lianfang backtest", description=__doc__)
    parser.add_argument("config", type=Path, help="configuration file (YAML); it may differ from what ran")
    parser.add_argument("--rule", action="append", default=[], metavar="RULE", help="default: every rule")
    bound = "such as 2026-07-01T18:00, in the community's time zone"
    begin = f"{bound}; default: all that is logged. Of a video: when it began; default: now"
    parser.add_argument("--from", dest="begin", metavar="TIME", help=begin)
    parser.add_argument("--to", dest="end", metavar="TIME", help="before this time")
    parser.add_argument("--video", type=Path, metavar="FILE", help="look at this recording, not at the log")
    parser.add_argument("--camera", metavar="CAMERA", help="whose recording it is")
    parser.add_argument(
        "--pictures", type=Path, metavar="FOLDER", help="new folder for what each incident opened with"
    )
    parser.add_argument(
        "--version", type=int, metavar="N", help="of the configuration, for all of it; 0 is the file alone"
    )
    parser.add_argument("--csv", type=Path, metavar="FILE", help="default: the terminal")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the same as JSON")
    return parser

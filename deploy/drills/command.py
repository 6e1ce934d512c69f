"""``lianfang drill``: record a staged event of a camera, and hold the camera against it ever after."""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.drills import case
from deploy.drills.play import play
from deploy.drills.record import Wanted, record
from deploy.replay import stages_of
from lianfang import logs
from lianfang.clock import SystemClock
from lianfang.config import Config, load
from lianfang.errors import LianfangError

EXIT_OK, EXIT_MISSED, EXIT_REFUSED = 0, 1, 2
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def main(argv: Sequence[str]) -> int:
    """Return 0; 1 where a drill was missed; 2 where there is nothing to do or it cannot be done."""
    arguments = _parser().parse_args(argv)
    logs.configure("drill", "warning")
    try:
        config = load(arguments.config)
        code: int = arguments.run(config, arguments)
    except (LianfangError, OSError) as error:
        sys.stderr.write(f"lianfang drill: {error}\n")
        return EXIT_REFUSED
    return code


def _record(config: Config, arguments: argparse.Namespace) -> int:
    wanted = Wanted(
        arguments.camera,
        arguments.rule,
        arguments.name,
        arguments.seconds,
        arguments.start,
        arguments.end,
    )
    folder, count = record(config, wanted, SystemClock(), _say)
    _say(f"{folder}: {count} pictures")
    return EXIT_OK


def _run(config: Config, arguments: argparse.Namespace) -> int:
    folders = _recorded(config, arguments.camera)
    known = {f.parent.name for f in folders} & config.cameras.keys()
    stages = stages_of(config, (name for c in sorted(known) for name in config.cameras[c].detectors))
    missed = 0
    for folder in folders:
        outcome = play(config, folder, stages)
        missed += not outcome.found
        _say(str(outcome))
    _say(f"{len(folders) - missed} of {len(folders)} found")
    return EXIT_MISSED if missed else EXIT_OK


def _list(config: Config, arguments: argparse.Namespace) -> int:
    for folder in _recorded(config, arguments.camera):
        drill = case.read(folder)
        size_mb = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
        _say(
            f"{folder.parent.name}/{folder.name}: {drill.rule}, {drill.start_s:g} to {drill.end_s:g} s, "
            f"{drill.recorded_at:%Y-%m-%d %H:%M}, {size_mb:.1f} MB"
        )
    return EXIT_OK


def _remove(config: Config, arguments: argparse.Namespace) -> int:
    folder = case.camera_folder(config.data_dir, arguments.camera) / arguments.name
    if folder not in case.recorded(config.data_dir, arguments.camera):
        raise LianfangError(f"{arguments.camera} has no drill {arguments.name!r}")
    shutil.rmtree(folder)
    _say(f"{folder}: removed")
    return EXIT_OK


def _recorded(config: Config, camera_id: str | None) -> list[Path]:
    folders = case.recorded(config.data_dir, camera_id)
    if not folders:
        raise LianfangError(f"no drill is recorded in {config.data_dir / 'drills' / (camera_id or '')}")
    return folders


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lianfang drill", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    text = "record a staged event from a camera's source"
    sub = commands.add_parser("record", help=text, description=text)
    sub.set_defaults(run=_record)
    _add_config(sub)
    sub.add_argument("camera", metavar="CAMERA", type=_name)
    sub.add_argument("--rule", required=True, help="the rule that must raise an alarm")
    sub.add_argument("--name", required=True, type=_name, help="of the drill, such as wades_in")
    sub.add_argument(
        "--seconds", required=True, type=float, metavar="N", help="how long to record, at most 600"
    )
    sub.add_argument(
        "--start", type=float, default=0.0, metavar="S", help="when the event begins (default: 0)"
    )
    sub.add_argument(
        "--end", type=float, metavar="S", help="when it must be raised at the latest (default: N)"
    )
    text = "play recorded drills; exit code 1 where one is missed"
    sub = commands.add_parser("run", help=text, description=text)
    sub.set_defaults(run=_run)
    _add_config(sub)
    sub.add_argument("camera", metavar="CAMERA", type=_name, nargs="?", help="default: all")
    text = "list recorded drills"
    sub = commands.add_parser("list", help=text, description=text)
    sub.set_defaults(run=_list)
    _add_config(sub)
    sub.add_argument("camera", metavar="CAMERA", type=_name, nargs="?", help="default: all")
    text = "delete a recorded drill, pictures and all"
    sub = commands.add_parser("remove", help=text, description=text)
    sub.set_defaults(run=_remove)
    _add_config(sub)
    sub.add_argument("camera", metavar="CAMERA", type=_name)
    sub.add_argument("name", metavar="NAME", type=_name)
    return parser


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", metavar="CONFIG", type=Path, help="configuration file (YAML)")


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r}: a lower-case letter, then a-z, 0-9 and _, 63 at most")
    return text


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()

"""``lianfang train``: train the models that are ours."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from detectors.helmets.weights import put
from detectors.models.store import default_cache_dir
from detectors.training import bag_command, helmet
from lianfang.errors import ModelError

_OWN = "helmet-head-{sha}.onnx"  # beside those before it, in the folder of models
_PACKAGED = "head.onnx"


def main(argv: Sequence[str]) -> int:
    """Run the command line ``argv`` (without ``lianfang train``).

    Return 0, 1 where what was trained is no better than what is in use, or 2 where it cannot be trained.
    """
    arguments = _parser().parse_args(argv)
    try:
        return bag_command.run(arguments, _say) if arguments.model == "bags" else _train_helmet(arguments)
    except ModelError as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _train_helmet(arguments: argparse.Namespace) -> int:
    models_dir: Path = arguments.models_dir or default_cache_dir()
    if arguments.data is not None:
        steps = arguments.steps or 700
        content, trained_from = helmet.from_pictures(arguments.data, steps, arguments.seed, _say)
    else:
        fresh = helmet.from_crops(arguments.crops, models_dir, arguments.steps or 200, arguments.seed, _say)
        if fresh is None:
            _say("not better: the weights in use stay")
            return 1
        content, trained_from = fresh, f"crops of {arguments.crops.name}, on from the weights before"
    folder, name = (arguments.out, _PACKAGED) if arguments.out else (models_dir, _OWN)
    path = put(content, folder, name, datetime.now(UTC).replace(microsecond=0), trained_from)
    _say(f"in use from the next start: {path}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lianfang train", description="Train the models that are ours; needs lianfang[train]."
    )
    models = parser.add_subparsers(dest="model", required=True)
    bag_command.add(models)
    text = "the head classifier of the stage helmet"
    sub = models.add_parser("helmet", help=text, description=text)
    source = sub.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--data", type=Path, metavar="DIR", help="images/ and labels/ (YOLO; 0 helmet, 1 bare): from scratch"
    )
    source.add_argument(
        "--crops", type=Path, metavar="DIR", help="worn/ and bare/: on from the weights in use, if better"
    )
    sub.add_argument("--models-dir", type=Path, help="default: $LIANFANG_MODELS, else the cache folder")
    sub.add_argument("--out", type=Path, metavar="DIR", help="write head.onnx there instead")
    sub.add_argument("--steps", type=int, help="batches of 48; default: 700 with --data, 200 with --crops")
    sub.add_argument("--seed", type=int, default=1)
    return parser


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()

"""``lianfang train``: train the models that are ours."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from detectors.engines import onnx
from detectors.helmets.weights import HEAD, LOCATOR
from detectors.models.store import default_cache_dir, verify
from detectors.training import bag_command, helmet
from detectors.training.network import torch
from detectors.training.pictures import from_pictures
from lianfang.errors import ModelError

# Beside those before them, in the folder of models; and as the package brings them.
_NAMES = {
    LOCATOR: ("helmet-locator-{sha}.onnx", "locator.onnx"),
    HEAD: ("helmet-head-{sha}.onnx", "head.onnx"),
}
_INPUT_SIZES = ((640, 384), (960, 544))  # of the object model: as by default, and as the stage wants it


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
        torch()  # before the minutes that the object model takes
        engines = [onnx.build(onnx.Config(input_size=size), arguments.models_dir) for size in _INPUT_SIZES]
        nanodet = verify("nanodet-g", arguments.models_dir)
        trained = from_pictures(arguments.data, nanodet, engines, arguments.steps, arguments.seed, _say)
        new, trained_from = {LOCATOR: trained.locator, HEAD: trained.head}, trained.summary
    else:
        fresh = helmet.from_crops(arguments.crops, models_dir, arguments.seed, _say)
        if fresh is None:
            _say("not better: the weights in use stay")
            return 1
        new, trained_from = {HEAD: fresh}, f"crops of {arguments.crops.name}, on from the weights before"
    for weights, content in new.items():
        own, packaged = _NAMES[weights]
        folder, name = (arguments.out, packaged) if arguments.out else (models_dir, own)
        path = weights.put(content, folder, name, datetime.now(UTC).replace(microsecond=0), trained_from)
        _say(f"in use from the next start: {path}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lianfang train", description="Train the models that are ours; needs lianfang[train]."
    )
    models = parser.add_subparsers(dest="model", required=True)
    bag_command.add(models)
    text = "the networks of the stage helmet"
    sub = models.add_parser("helmet", help=text, description=text)
    source = sub.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--data", type=Path, metavar="DIR", help="images/ and labels/ (YOLO; 0 helmet, 1 bare): from scratch"
    )
    source.add_argument(
        "--crops",
        type=Path,
        metavar="DIR",
        help="worn/ and bare/: the classifier goes on from the weights in use, if better",
    )
    sub.add_argument("--models-dir", type=Path, help="default: $LIANFANG_MODELS, else the cache folder")
    sub.add_argument("--out", type=Path, metavar="DIR", help="write head.onnx and locator.onnx there instead")
    sub.add_argument("--steps", type=int, help="batches that the head locator learns from; default: 500")
    sub.add_argument("--seed", type=int, default=1)
    return parser


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()

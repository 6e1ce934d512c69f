"""``lianfang train bags``: train the bag head of the stage garbage."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from detectors.garbage.bags import WEIGHTS
from detectors.models.store import default_cache_dir
from detectors.training.bags import Progress, from_pictures

_OWN, _PACKAGED = "bag-head-{sha}.onnx", "bag-head.onnx"


def add(models: Any) -> None:  # noqa: ANN401 - argparse does not name what add_subparsers returns
    """Add the sub-command to those of ``lianfang train``."""
    text = "the bag head of the stage garbage"
    sub: argparse.ArgumentParser = models.add_parser("bags", help=text, description=text)
    sub.add_argument(
        "--data", type=Path, metavar="DIR", required=True, help="images/ and labels/ (YOLO; all are bags)"
    )
    sub.add_argument(
        "--others", type=Path, metavar="DIR", required=True, help="pictures of cameras without a bag"
    )
    sub.add_argument("--models-dir", type=Path, help="default: $LIANFANG_MODELS, else the cache folder")
    sub.add_argument("--out", type=Path, metavar="DIR", help="write bag-head.onnx there instead")
    sub.add_argument(
        "--work", type=Path, metavar="DIR", help="keep features there for the next training: 1.2 MB a view"
    )
    sub.add_argument("--steps", type=int, default=600, help="batches of 16; default: 600")
    sub.add_argument("--seed", type=int, default=0)


def run(arguments: argparse.Namespace, say: Progress) -> int:
    """Train, and take into use what comes of it; ModelError where that cannot be."""
    content, trained_from = from_pictures(
        arguments.data,
        arguments.others,
        arguments.models_dir,
        arguments.steps,
        arguments.seed,
        arguments.work,
        say,
    )
    models_dir: Path = arguments.models_dir or default_cache_dir()
    folder, name = (arguments.out, _PACKAGED) if arguments.out else (models_dir, _OWN)
    path = WEIGHTS.put(content, folder, name, datetime.now(UTC).replace(microsecond=0), trained_from)
    say(f"in use from the next start: {path}")
    return 0

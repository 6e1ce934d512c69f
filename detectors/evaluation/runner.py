"""Measures everything that a folder has ground truth for: the command line of ``make eval``."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from detectors.evaluation.base import Evaluate, Report
from detectors.evaluation.table import Outcome, lines, write_rows
from lianfang.errors import LianfangError

DATA = Path("../shared/data")


def main(packages: Sequence[str], argv: Sequence[str] | None = None) -> int:
    """Measure, print and write; return 0, 1 where a part broke, 2 where there is nothing to measure.

    The parts are the modules of ``packages`` that define ``evaluate``.
    """
    arguments = _parser(packages[-1]).parse_args(argv)
    data: Path = arguments.data
    if not data.is_dir():
        sys.stderr.write(f"{data}: no such folder\n")
        return 2
    known = found_tasks(packages)
    if unknown := sorted(set(arguments.parts or ()) - set(known)):
        sys.stderr.write(f"no part is called {', '.join(unknown)}; known: {', '.join(known)}\n")
        return 2
    outcomes: list[Outcome] = []
    for name in arguments.parts or known:
        outcome = run(name, known[name], data, arguments.models_dir)
        outcomes.append(outcome)
        sys.stdout.write("".join(f"{line}\n" for line in lines(outcome)))
        sys.stdout.flush()
        _write_json(arguments.out, outcomes)  # at once: whoever stops a long run keeps what is measured
        if arguments.table is not None:
            write_rows(arguments.table, [outcome])
    sys.stdout.write(f"written: {arguments.out}\n")
    return 1 if any(outcome.broken for outcome in outcomes) else 0


def found_tasks(packages: Sequence[str]) -> dict[str, str]:
    """Return the module of every task by its name: those of ``packages`` that define ``evaluate``."""
    found: dict[str, str] = {}
    for package in packages:
        for folder in importlib.import_module(package).__path__:
            names = (m.name for m in pkgutil.iter_modules([folder]))
            found |= {n: f"{package}.{n}" for n in names if _evaluates(Path(folder) / f"{n}.py")}
    return dict(sorted(found.items()))


def run(name: str, module: str, data: Path, models_dir: Path | None) -> Outcome:
    """Return what the task ``name`` gives; one that breaks says so, and costs the others nothing."""
    try:
        evaluate: Evaluate = importlib.import_module(module).evaluate
        report: Report | None = evaluate(data, models_dir)
    except (LianfangError, ImportError) as error:
        return Outcome(name, None, f"cannot run: {error}", broken=True)
    except Exception as error:  # noqa: BLE001 - as a worker's outer loop: the other parts go on
        traceback.print_exc()
        return Outcome(name, None, f"broke: {type(error).__name__}: {error}", broken=True)
    if report is None:
        return Outcome(name, None, f"{data} has no such part")
    return Outcome(name, report)


def _evaluates(module: Path) -> bool:
    """Say whether the module defines ``evaluate``, without importing it: its packages may be missing."""
    return module.is_file() and "\ndef evaluate(" in module.read_text(encoding="utf-8")


def _write_json(path: Path, outcomes: Sequence[Outcome]) -> None:
    figures: Mapping[str, float] = {
        name: figure.value
        for o in outcomes
        if o.report is not None
        for name, figure in o.report.figures.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def _parser(package: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {package}", description=__doc__)
    parser.add_argument("data", type=Path, nargs="?", default=DATA, help=f"layout: docs/models.md; {DATA}")
    parser.add_argument("--parts", nargs="+", metavar="PART", help="default: all")
    parser.add_argument("--models-dir", type=Path, help="default: $LIANFANG_MODELS, else the cache folder")
    parser.add_argument("--out", type=Path, default=Path("build/eval.json"), help="default: build/eval.json")
    parser.add_argument("--table", type=Path, help="a page between whose marks the figures are written")
    return parser

"""``lianfang check``: every fault of a configuration, before anything starts."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lianfang.config.load import load
from lianfang.errors import ConfigError


def main(argv: Sequence[str]) -> int:
    """Print what is wrong, one problem a line, and return 2; or what is there, and return 0.

    Warnings are printed too, and change nothing.
    """
    parser = argparse.ArgumentParser(prog="lianfang check", description=__doc__)
    parser.add_argument("config", type=Path, help="configuration file (YAML)")
    file = parser.parse_args(argv).config
    try:
        config = load(file, warn=lambda problem: _say_warning(str(problem)))
    except ConfigError as error:
        sys.stderr.write("".join(f"{problem}\n" for problem in error.problems))
        count = len(error.problems)
        sys.stderr.write(f"{file}: {count} problem{'s' if count > 1 else ''}\n")
        return 2
    sys.stdout.write(
        f"{file}: good: {len(config.points)} points, {len(config.cameras)} cameras, "
        f"{len(config.rules)} rules, {len(config.receivers)} receivers\n"
    )
    return 0


def _say_warning(text: str) -> None:
    sys.stderr.write(f"warning: {text}\n")

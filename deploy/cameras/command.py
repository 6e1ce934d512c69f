"""``lianfang cameras``: each subcommand is a module that is imported only when it is called."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence

from lianfang.cli import Command

SUBCOMMANDS = {
    "plan": Command(
        "deploy.cameras.plan:main", "how each camera is read, what that costs, and what this machine bears"
    ),
    "list-wvp": Command(
        "deploy.cameras.list_wvp:main", "cameras of a WVP platform (GB/T 28181), with the stanzas to paste"
    ),
    "discover": Command(
        "deploy.cameras.discover:main", "find cameras on the network, with the stanzas to paste"
    ),
    "passwords": Command(
        "deploy.cameras.passwords:main", "default, weak and shared passwords of cameras; change them all"
    ),
    "time": Command(
        "deploy.cameras.clocks:main", "what cameras' clocks say by ONVIF; set them, or their NTP"
    ),
    "chrony": Command(
        "deploy.cameras.chrony:main", "a configuration of chronyd that serves the time to the cameras"
    ),
}


def main(argv: Sequence[str]) -> int:
    """Run the subcommand that ``argv`` names and return its exit code."""
    name = _parser().parse_args(argv[:1]).subcommand
    module, _, function = SUBCOMMANDS[name].target.partition(":")
    code: int = getattr(importlib.import_module(module), function)(argv[1:])
    return code


def _parser() -> argparse.ArgumentParser:
    width = max(map(len, SUBCOMMANDS))
    parser = argparse.ArgumentParser(
        prog="lianfang cameras",
        usage="lianfang cameras SUBCOMMAND [options]",
        description="\n".join(f"  {name:<{width}}  {known.summary}" for name, known in SUBCOMMANDS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("subcommand", choices=SUBCOMMANDS)
    return parser

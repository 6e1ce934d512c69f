"""``lianfang audit verify``: whether the record of who did what is as it was written."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from alerts.store import open_store
from alerts.store.chain import Chain, walked
from lianfang.config import load
from lianfang.errors import LianfangError


def main(argv: Sequence[str]) -> int:
    """Run the command line; 0 where nothing was changed, 1 where something was, 2 where it cannot be read."""
    arguments = _parser().parse_args(argv)
    try:
        store = open_store(load(arguments.config))
        try:
            with store.read() as session:
                found = walked(session, arguments.head)
        finally:
            store.close()
    except LianfangError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(_said(found, arguments.head))
    return 0 if found.broken is None and found.knows else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lianfang audit", description=__doc__)
    commands = parser.add_subparsers(required=True)
    verify = commands.add_parser("verify", help="go through all entries")
    verify.add_argument("config", type=Path, help="configuration file (YAML)")
    verify.add_argument(
        "--head",
        default="",
        metavar="DIGEST",
        help="a head that was printed earlier and kept elsewhere: it must still be in the chain",
    )
    return parser


def _said(found: Chain, noted: str) -> str:
    lines = [f"{found.entries} entries follow each other"]
    if found.unchained:
        lines.append(f"{found.unchained} older ones have no digest, and prove nothing")
    if found.broken is not None:
        lines.append(
            f"entry {found.broken} does not follow: it was changed or inserted, or one before it was removed"
        )
    elif not found.knows:
        lines.append(f"the head {noted} is not among them: the end was cut off, or all of it written anew")
    else:
        lines.append(f"head: {found.head or 'none yet'}")
    return "\n".join(lines) + "\n"

"""``lianfang password``: turn a password into the hash that a configuration keeps."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Sequence

from alerts.api.passwords import MIN_LENGTH, hash_password


def main(argv: Sequence[str]) -> int:
    """Read a password from the terminal, twice, or from standard input; print its argon2 hash."""
    parser = argparse.ArgumentParser(
        prog="lianfang password",
        description="Print the argon2 hash of a password, for the file or variable that password_hash names.",
        epilog="It is asked for, or read as a line from standard input; never an argument, which others see.",
    )
    parser.parse_args(argv)
    password = _ask() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if password is None:
        sys.stderr.write("lianfang password: the two entries differ\n")
        return 1
    if len(password) < MIN_LENGTH:
        sys.stderr.write(f"lianfang password: a password has {MIN_LENGTH} characters or more\n")
        return 1
    sys.stdout.write(f"{hash_password(password)}\n")
    return 0


def _ask() -> str | None:
    password = getpass.getpass("Password: ")
    return password if getpass.getpass("Once more: ") == password else None

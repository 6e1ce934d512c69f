"""Who we are at the cameras that a command talks to."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from lianfang.config import Secret


@dataclass(frozen=True)
class Login:
    """A user, and where the password is: it stays outside of what is written."""

    user: str
    secret: Secret

    @classmethod
    def of(cls, options: argparse.Namespace) -> Self | None:
        """Return what the options say, None for nothing; LookupError for half of it."""
        user, env, file = options.user, options.password_env, options.password_file
        if user is None and env is None and file is None:
            return None
        if user is None or (env is None) == (file is None):
            raise LookupError("a login needs --user, and one of --password-env and --password-file")
        secret = Secret(env=env, file=file)
        secret.read()
        return cls(user, secret)

    def stanza(self) -> dict[str, Any]:
        """Return the keys of a source."""
        where = {"env": self.secret.env} if self.secret.env else {"file": str(self.secret.file)}
        return {"username": self.user, "password": where}


def add_login(parser: argparse.ArgumentParser, *, needed: bool = False) -> None:
    """Add the options of a login."""
    parser.add_argument("--user", required=needed, help="user name")
    parser.add_argument("--password-env", metavar="NAME", help="environment variable with the password")
    parser.add_argument("--password-file", type=Path, metavar="FILE", help="file with the password")

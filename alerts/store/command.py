"""``lianfang migrate``: bring the store's tables up to date, as another user of the database if wanted."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from alerts.store.store import open_store
from lianfang.config import Config, Secret, load
from lianfang.config.postgresql import address
from lianfang.errors import LianfangError


def main(argv: Sequence[str]) -> int:
    """Migrate and return 0; 2 where that cannot be."""
    parser = argparse.ArgumentParser(prog="lianfang migrate", description=__doc__)
    parser.add_argument("config", type=Path, help="configuration file (YAML)")
    parser.add_argument("--user", help="who owns the tables of PostgreSQL; default: the user of `store`")
    parser.add_argument("--password-env", metavar="NAME", help="the variable that holds that user's password")
    arguments = parser.parse_args(argv)
    try:
        config = load(arguments.config)
        if arguments.user is not None:
            config = _as_user(config, arguments.user, arguments.password_env)
        open_store(config).close()
    except LianfangError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{config.store}: up to date\n")
    return 0


def _as_user(config: Config, user: str, password_env: str | None) -> Config:
    if not config.store_is_shared:
        raise LianfangError("--user is for a store on PostgreSQL; this one is a file of SQLite")
    store = config.store.replace(f"//{address(config.store).user}@", f"//{user}@", 1)
    try:
        address(store)
    except ValueError as error:
        raise LianfangError(f"--user: found {user!r}; allowed: letters, digits and . _ -") from error
    password = Secret(env=password_env) if password_env else None
    access = config.postgresql.model_copy(update={"password": password})
    return config.model_copy(update={"store": store, "postgresql": access})

"""Operators' passwords: argon2 hashes, verified at the same cost whether the operator exists or not."""

from __future__ import annotations

import secrets
import threading
from base64 import b64encode
from collections.abc import Callable, Mapping
from pathlib import Path

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from alerts.store.people import People
from lianfang.config.api import Operator
from lianfang.errors import ConfigError, ConfigProblem, TransientError

_DEFAULT = RFC_9106_LOW_MEMORY  # the second recommended option: 64 MiB, 3 passes
_HASHER = PasswordHasher.from_parameters(_DEFAULT)
MIN_LENGTH = 8
_CLEAR = "abcdefghijkmnpqrstuvwxyz23456789"  # nothing that is read for something else
_FIRST = (4, 4)  # groups of so many characters: 80 bits
_AT_ONCE, _WAIT_S = 2, 5.0  # of 64 MiB each: a flood of log-ins must not take the memory of the detectors


class Passwords:
    """The argon2 hash of every operator of the configuration, and of every person of the store.

    A password that is configured in clear is hashed here, once, and only the hash is kept. ``earlier`` are
    hashes from before a restart: one that still fits is taken over, so that sessions bound to it live on.
    """

    def __init__(
        self,
        operators: Mapping[str, Operator],
        earlier: Mapping[str, str],
        people: Callable[[], People] = People,
    ) -> None:
        self._configured = {
            name: None if o.locked else _hash(name, o, earlier.get(name)) for name, o in operators.items()
        }
        self._people = people
        self._nobody = _unmatched(next(filter(None, self._configured.values()), None))
        self._slots = threading.BoundedSemaphore(_AT_ONCE)

    def credential(self, operator: str) -> str | None:
        """Return the hash that lets somebody in; None for who is unknown or locked."""
        if self.is_configured(operator):
            return self._configured[operator]
        return self._people().credential(operator)

    def is_configured(self, operator: str) -> bool:
        """Say whether somebody stands in the configuration: the console changes nothing of them."""
        return operator in self._configured

    def must_change(self, operator: str) -> bool:
        """Say whether somebody else has chosen the password."""
        return not self.is_configured(operator) and self._people().must_change(operator)

    def verify(self, operator: str, password: str) -> bool:
        """Say whether this is the operator's password; TransientError if too many ask at once."""
        credential = self.credential(operator)
        if not self._slots.acquire(timeout=_WAIT_S):
            raise TransientError("too many log-ins at the same time")
        try:
            # An unknown operator costs as much as a known one: the time must not tell who exists.
            matches = _matches(credential or self._nobody, password)
        finally:
            self._slots.release()
        return matches and credential is not None


def first_password() -> str:
    """Return a password that somebody is given until they choose one of their own."""
    size, groups = _FIRST
    return "-".join("".join(secrets.choice(_CLEAR) for _ in range(size)) for _ in range(groups))


def hash_password(password: str) -> str:
    """Return the argon2 hash of ``password``."""
    return _HASHER.hash(password)


def _hash(name: str, operator: Operator, earlier: str | None) -> str:
    if operator.password_hash is not None:
        configured = operator.password_hash.read()
        try:
            extract_parameters(configured)
        except InvalidHashError:
            key = f"api.operators.{name}.password_hash"
            problem = ConfigProblem(Path("configuration"), 0, key, "no argon2 hash", "an argon2 hash")
            raise ConfigError([problem]) from None
        return configured
    if operator.password is None:
        raise ValueError(f"operator {name} has no password")  # Operator.check does not let it come here
    clear = operator.password.read()
    return earlier if earlier and _matches(earlier, clear) else hash_password(clear)


def _unmatched(like: str | None) -> str:
    """Return a hash that no password has, as costly to verify as ``like``."""
    cost = extract_parameters(like) if like else _DEFAULT
    salt, digest = (b64encode(secrets.token_bytes(n)).decode().rstrip("=") for n in (16, 32))
    return f"$argon2id$v=19$m={cost.memory_cost},t={cost.time_cost},p={cost.parallelism}${salt}${digest}"


def _matches(hashed: str, password: str) -> bool:
    try:
        return _HASHER.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False

"""Errors that callers can act on. Everything else that escapes is a bug."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class LianfangError(Exception):
    """Base of every error that lianfang raises on purpose; its text is meant for a person."""


@dataclass(frozen=True)
class ConfigProblem:
    """One thing wrong in a configuration file.

    ``line`` is 1-based, 0 where the fault has no line (a missing file). ``key`` is the dotted path,
    ``found`` what stands there and ``allowed`` what may.
    """

    file: Path
    line: int
    key: str
    found: str
    allowed: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else f"{self.file}"
        key = f"{self.key}: " if self.key else ""
        return f"{place}: {key}found {self.found}; allowed: {self.allowed}"


class ConfigError(LianfangError):
    """Refuse to start. Carries every problem found, not only the first."""

    def __init__(self, problems: list[ConfigProblem]) -> None:
        super().__init__("\n".join(str(p) for p in problems))
        self.problems = problems


class TransientError(LianfangError):
    """The same attempt may succeed later: retry.

    ``retry_after_s`` is the receiver's own wish (HTTP Retry-After), None where it gave none. ``untaken``
    says that it surely has not taken what was sent: it said so, or was never reached.
    """

    def __init__(self, message: str, retry_after_s: float | None = None, *, untaken: bool = False) -> None:
        super().__init__(message)
        self.retry_after_s, self.untaken = retry_after_s, untaken


class PermanentError(LianfangError):
    """No retry can help: dead-letter it.

    ``disable`` is true when the receiver asked never to be called again (HTTP 410), ``untaken`` as above.
    """

    def __init__(self, message: str, disable: bool = False, *, untaken: bool = False) -> None:
        super().__init__(message)
        self.disable, self.untaken = disable, untaken


class NotLetIn(PermanentError):  # noqa: N818 - reads as the fact it states
    """The other side does not know the user, or the password is another one."""


class UnknownName(PermanentError):  # noqa: N818 - reads as the fact it states
    """The other side has nothing that is called so."""


class DecodeError(LianfangError):
    """A record on the bus is not what its topic promises: it goes to the dead letter, whole."""


class EvidenceMissing(LianfangError):  # noqa: N818 - reads as the fact it states
    """The referenced frame is no longer kept, or another one stands in its place."""


class ModelError(LianfangError):
    """A model file is missing, altered or not what the engine can run."""

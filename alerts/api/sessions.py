"""Who is logged in.

The cookie carries 256 random bits and nothing else; this side keeps only their SHA-256, in a file that only
the service can read. Compared with a signed token this needs no cryptography of our own, a log-out ends the
session for everybody who may have copied the cookie, and a restart logs nobody out.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import structlog
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from lianfang.clock import Clock

_log = structlog.get_logger()
_MAX_SESSIONS = 1000


class Session(BaseModel):
    """One log-in. ``credential`` is the password hash that let it in: another password ends it."""

    model_config = ConfigDict(frozen=True)

    key: str
    operator: str
    credential: str
    expires_at: AwareDatetime


class _File(BaseModel):
    sessions: list[Session] = []


def earlier_credentials(file: Path) -> dict[str, str]:
    """Return the password hash of every operator who has a session in ``file``."""
    return {session.operator: session.credential for session in _load(file)}


class Sessions:
    """The sessions of those whom ``credential`` lets in: by operator, the password hash. Thread-safe.

    Whoever is locked, or has another password, has no session any more.
    """

    def __init__(
        self, file: Path, clock: Clock, lifetime: timedelta, credential: Callable[[str], str | None]
    ) -> None:
        self._file, self._clock, self._lifetime = file, clock, lifetime
        self._credential = credential
        self._lock = threading.Lock()
        valid = (s for s in _load(file) if credential(s.operator) == s.credential)
        self._sessions = {session.key: session for session in valid}

    def open(self, operator: str) -> tuple[str, Session]:
        """Start a session; return what goes into the cookie, and the session. LookupError for the locked."""
        token, credential = secrets.token_urlsafe(32), self._credential(operator)
        if credential is None:
            raise LookupError(f"{operator} may not log in")
        session = Session(
            key=_key(token),
            operator=operator,
            credential=credential,
            expires_at=self._clock.now() + self._lifetime,
        )
        with self._lock:
            self._sessions[session.key] = session
            self._save()
        return token, session

    def find(self, token: str) -> Session | None:
        """Return the session of a cookie, None if there is none or it has ended."""
        session = self._sessions.get(_key(token))
        return session if session is not None and self.is_alive(session) else None

    def is_alive(self, session: Session) -> bool:
        """Say whether a session found earlier is still good."""
        return (
            session.key in self._sessions
            and session.expires_at > self._clock.now()
            and self._credential(session.operator) == session.credential
        )

    def close(self, session: Session) -> None:
        """End a session."""
        with self._lock:
            self._sessions.pop(session.key, None)
            self._save()

    def _save(self) -> None:
        now = self._clock.now()
        alive = sorted((s for s in self._sessions.values() if s.expires_at > now), key=lambda s: s.expires_at)
        self._sessions = {session.key: session for session in alive[-_MAX_SESSIONS:]}
        text = _File(sessions=list(self._sessions.values())).model_dump_json()
        try:
            _replace(self._file, text)
        except OSError as error:  # a full disk must not keep a person on duty out
            _log.error("sessions_not_saved", file=str(self._file), error=error.strerror)


def _key(token: str) -> str:
    # No salt and no slow hash: 256 random bits cannot be guessed.
    return hashlib.sha256(token.encode()).hexdigest()


def _load(file: Path) -> list[Session]:
    try:
        return _File.model_validate_json(file.read_bytes()).sessions
    except FileNotFoundError:
        return []
    except (OSError, ValidationError) as error:
        _log.warning("sessions_not_read", file=str(file), error=type(error).__name__)
        return []


def _replace(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_suffix(".part")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    temporary.replace(file)

"""Who is in and who may come in: names, passwords and sessions, as all of the API goes by them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from alerts.api import site_models
from alerts.api.dependencies import Dependencies
from alerts.api.names import Names
from alerts.api.passwords import Passwords
from alerts.api.sessions import Session, Sessions, earlier_credentials
from alerts.people import PeopleBook

_SESSIONS_FILE = "sessions.json"


@dataclass(frozen=True)
class Access:
    """What logging in needs."""

    names: Names
    passwords: Passwords
    sessions: Sessions
    book: PeopleBook

    @classmethod
    def of(cls, deps: Dependencies, names: Names) -> Access:
        """Return it; ConfigError if an operator's password hash is none."""
        settings, file = deps.settings.file.api, deps.config.data_dir / _SESSIONS_FILE
        passwords = Passwords(settings.operators, earlier_credentials(file), lambda: deps.settings.people)
        lifetime = timedelta(hours=settings.session_hours)
        sessions = Sessions(file, deps.clock, lifetime, passwords.credential)
        return cls(names, passwords, sessions, PeopleBook(deps.store, deps.settings, deps.clock))

    def logged_in(self, session: Session) -> site_models.LoggedIn:
        """Return who is in by a session."""
        operator = session.operator
        return site_models.LoggedIn(
            operator=operator,
            name=self.names.operator(operator),
            role=self.names.role(operator),
            stands_for=self.names.stands_for(operator),
            must_change=self.passwords.must_change(operator),
            configured=self.passwords.is_configured(operator),
            expires_at=session.expires_at,
        )

"""Where the API is served, and who may log in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from argon2 import extract_parameters
from argon2.exceptions import InvalidHashError
from pydantic import Field

from lianfang.config.stanza import Id, Problem, Secret, Stanza

if TYPE_CHECKING:
    from lianfang.config.model import Config


Role = Literal["administrator", "operator", "worker", "viewer", "auditor"]


class Operator(Stanza):
    """A person who may log in."""

    name: str
    """As colleagues know them: it stands beside everything they do."""
    role: Role = "operator"
    """administrator: everything, people too; operator: what is done on duty; worker: sees everything, takes
    what is assigned to them or their cell, and says what came of it; viewer: looks; auditor: also at who did
    what."""
    password_hash: Secret | None = None
    """An argon2 hash as ``lianfang password`` prints it, or …"""
    password: Secret | None = None
    """… the password itself."""
    locked: bool = False
    """May not log in any more; the name still stands beside what they did."""

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield a problem unless there is exactly one readable secret."""
        del config
        if (self.password is None) == (self.password_hash is None):
            yield Problem((), "both or neither", "exactly one of password and password_hash")
        if self.password_hash is not None:
            try:
                extract_parameters(self.password_hash.read())
            except InvalidHashError:
                yield Problem(("password_hash",), "a text of another form", "what `lianfang password` prints")
            except LookupError:
                pass  # the secret itself says so


class Api(Stanza):
    """Where the API and the console are served."""

    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 is every network that this machine is in."""
    port: int = Field(default=8800, ge=0, le=65535)
    """TCP port; 0 lets the system choose."""
    operators: dict[Id, Operator] = Field(default_factory=dict)
    """Who may log in."""
    export_approval: bool = True
    """Whether a second operator must approve before an incident is exported; false where one works alone."""
    session_hours: float = Field(default=12, gt=0, le=72)
    """Hours until a login must be repeated: a shift."""
    secure_cookies: bool = False
    """Set it where the console is served over HTTPS: the session cookie then never travels in clear."""
    live_viewers: int = Field(default=8, ge=0, le=100)
    """So many may look at cameras as they are now at a time; 0: nobody may."""
    live_fps: float = Field(default=5, ge=0.2, le=25)
    """Pictures a second that each of them is given at most."""

    @property
    def administrators(self) -> list[str]:
        """Who may manage people, and is not locked."""
        return [n for n, o in self.operators.items() if o.role == "administrator" and not o.locked]

"""What the API says and hears of the configuration as people change it while it runs."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from alerts.api.answer import Answer
from alerts.api.models import Named, NamedInBoth, Words

Why = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Stanza = dict[str, Any]


class Version(Answer):
    """What somebody changed; it is in force from ``since`` on, until the next one is."""

    number: int
    since: AwareDatetime
    author: str
    author_name: str
    reason: str


class SettingsState(Answer):
    """The newest versions, newest first, and which is in force now; 0 is the file as it is.

    ``fault`` says why a version that should be in force is not, and the file alone is.
    """

    in_force: int
    newest: int
    fault: str
    versions: list[Version]


class Difference(Answer):
    """One key that a version changed; null is that there was, or is, nothing."""

    key: str
    before: Any
    after: Any


class VersionDetail(Answer):
    """A version, and what is otherwise than in the one before it."""

    version: Version
    differences: list[Difference]


class RuleStanza(Answer):
    """A rule as the configuration has it: a stanza as in the file. ``changed``: not as in the file.

    ``summary`` is what it does, in words; None where the newest version does not fit the file.
    """

    rule: NamedInBoth
    changed: bool
    stanza: Stanza
    summary: Words | None


class DrawnStanza(Answer):
    """A zone or a line on a camera's picture. ``changed``: not as in the file."""

    camera: Named
    id: str
    changed: bool
    stanza: Stanza


class Restore(BaseModel):
    """Why, and which version it changes; 409 if that is not the newest any more."""

    model_config = ConfigDict(extra="forbid")

    reason: Why = Field(description="Why, for those who come after.")
    based_on: int = Field(ge=0, description="`newest` of the settings.")


class RuleChange(Restore):
    """A rule as it is to be, whole."""

    stanza: Stanza


class DrawnChange(Restore):
    """A zone or line as it is to be, whole; null removes it."""

    stanza: Stanza | None


class SpeakerChange(Restore):
    """Hours and bounds of a speaker, by key, as in the file; null makes them those of the file."""

    stanza: Stanza | None


class SwitchChange(BaseModel):
    """Why a camera is switched off or on."""

    model_config = ConfigDict(extra="forbid")

    reason: Why

"""What the API says and hears of back-tests."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from alerts.api.answer import Answer
from alerts.api.models import Named, NamedInBoth
from alerts.api.settings_models import Stanza
from alerts.backtest.runs import State

_Id = Annotated[str, StringConstraints(max_length=63)]
Drawings = dict[_Id, dict[_Id, Stanza | None]]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Proposal(_Asked):
    """What would be otherwise than in the newest version: whole stanzas, None takes a zone or line away."""

    rules: dict[_Id, Stanza] = Field(default_factory=dict)
    zones: Drawings = Field(default_factory=dict, description="Camera → zone → stanza.")
    lines: Drawings = Field(default_factory=dict, description="Camera → line → stanza.")


class BacktestOrder(_Asked):
    """What is to be tried over what was logged; without a proposal it is the newest version."""

    begin: AwareDatetime
    end: AwareDatetime
    rules: tuple[_Id, ...] = Field(
        default=(), description="None: changed rules, and those that look at a camera that is drawn on."
    )
    proposal: Proposal = Proposal()


class Hit(Answer):
    """An incident that there would be. ``was``: the states of those that there are, none where it is new.

    ``evidence`` is a picture of one that there is, to be had below /api/evidence; with ``framed`` the frame
    was still kept, and is below /api/backtests. ``muted`` says why nobody would have heard of it.
    """

    id: str
    rule: NamedInBoth
    point: Named
    camera: Named
    zone: Named
    subject: str
    opened_at: AwareDatetime
    cleared_at: AwareDatetime | None
    escalated_at: AwareDatetime | None
    people: int
    spoken: int
    muted: str | None
    was: list[str]
    evidence: str | None
    framed: bool


class Missed(Answer):
    """An incident that there is, and would not be; ``evidence`` is a picture of it."""

    id: str
    rule: NamedInBoth
    point: Named
    camera: Named
    opened_at: AwareDatetime
    state: str
    evidence: str | None


class BacktestResult(Answer):
    """The first hits and missed ones by time, and how many there are of each."""

    hits: list[Hit]
    hits_total: int
    missed: list[Missed]
    missed_total: int


class Backtest(Answer):
    """A back-test and how far it is; ``progress`` is the share of the log that was read, 0-1."""

    id: str
    state: State
    progress: float
    fault: str
    by_name: str
    begin: AwareDatetime
    end: AwareDatetime
    rules: list[NamedInBoth]
    result: BacktestResult | None

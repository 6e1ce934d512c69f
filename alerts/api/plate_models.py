"""What the API says and hears of lists of plates."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from alerts.api.answer import Answer
from alerts.api.models import Named, NamedInBoth
from alerts.api.settings_models import Restore, Why

ListId = Annotated[str, StringConstraints(max_length=500)]
PlateText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=16)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class PlateListView(Answer):
    """A list: a file that rules name, or what a platform looks for. ``standing`` are those in force now.

    ``changed``: people have changed it, and it is not as its file. ``editable``: it can be changed here.
    """

    id: str
    kind: Literal["file", "police"]
    name: NamedInBoth
    rules: list[NamedInBoth]
    total: int
    standing: int
    fault: str
    changed: bool
    editable: bool


class PlateEntry(Answer):
    """A plate on a list and how often it came; ``title`` is empty where the plate is masked.

    ``n`` is its place on the list, 0 the first.
    """

    list: str
    n: int
    plate: str
    since: AwareDatetime | None
    until: AwareDatetime | None
    stands: bool
    title: str
    hits: int
    last_hit: AwareDatetime | None


class PlateHit(Answer):
    """An incident about a plate. Not ``exact``: it only looks like the one that was asked about."""

    incident: str
    plate: str
    exact: bool
    rule: NamedInBoth
    point: Named
    opened_at: AwareDatetime
    state: str


class PlateHits(Answer):
    """The newest hits of a plate, and how many there are."""

    hits: list[PlateHit]
    total: int


class PlatePage(Answer):
    """Every list, the first entries of what was asked for, how many there are, and the newest hits.

    ``newest`` is the number of the newest version of the settings: a change goes on from it.
    """

    lists: list[PlateListView]
    entries: list[PlateEntry]
    total: int
    hits: list[PlateHit]
    newest: int


class PlateSearch(BaseModel):
    """What is looked for, in which list, and why: it stands in the audit."""

    model_config = ConfigDict(extra="forbid")

    reason: Why
    plate: PlateText = ""
    list: ListId = ""


class PlateAdded(Restore):
    """A plate that comes onto a list: from ``since`` on until before ``until``; null is no bound."""

    list: ListId
    plate: PlateText
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    note: Note = ""


class PlateChanged(Restore):
    """Another time for an entry of a list; ``plate`` as it is shown, whole or masked.

    ``until`` may be now: it is over then, and stays on the list. ``note`` is left as it is where null.
    """

    list: ListId
    n: int = Field(ge=0)
    plate: PlateText
    since: AwareDatetime | None
    until: AwareDatetime | None
    note: Note | None = None


class TableFault(Answer):
    """What is wrong with a table: its row (0: all of it) and column, what was found and what is allowed."""

    file: str
    sheet: str
    row: int
    column: str
    found: str
    allowed: str


class TableLine(Answer):
    """A row of a table and what it does to the list."""

    row: int
    plate: str
    since: AwareDatetime | None
    until: AwareDatetime | None
    note: str
    becomes: Literal["added", "changed", "same"]


class PlateImport(Answer):
    """What a table would do to a list, whose first lines are ``lines``; nothing where there are faults.

    ``removed`` are the plates that would not be on the list any more, masked; ``total`` is how many entries
    it would have.
    """

    faults: list[TableFault]
    faults_total: int
    lines: list[TableLine]
    added: int
    changed: int
    same: int
    removed: list[str]
    removed_total: int
    total: int

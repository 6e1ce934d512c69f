"""What the API says and hears of rules as people see them: forms, faults at their keys, history, hours."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from alerts.api.answer import Answer
from alerts.api.models import Named, NamedInBoth, Words
from alerts.api.settings_models import Difference, Stanza, Version
from alerts.forms.fields import Form


class CameraChoices(Answer):
    """A camera and what a rule may name of it: zones, lines, and the labels that its detectors give."""

    id: str
    name: str
    point: Named
    zones: list[Named]
    lines: list[Named]
    labels: list[str]
    stages: list[str]


class SensorChoice(Answer):
    """A sensor and the unit of its values."""

    id: str
    name: str
    unit: str


class Day(Answer):
    """A weekday or a kind of day that a window may name."""

    id: str
    name: Words


class Choices(Answer):
    """What there is for a form to choose from; ``files`` are the lists that rules may name."""

    cameras: list[CameraChoices]
    sensors: list[SensorChoice]
    speakers: list[NamedInBoth]
    receivers: list[NamedInBoth]
    rules: list[NamedInBoth]
    labels: list[Day]
    files: list[str]
    days: list[Day]


class RuleForms(Answer):
    """A form for each kind of rule, and what can be chosen."""

    kinds: list[Form]
    choices: Choices


class KeyProblem(Answer):
    """What is wrong at a key, relative to the rule; "" is the rule itself, or something elsewhere."""

    key: str
    found: str
    allowed: str


class RuleCheck(Answer):
    """What would be refused of a rule; where nothing is, what it does, in words."""

    problems: list[KeyProblem]
    summary: Words | None


class RuleProposal(BaseModel):
    """A rule as it might be, whole."""

    model_config = ConfigDict(extra="forbid")

    stanza: Stanza


class RuleVersion(Answer):
    """What a version changed of a rule; ``stanza`` is the rule as it was then, None where there was none."""

    version: Version
    differences: list[Difference]
    stanza: dict[str, Any] | None


class RuleSwitch(BaseModel):
    """Why a rule is switched off or on."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
    based_on: int = Field(ge=0, description="`newest` of the settings.")


class WeekOrder(BaseModel):
    """A schedule, and the camera or sensor by whose sun it goes; without a schedule it is always."""

    model_config = ConfigDict(extra="forbid")

    schedule: Stanza | None
    source: str = ""
    begin: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d$")]


class Hours(Answer):
    """From ``begin`` on until ``end``, in minutes of the wall clock's day, 0-1440."""

    begin: int
    end: int


class ProfileHours(Answer):
    """When a profile is in force, because of ``why``."""

    profile: str
    why: Literal["key", "level", "schedule"]
    begin: int
    end: int


class WeekDay(Answer):
    """A day: its weekday and kinds by the calendars, when the schedule applies, and profiles."""

    date: str
    kinds: list[Day]
    hours: list[Hours]
    profiles: list[ProfileHours]
    sunrise: int | None
    sunset: int | None


class Week(Answer):
    """Seven days of a schedule; what is wrong with it instead, where anything is."""

    now: AwareDatetime
    days: list[WeekDay]
    problems: list[KeyProblem]
    summary: Words | None

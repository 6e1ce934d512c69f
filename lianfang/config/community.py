"""Whom an installation watches for: its name, its clock and its calendar."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, field_validator

from lianfang.calendar import BadCalendar, Calendar
from lianfang.config.naming import NameTemplate
from lianfang.config.stanza import PlaceCode, Problem, Spoken, Stanza

if TYPE_CHECKING:
    from lianfang.config.model import Config

Language = Literal["zh", "en"]


class Broadcasts(Stanza):
    """How much is said at most, beside each speaker's share; what may save a life is said all the same."""

    per_hour: int = Field(default=60, ge=1, le=10_000)
    """Broadcasts in any hour by all speakers together."""
    camera_per_hour: int = Field(default=20, ge=1, le=10_000)
    """Broadcasts in any hour because of what one camera, or one sensor, sees."""


class ClipSettings(Stanza):
    """The film of the camera that decided, kept beside the picture: about 3 MB and 3 s of one core each."""

    before_s: float = Field(default=10, ge=0, le=15)
    """Seconds before the picture that decided."""
    after_s: float = Field(default=20, ge=1, le=120)
    """Seconds after it."""


class Community(Stanza):
    """The community that this installation watches for."""

    name: str = Field(min_length=1, max_length=100)
    """As it is called on messages and on the console."""
    place_code: PlaceCode = ""
    """Its administrative division (GB/T 2260), 6 to 12 digits, for platforms that ask for it."""
    timezone: str = "Asia/Shanghai"
    """IANA time zone of every time that people read."""
    calendars: tuple[Path, ...] = ()
    """CSV files with the columns date, until, kind, name: holidays, make-up workdays, school terms."""
    language: Language = "zh"
    """What speakers say and what messages are titled in, unless they are told otherwise."""
    languages: tuple[Spoken, ...] = ()
    """What speakers say each text in, one after the other, such as [zh, yue]; ``language`` if not given."""

    camera_names: NameTemplate = ""
    """How cameras are called, such as {point}-{n:02d}号枪机; names that break it are warned of."""
    broadcasts: Broadcasts = Broadcasts()
    """How much is said at most in a storm of alarms."""
    trial_days: int = Field(default=7, ge=0, le=90)
    """Days for which a rule is in trial on a camera that is new to it: recorded and shown, nothing said."""
    walk_test_months: int = Field(default=6, ge=1, le=60)
    """For so long a walk test says that a zone is seen; after that the map shows it as a gap."""
    clip: ClipSettings | None = ClipSettings()
    """What is kept as a film of each incident; null for none. A rule may have none of its own accord."""

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("an IANA time zone such as Asia/Shanghai")
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The community's time zone."""
        return ZoneInfo(self.timezone)

    @cached_property
    def calendar(self) -> Calendar:
        """What the calendars say, as they were when first asked for; BadCalendar for what cannot be read."""
        return Calendar.read(self.calendars)

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield what is wrong with the calendars, and warn of those that have ended."""
        del config
        try:
            ended = self.calendar.ended(datetime.now(self.zone).date())
        except BadCalendar as error:
            for fault in error.faults:
                yield Problem(("calendars",), f"{fault.found} ({fault.where})", fault.allowed)
            return
        for file, last in ended:
            found = f"{file}, which ends on {last}"
            yield Problem(("calendars",), found, "one that goes on: add days, or a row covered", warning=True)

"""``kind: access``: a card or a plate that is shown where access is controlled (智能门禁)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator

from alerts.listed import faults_of
from alerts.listening import HappeningSettings, member, sighted
from alerts.passes import Pass, PassList, shown
from alerts.rules.base import Sighting
from alerts.sensors import fault
from lianfang.config import Config as Root
from lianfang.config import Problem, Sensor
from lianfang.events import Reading


class Config(HappeningSettings):
    """A card or a plate is shown at a door or a barrier. Each is an incident of its own."""

    kind: Literal["access"]
    report: Literal["listed", "unlisted", "expired", "any"]
    """Those on the list; those that are not on it; those whose time on it is over; all, such as at night with
    `active`."""
    list: Path | None = None
    """CSV file with the columns card or plate or both, and from and until (times, may be empty); relative to
    this file."""
    refused: bool | None = None
    """True: only where the door did not open (value 0); false: only where it did; both where not given."""

    @model_validator(mode="after")
    def _has_list(self) -> Self:
        if (self.report == "any") == (self.list is not None):
            raise ValueError("a 'list' for listed, unlisted and expired, and none for any")
        return self

    def check(self, config: Root) -> Iterable[Problem]:
        """Yield what every such rule must not have, and what is wrong with the list."""
        yield from super().check(config)
        yield from faults_of(self.list, config, PassList.read)


@dataclass(frozen=True)
class Access:
    """The rule for the sensors of its stanza. It keeps nothing: every event stands for itself."""

    config: Config
    sensors: Mapping[str, Sensor]
    listed: PassList

    def initial(self) -> None:
        """Return nothing."""

    def step_reading(self, state: None, reading: Reading) -> tuple[None, Sighting | None]:
        """Say whether what was shown is to be reported; whole only where it is on a list that looks for it.

        A fault of the sensor, or an event of neither card nor plate, is nothing.
        """
        what = shown(reading.attributes)
        if reading.value is None or what is None or fault(self.sensors[reading.sensor_id], reading):
            return state, None
        if self.config.refused is not None and self.config.refused != (reading.value == 0):
            return state, None
        members = [
            member(reading, subject, review=review) for subject, review in self._reported(what, reading)
        ]
        return state, sighted(reading, members)

    def _reported(self, what: Pass, reading: Reading) -> Iterator[tuple[str, bool]]:
        """Yield (subject, whether a person must look first) of what is to be reported."""
        report, stands = self.config.report, self.listed.stands(what, reading.at)
        if report == "listed":
            if stands or self.listed.looks_listed(what, reading.at):
                yield what.key, not stands
        elif report == "any" or self._is_wrong(what, reading, stands):
            yield what.masked, False

    def _is_wrong(self, what: Pass, reading: Reading, stands: bool) -> bool:
        if self.config.report == "expired":
            return self.listed.expired(what, reading.at)
        return not stands


def build(config: Config, root: Root) -> Access:
    """Return the rule with its list as it is now; BadList where that cannot be read."""
    listed = (
        PassList()
        if config.list is None
        else PassList.read(config.list, root.community.zone, root.changed_lists)
    )
    return Access(config, {s: root.sensors[s] for s in config.sensors}, listed)

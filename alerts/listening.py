"""What rules share that listen to sensors: which, where they speak, and things that happen in a moment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from alerts.rules.base import About, Member, RuleSettings, Sighting
from alerts.sensors import unknown_sensors
from lianfang.config import Config, Id, Problem
from lianfang.events import Reading

_WHOLE = (0.0, 0.0, 1.0, 1.0)


class ListeningSettings(RuleSettings):
    """The stanza of a rule about readings. The sensor's point is the place."""

    cameras: tuple[Id, ...] = Field(default=(), max_length=0)
    """None: it looks at no picture."""
    sensors: Annotated[tuple[Id, ...], Field(min_length=1)]
    """Sensors that it listens to; those at one point are one incident."""
    speakers: tuple[Id, ...] = ()
    """Speakers that say its text, nearest first; those of the zones at the sensor's point where not given."""
    join_s: float = Field(default=600, ge=0, le=3600)
    """What begins again within this time joins the incident."""
    cleared_after: int = Field(default=1, ge=1, le=100)
    """So many readings in a row that it is over, from every sensor of the incident, say that it is over."""

    @property
    def sources(self) -> tuple[str, ...]:
        """The sensors."""
        return self.sensors

    @property
    def about(self) -> About:
        """What is measured."""
        return "reading"

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield sensors and speakers that there are none of."""
        yield from super().check(config)
        yield from unknown_sensors(self.sensors, config)
        speakers = config.receivers_of("speaker")
        for i, speaker in enumerate(self.speakers):
            if speaker not in speakers:
                yield Problem(("speakers", i), repr(speaker), f"one of {', '.join(speakers) or 'none'}")


class HappeningSettings(ListeningSettings):
    """The stanza of a rule about what happens in a moment, such as a card that is shown."""

    @property
    def momentary(self) -> bool:
        """It is over as soon as it was."""
        return True

    @property
    def about(self) -> About:
        """What happened."""
        return "event"


def sighted(reading: Reading, members: Iterable[Member]) -> Sighting:
    """Return what a rule makes of a reading."""
    return Sighting(
        camera=reading.sensor_id,
        captured_at=reading.at,
        track_epoch="sensor",
        members=tuple(members),
        present=(),
    )


def member(reading: Reading, subject: str = "", *, review: bool = False) -> Member:
    """Return what a reading is about as a member of an incident."""
    track = ":".join(["sensor", reading.sensor_id, *([subject] if subject else [])])
    return Member(track, reading.kind, 1.0, _WHOLE, zone="", subject=subject, review=review)

"""``kind: plate``: a vehicle whose plate is on a list, or is not, or cannot be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from alerts.dispositions import NO_DISPOSITIONS, Dispositions, Ordered
from alerts.listed import faults_of
from alerts.objects import sighting
from alerts.overstay import Overstay
from alerts.passage import Passage
from alerts.plates import PlateList
from alerts.rules.base import About, Member, Sighting
from alerts.viid.inbound.settings import answering, tollgates_of
from alerts.zones import Zones, ZoneSettings
from lianfang.config import Config as Root
from lianfang.config import Id, Problem
from lianfang.config.stanza import one_of
from lianfang.events import DetectedObject, Observation
from lianfang.plates import normalised

_FORGOTTEN = timedelta(seconds=10)  # a track that was not seen for so long is another when it comes again


class Config(ZoneSettings):
    """Vehicles in a zone by their plates. Each plate is an incident of its own."""

    kind: Literal["plate"]
    report: Literal["listed", "unlisted", "unread", "overstay"]
    """Plates on the list; sure reads that are not on it; vehicles without a readable plate; vehicles that
    stay too long, but for those whose plate is on the list."""
    list: Path | None = None
    """CSV file with the columns plate, from, until (times, may be empty); relative to this file."""
    dispositions: Id | None = None
    """With ``listed``: a receiver with ``answers``; the plates that its platform looks for (布控) are on the
    list, each for its time and at its tollgates. It must be among those in ``notify``."""
    unread_s: float = Field(default=10, ge=1, le=3600)
    """With ``unread``: seconds that a vehicle stands in the zone without a read."""
    stay_s: float = Field(default=1800, ge=10, le=30 * 86400)
    """With ``overstay``: seconds that a vehicle may stay in the zone."""
    away_s: float = Field(default=120, ge=1, le=86400)
    """With ``overstay``: it is gone once pictures of so many seconds do not show it; with ``exits``, it has
    come in anew when it is seen at an entrance after so many seconds."""
    exits: tuple[Id, ...] = ()
    """With ``overstay``: cameras at exits, which have the zones too. ``cameras`` are at entrances then, and
    who came in there stays until an exit reads the plate."""
    labels: Annotated[tuple[str, ...], Field(min_length=1)] = ("car", "bus", "truck")
    """Vehicles, and ``plate`` for plates on no vehicle."""

    @property
    def sources(self) -> tuple[str, ...]:
        """The cameras, at entrances and at exits."""
        return *self.cameras, *self.exits

    @property
    def counts_jointly(self) -> bool:
        """With exits: who goes out there came in elsewhere."""
        return bool(self.exits)

    @property
    def pictured(self) -> bool:
        """With exits: who has stayed is somewhere inside."""
        return not self.exits

    @property
    def about(self) -> About:
        """Things."""
        return "things"

    @property
    def names_plates(self) -> bool:
        """Each incident is about one plate, unless it is about vehicles without one."""
        return self.report != "unread"

    @property
    def memory_s(self) -> float:
        """How long a vehicle stands unread."""
        return max(60, self.unread_s)

    @model_validator(mode="after")
    def _has_list(self) -> Self:
        if self.dispositions is not None and self.report != "listed":
            raise ValueError("'dispositions' only with 'report: listed'")
        listed = self.list is not None or self.dispositions is not None
        if self.report != "overstay" and (self.report == "unread") == listed:
            raise ValueError("a 'list' for listed and unlisted, and none for unread")
        if self.exits and self.report != "overstay":
            raise ValueError("'exits' only with 'report: overstay'")
        if twice := [camera for camera in self.exits if camera in self.cameras]:
            raise ValueError(f"'exits' that are not among the 'cameras', as {', '.join(twice)} is")
        return self

    def check(self, config: Root) -> Iterable[Problem]:
        """Yield cameras that read no plates, and what is wrong with the list."""
        yield from super().check(config)
        for i, camera_id in enumerate(self.exits):
            if camera_id not in config.cameras:
                yield Problem(("exits", i), repr(camera_id), f"one of {', '.join(sorted(config.cameras))}")
        for camera_id in self.cameras_without("plate", config):
            found = f"'plate' at camera {camera_id}, none of whose detectors reads plates"
            yield Problem(("kind",), found, "a stage plate among its detectors")
        yield from self._unheard(config)
        yield from faults_of(self.list, config, PlateList.read)

    def _unheard(self, config: Root) -> Iterable[Problem]:
        """Yield a receiver from which no dispositions come, or that does not hear of hits."""
        if self.dispositions is None:
            return
        asking = answering(config)
        if self.dispositions not in asking:
            allowed = f"a receiver with 'answers': {one_of(asking)}"
            yield Problem(("dispositions",), repr(self.dispositions), allowed)
        elif self.dispositions not in {target.receiver for target in self.notify}:
            yield Problem(("dispositions",), repr(self.dispositions), "a receiver among those in 'notify'")


@dataclass(frozen=True, slots=True)
class Vehicle:
    """Since when a track has been in the zone without a read, and when it was last there."""

    since: datetime
    last_at: datetime


@dataclass(frozen=True)
class Unread:
    """The vehicles that nobody could read yet."""

    tracks: Mapping[str, Vehicle] = field(default_factory=dict)


@dataclass(frozen=True)
class Plate:
    """The rule for the cameras of its stanza."""

    config: Config
    zones: Zones
    plates: PlateList
    tollgates: Mapping[str, str] = field(default_factory=dict)
    """Codes of the tollgates of the cameras, as the receiver of its dispositions knows them."""
    wanted: Dispositions = NO_DISPOSITIONS

    def under(self, dispositions: Dispositions) -> Plate:
        """Return the rule as it is under ``dispositions``."""
        return self if self.config.dispositions is None else replace(self, wanted=dispositions)

    def initial(self) -> Unread:
        """Return the state in which no vehicle is there."""
        return Unread()

    def renumbered(self, state: Unread) -> Unread:
        """Return the state in which no vehicle is there: the new numbers mean others."""
        del state
        return Unread()

    def concerns(self, state: Unread, observation: Observation) -> bool:
        """Say whether anything is in the zone, or was a moment ago."""
        return bool(state.tracks) or self.zones.occupied(observation)

    def step(self, state: Unread, observation: Observation) -> tuple[Unread, Sighting]:
        """Say which vehicles are to be reported, each with its plate as the subject."""
        at = observation.captured_at
        tracks = {t: v for t, v in state.tracks.items() if at - v.last_at <= _FORGOTTEN}
        placed = list(self.zones.inside(observation))
        reports: dict[str, tuple[str, bool]] = {}
        for detected, zone in placed:
            track = self.config.counted(detected)
            if zone is None or track is None:
                continue
            text = normalised(str(detected.attributes.get("plate") or ""))
            if text:
                tracks.pop(track, None)
            else:
                tracks[track] = Vehicle(tracks[track].since if track in tracks else at, at)
            report = self._report(detected, text, observation, tracks.get(track))
            if report is not None:
                reports[track] = report
        seen = sighting(observation, placed, lambda o: (o.track_id or "") in reports)
        members = tuple(_named(member, reports) for member in seen.members)
        # A vehicle that is not reported keeps nothing occupied: it is not one that is not sure yet.
        others = frozenset(m.track_id for m in seen.present if m.track_id)
        return Unread(tracks), replace(seen, members=members, present=(), elsewhere=seen.elsewhere | others)

    def _report(
        self, detected: DetectedObject, text: str, seen: Observation, unread: Vehicle | None
    ) -> tuple[str, bool] | None:
        """Return (plate, whether a person must look first) of what is to be reported, None for the rest."""
        at = seen.captured_at
        if self.config.report == "unread":
            stood = unread is not None and at - unread.since >= timedelta(seconds=self.config.unread_s)
            return ("", False) if stood else None
        if not text:
            return None
        sure = detected.attributes.get("plate_accepted") is True
        hit = self.plates.hit(text, at)
        if self.config.report == "unlisted":
            return (text, False) if sure and hit is None else None
        exact = [one.exact for one in (hit, self._wanted(text, seen)) if one is not None]
        # A doubtful read of what only looks like a listed plate is nothing.
        return (text, not (sure and any(exact))) if exact and (sure or any(exact)) else None

    def _wanted(self, text: str, seen: Observation) -> Ordered | None:
        if self.config.dispositions is None:
            return None
        tollgate = self.tollgates.get(seen.camera_id, "")
        return self.wanted.hit(self.config.dispositions, text, seen.captured_at, tollgate)


def _named(member: Member, reports: Mapping[str, tuple[str, bool]]) -> Member:
    subject, review = reports[member.track_id or ""]
    return replace(member, subject=subject, review=review)


def build(config: Config, root: Root) -> Plate | Overstay | Passage:
    """Return the rule with its zones and its list as they are now; BadList where that cannot be read."""
    plates = (
        PlateList(())
        if config.list is None
        else PlateList.read(config.list, root.community.zone, root.changed_lists)
    )
    zones = Zones.of(config, root)
    if config.exits:
        return Passage(config, config.exits, config.stay_s, config.away_s, zones, plates)
    if config.report == "overstay":
        return Overstay(config, config.stay_s, config.away_s, zones, plates)
    return Plate(config, zones, plates, tollgates_of(root, config.dispositions or ""))

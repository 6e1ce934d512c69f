"""Profiles: which one is in force and why, and the key that puts another in force for a while."""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated

import structlog
from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy.orm import Session

from alerts.api.dependencies import Dependencies
from alerts.api.gate import CurrentSession
from alerts.api.models import NamedInBoth, Words
from alerts.api.names import Names
from alerts.api.problems import ApiError, described
from alerts.profiles import Profiles, Source, Why
from alerts.store import switches
from alerts.store.switches import SwitchRow
from lianfang.config import Config
from lianfang.config.profiles import EVERYDAY

_log = structlog.get_logger()

LONGEST = timedelta(days=31)
_SHOWN = 20


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Profile(_Model):
    """A profile and what it silences; ``everyday`` is the configuration without any."""

    id: str
    name: Words
    priority: int
    muted: list[NamedInBoth]


class ProfileInForce(_Model):
    """What is in force from the next second on. ``by`` is an operator, or the sensor whose level it is."""

    profile: str
    why: Why
    by: str
    reason: str
    since: AwareDatetime | None
    until: AwareDatetime | None


class ProfileSwitch(_Model):
    """Somebody, or a level, put a profile in force; ``ended_by`` is who ended it before its time."""

    profile: str
    source: Source
    by: str
    reason: str
    since: AwareDatetime
    until: AwareDatetime | None
    ended_by: str


class CalendarEnd(_Model):
    """A calendar that says nothing of today any more."""

    calendar: str
    last: str


class ProfileState(_Model):
    """Every profile, the one in force, what happened lately, and calendars that have ended."""

    in_force: ProfileInForce
    profiles: list[Profile]
    switches: list[ProfileSwitch]
    calendars_ended: list[CalendarEnd]


class ProfileKey(_Model):
    """An operator's key: it goes before schedules and levels until its end."""

    profile: str
    until: AwareDatetime
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)] = Field(
        description="Why, for those who come after."
    )


def router(deps: Dependencies) -> APIRouter:
    """Return the routes below /profiles."""
    routes = APIRouter(prefix="/profiles", tags=["profiles"])
    profiles, names = Profiles(deps.settings.file), Names(deps.settings.config)

    def state(session: Session) -> ProfileState:
        at = deps.clock.now() + switches.LEAD
        found = profiles.at(at, switches.load(session, at))
        switch = found.switch
        return ProfileState(
            in_force=ProfileInForce(
                profile=found.profile,
                why=found.why,
                by=(names.operator(switch.by) or switch.by) if switch else "",
                reason=switch.reason if switch else "",
                since=switch.since if switch else None,
                until=switch.until if switch else None,
            ),
            profiles=_known(deps.config, names),
            switches=[_switch(row, names) for row in switches.rows(session, _SHOWN)],
            calendars_ended=_ended(deps.config, at),
        )

    @routes.get("")
    def show_profiles() -> ProfileState:
        """Show every profile, the one in force, and what happened lately."""
        with deps.store.read() as session:
            return state(session)

    @routes.put("/in-force", responses=described(HTTPStatus.UNPROCESSABLE_ENTITY))
    def press_profile_key(body: ProfileKey, user: CurrentSession) -> ProfileState:
        """Put a profile in force for a while, whatever schedules and levels say. It takes a second."""
        now = deps.clock.now()
        if body.profile not in {profile.id for profile in _known(deps.config, names)}:
            allowed = ", ".join(profile.id for profile in _known(deps.config, names))
            raise _refused("unknown_profile", f"no profile {body.profile!r}, only {allowed}")
        if not now + switches.LEAD < body.until <= now + LONGEST:
            raise _refused("bad_end", f"`until` is not in the next {LONGEST.days} days")
        with deps.store.write() as session:
            switches.begin(
                session, body.profile, "key", user.operator, now, reason=body.reason, until=body.until
            )
            _log.info(
                "profile_key", profile=body.profile, operator=user.operator, until=body.until.isoformat()
            )
            return state(session)

    @routes.delete("/in-force", responses=described(HTTPStatus.CONFLICT))
    def release_profile_key(user: CurrentSession) -> ProfileState:
        """End the operator's key: schedules and levels decide again. It takes a second."""
        with deps.store.write() as session:
            if switches.end_key(session, user.operator, deps.clock.now()) is None:
                raise ApiError(HTTPStatus.CONFLICT, "no_key", "no key is pressed")
            _log.info("profile_key_released", operator=user.operator)
            return state(session)

    return routes


def _known(config: Config, names: Names) -> list[Profile]:
    everyday = Profile(id=EVERYDAY, name=Words(zh="日常", en="Everyday"), priority=0, muted=[])
    return [
        *(
            Profile(
                id=name,
                name=Words(zh=profile.name.zh, en=profile.name.in_language("en")),
                priority=profile.priority,
                muted=[names.rule(rule) for rule in profile.muted],
            )
            for name, profile in sorted(config.profiles.items(), key=lambda item: -item[1].priority)
        ),
        everyday,
    ]


def _switch(row: SwitchRow, names: Names) -> ProfileSwitch:
    return ProfileSwitch(
        profile=row.profile,
        source="key" if row.source == "key" else "level",
        by=names.operator(row.by) or row.by,
        reason=row.reason,
        since=row.since,
        until=row.until,
        ended_by=names.operator(row.ended_by) or row.ended_by,
    )


def _ended(config: Config, at: datetime) -> list[CalendarEnd]:
    today = at.astimezone(config.community.zone).date()
    return [
        CalendarEnd(calendar=file.name, last=last.isoformat())
        for file, last in config.community.calendar.ended(today)
    ]


def _refused(code: str, detail: str) -> ApiError:
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, code, detail)

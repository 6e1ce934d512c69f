"""Schedules as weeks: hours, holidays and profiles, day by day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

from fastapi import APIRouter

from alerts.api import rule_models as models
from alerts.api.dependencies import Dependencies
from alerts.api.models import Words
from alerts.api.problems import ApiError, described
from alerts.api.rules import at_keys
from alerts.forms import hours
from alerts.forms.words import Phrase
from alerts.profiles import InForce, Profiles
from alerts.store import switches
from alerts.week import runs
from lianfang.calendar import WEEKDAYS
from lianfang.config import Config
from lianfang.config.faults import Document, validated, wrong_within
from lianfang.config.profiles import EVERYDAY
from lianfang.config.schedule import Schedule
from lianfang.errors import ConfigError

_DAYS = 7


def router(deps: Dependencies) -> APIRouter:
    """Return /week."""
    routes = APIRouter(tags=["settings"], responses=described(HTTPStatus.UNPROCESSABLE_ENTITY))

    @routes.post("/week")
    def show_week(body: models.WeekOrder) -> models.Week:
        """Show seven days of a schedule, as it is or as it is being written, with holidays and profiles."""
        now, config = deps.clock.now(), deps.config
        try:
            first = date.fromisoformat(body.begin)
        except ValueError as error:
            raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_range", f"`begin`: {error}") from error
        try:
            schedule = _schedule(body, config)
        except ConfigError as error:
            return models.Week(now=now, days=[], problems=list(at_keys(error.problems, "")), summary=None)
        with deps.store.read() as session:
            known = switches.load(session, now)
        profiles = Profiles(deps.settings.file)
        days = [
            _day(day, schedule, config, body.source, lambda at: profiles.at(at, known))
            for day in (first + timedelta(days=n) for n in range(_DAYS))
        ]
        words = hours.in_words(schedule) if schedule else Phrase(zh="一直", en="always")
        return models.Week(now=now, days=days, problems=[], summary=Words(zh=words.zh, en=words.en))

    return routes


def _schedule(body: models.WeekOrder, config: Config) -> Schedule | None:
    """Return the schedule that is asked about; ConfigError says what is wrong with it."""
    if body.schedule is None:
        return None
    document = Document(Path("schedule"), body.schedule)
    schedule = validated(document, Schedule)
    wrong = [
        *wrong_within(schedule, config, ()),
        *schedule.sunless(config, [body.source] if body.source else []),
    ]
    if wrong:
        raise ConfigError([document.problem(one.key, one.found, one.allowed) for one in wrong])
    return schedule


def _day(
    day: date,
    schedule: Schedule | None,
    config: Config,
    source: str,
    in_force: Callable[[datetime], InForce],
) -> models.WeekDay:
    almanac = config.almanac(source or None)
    holds = runs(
        lambda at: "on" if schedule is None or schedule.applies(at, almanac) else "", day, almanac.zone
    )

    def profile(at: datetime) -> str:
        found = in_force(at)
        return "" if found.profile == EVERYDAY else f"{found.why} {found.profile}"

    profiles = runs(profile, day, almanac.zone) if config.profiles else []
    kinds = [kind for kind in config.community.calendar.known if kind in almanac.calendar.kinds(day)]
    sun = almanac.position is not None
    return models.WeekDay(
        date=day.isoformat(),
        kinds=[_kind(kind) for kind in kinds if kind not in WEEKDAYS],
        hours=[models.Hours(begin=begin, end=end) for _, begin, end in holds],
        profiles=[_profile(what, begin, end) for what, begin, end in profiles],
        sunrise=almanac.sun("sunrise", day) if sun else None,
        sunset=almanac.sun("sunset", day) if sun else None,
    )


def _kind(kind: str) -> models.Day:
    words = hours.day(kind)
    return models.Day(id=kind, name=Words(zh=words.zh, en=words.en))


def _profile(what: str, begin: int, end: int) -> models.ProfileHours:
    why, _, profile = what.partition(" ")
    return models.ProfileHours.model_validate({"profile": profile, "why": why, "begin": begin, "end": end})

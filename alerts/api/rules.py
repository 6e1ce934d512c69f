"""Rules as people see them: forms, faults at their keys, history, switches."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Literal

from fastapi import APIRouter

from alerts.api import rule_models as models
from alerts.api.dependencies import Dependencies
from alerts.api.gate import CurrentSession
from alerts.api.models import Named, NamedInBoth, Words
from alerts.api.names import Names
from alerts.api.problems import ApiError, described
from alerts.api.sessions import Session
from alerts.api.settings import Desk, in_words
from alerts.api.settings_models import Difference, SettingsState
from alerts.editing import with_rule
from alerts.forms import hours
from alerts.forms.fields import forms
from alerts.forms.naming import label
from alerts.forms.words import Phrase
from alerts.rules.base import RuleSettings
from alerts.store import versions
from alerts.store.schema import VersionRow
from lianfang.config import Config, Stanza
from lianfang.config.changes import Changes, paths
from lianfang.config.differences import changeable, differences
from lianfang.errors import ConfigError, ConfigProblem

_VERSIONS = 500


def router(deps: Dependencies) -> APIRouter:
    """Return the routes of rules beside those that change them, and of schedules."""
    routes = APIRouter(
        tags=["settings"], responses=described(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)
    )
    desk, names = Desk(deps), Names(deps.settings.config)

    @routes.get("/rule-forms")
    def list_rule_forms() -> models.RuleForms:
        """List every kind of rule as a form, and what there is to choose from."""
        return models.RuleForms(kinds=forms(), choices=_choices(desk.newest(), desk.file, names))

    @routes.post("/rules/{rule}/check")
    def check_rule(rule: str, body: models.RuleProposal) -> models.RuleCheck:
        """Say what would be refused of a rule, at its keys; else what it does, in words. Nothing changes."""
        try:
            tried = deps.settings.books.tried(with_rule(rule, body.stanza)(desk.editor.newest()[1]))
        except ConfigError as error:
            return models.RuleCheck(problems=list(at_keys(error.problems, f"rules.{rule}")), summary=None)
        return models.RuleCheck(problems=[], summary=in_words(rule, tried.config))

    @routes.get("/rules/{rule}/history")
    def show_rule_history(rule: str) -> list[models.RuleVersion]:
        """List the versions that changed a rule, newest first, each with what it changed."""
        with deps.store.read() as session:
            rows = versions.rows(session, _VERSIONS)
        return list(_history(desk, rule, rows))

    @routes.put("/rules/{rule}/{switch}", responses=described(HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT))
    def switch_rule(
        rule: str, switch: Literal["off", "on"], body: models.RuleSwitch, user: CurrentSession
    ) -> SettingsState:
        """Switch a rule off, or on again, with a reason. It takes a second."""
        return _switched(desk, rule, body, user, on=switch == "on")

    return routes


def _switched(desk: Desk, rule: str, body: models.RuleSwitch, user: Session, *, on: bool) -> SettingsState:
    stanza: dict[str, Any] | None = changeable(desk.file, desk.editor.newest()[1])["rules"].get(rule)
    if stanza is None:
        raise ApiError(HTTPStatus.NOT_FOUND, "no_rule", f"no rule {rule!r}")
    return desk.change(with_rule(rule, {**stanza, "enabled": on}), user, body.reason, body.based_on)


def _history(desk: Desk, rule: str, rows: Iterable[VersionRow]) -> Iterable[models.RuleVersion]:
    newest_first = list(rows)
    states = [versions.version(row).changes for row in newest_first] + [Changes()]
    plain = [changeable(desk.file, changes)["rules"].get(rule) for changes in states]
    for row, after, before in zip(newest_first, plain, plain[1:], strict=False):
        if after != before:
            found = differences({"": before or {}}, {"": after or {}})
            yield models.RuleVersion(
                version=desk.version(row),
                differences=[Difference(key=d.key[1:], before=d.before, after=d.after) for d in found],
                stanza=after,
            )


def _choices(config: Config, file: Config, names: Names) -> models.Choices:
    cameras = [
        models.CameraChoices(
            id=camera_id,
            name=camera.name,
            point=names.point(camera.point),
            zones=[Named(id=zone, name=camera.zones[zone].name or zone) for zone in camera.zones],
            lines=[Named(id=line, name=line) for line in camera.lines],
            labels=config.labels_given(camera.detectors),
            stages=[str(getattr(config.detectors.get(name), "kind", name)) for name in camera.detectors],
        )
        for camera_id, camera in config.cameras.items()
    ]
    sensors = [
        models.SensorChoice(id=s, name=sensor.name, unit=sensor.unit) for s, sensor in config.sensors.items()
    ]
    receivers = {named.id: named for named in names.receivers()}
    labels = sorted({name for camera in cameras for name in camera.labels})
    return models.Choices(
        cameras=cameras,
        sensors=sensors,
        speakers=[receivers[name] for name in config.receivers_of("speaker")],
        receivers=[receivers[name] for name in config.receivers_of("notice")],
        rules=[_named(rule_id, rule) for rule_id, rule in config.rules.items()],
        labels=[models.Day(id=name, name=_words(label(name))) for name in labels],
        files=sorted({str(path) for _, path in paths(("rules",), file.rules)}),
        days=[models.Day(id=kind, name=_words(hours.day(kind))) for kind in config.community.calendar.known],
    )


def _named(rule_id: str, rule: Stanza) -> NamedInBoth:
    if not isinstance(rule, RuleSettings):
        return NamedInBoth(id=rule_id, name=Words(zh=rule_id, en=rule_id))
    return NamedInBoth(id=rule_id, name=Words(zh=rule.name.zh, en=rule.name.in_language("en")))


def _words(words: Phrase) -> Words:
    return Words(zh=words.zh, en=words.en)


def at_keys(problems: Iterable[ConfigProblem], under: str) -> Iterable[models.KeyProblem]:
    """Yield what is wrong at keys relative to the stanza at ``under``."""
    for problem in problems:
        inside = not under or problem.key == under or problem.key.startswith(f"{under}.")
        key = problem.key.removeprefix(under).removeprefix(".") if inside else ""
        found = problem.found if inside else f"{problem.key}: {problem.found}"
        yield models.KeyProblem(key=key, found=found, allowed=problem.allowed)

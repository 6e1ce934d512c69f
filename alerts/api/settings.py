"""Rules, zones, lines and cameras, changed while it runs: versions, what each changed, and the way back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from itertools import islice
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from alerts.api.dependencies import Dependencies
from alerts.api.gate import CurrentSession
from alerts.api.models import Words
from alerts.api.names import Names
from alerts.api.problems import ApiError, described
from alerts.api.sessions import Session
from alerts.api.settings_models import (
    Difference,
    DrawnChange,
    DrawnStanza,
    Restore,
    RuleChange,
    RuleStanza,
    SettingsState,
    SpeakerChange,
    SwitchChange,
    Version,
    VersionDetail,
    Why,
)
from alerts.editing import (
    Edit,
    Editor,
    Kind,
    drawn,
    drawn_as_in_file,
    restored,
    switched,
    with_hours,
    with_rule,
    without_rule,
)
from alerts.forms.summary import summary
from alerts.list_differences import list_differences
from alerts.rules.base import RuleSettings
from alerts.store import versions
from alerts.store.schema import VersionRow
from lianfang.config import Config
from lianfang.config.changes import Changes
from lianfang.config.differences import changeable, differences
from lianfang.errors import ConfigError

_SHOWN, _MOST_LISTED = 100, 200
Reason = Annotated[Why, Query(description="Why, for those who come after.")]
Against = Annotated[int | None, Query(ge=0, description="Of the one before it if not given.")]
BasedOn = Annotated[int, Query(ge=0, description="`newest` of the settings.")]


def router(deps: Dependencies) -> APIRouter:
    """Return the routes below /settings, /rules, /zones and /lines, and the switches of cameras."""
    routes = APIRouter(
        tags=["settings"],
        responses=described(
            HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY
        ),
    )
    desk = Desk(deps)
    _add_versions(routes, desk)
    _add_rules(routes, desk)
    _add_drawings(routes, desk)
    _add_switches(routes, desk)
    _add_speakers(routes, desk)
    return routes


class Desk:
    """What all of these routes do: read versions, make them, answer with what is in force."""

    def __init__(self, deps: Dependencies) -> None:
        self._store, self._settings = deps.store, deps.settings
        self.file, self.names = deps.settings.file, Names(deps.settings.config)
        self.editor = Editor(deps.store, deps.settings, deps.clock)

    def newest(self) -> Config:
        """Return the newest version, in force in a moment at the latest."""
        version = self._settings.newest()
        return self.file if version is None else self._settings.books.of(version).config

    def state(self) -> SettingsState:
        """Return the newest versions, and which is in force."""
        with self._store.read() as session:
            rows = versions.rows(session, _SHOWN)
        version = self._settings.version()
        return SettingsState(
            in_force=version.number if version else 0,
            newest=rows[0].number if rows else 0,
            fault=self._settings.fault(),
            versions=[self.version(row) for row in rows],
        )

    def change(self, edit: Edit, user: Session, reason: str, based_on: int | None) -> SettingsState:
        """Make a version; 422 for what `lianfang check` would refuse, a line for each, 409 if outdated."""
        try:
            self.editor.change(edit, user.operator, reason, based_on)
        except ConfigError as error:
            raise refused(error) from error
        except versions.Outdated as error:
            raise ApiError(HTTPStatus.CONFLICT, "outdated", str(error)) from error
        return self.state()

    def row(self, number: int) -> VersionRow:
        """Return a version as the store has it; ApiError where there is none."""
        with self._store.read() as session:
            row = session.get(VersionRow, number)
        if row is None:
            detail = f"no version {number}" if number else "version 0 is the file"
            raise ApiError(HTTPStatus.NOT_FOUND, "no_version", detail)
        return row

    def changes(self, number: int) -> Changes:
        """Return what is otherwise in a version than in the file; ApiError where there is none."""
        return versions.version(self.row(number)).changes if number else Changes()

    def version(self, row: VersionRow) -> Version:
        """Return who made a version, when and why."""
        return Version(
            number=row.number,
            since=row.since,
            author=row.author,
            author_name=self.names.operator(row.author),
            reason=row.reason,
        )


def in_words(rule_id: str, config: Config) -> Words | None:
    """Return what a rule does, in words; None where there is none."""
    rule = config.rules.get(rule_id)
    if not isinstance(rule, RuleSettings):
        return None
    words = summary(rule, config)
    return Words(zh=words.zh, en=words.en)


def refused(error: ConfigError) -> ApiError:
    """Return the answer to settings that `lianfang check` would refuse: 422, a line for each fault."""
    lines = (f"{p.key}: found {p.found}; allowed: {p.allowed}" for p in error.problems)
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "refused", "\n".join(lines))


def _add_versions(routes: APIRouter, desk: Desk) -> None:
    @routes.get("/settings")
    def show_settings() -> SettingsState:
        """Show which version is in force, and who changed what when and why."""
        return desk.state()

    @routes.get("/settings/{number}")
    def show_version(number: int, against: Against = None) -> VersionDetail:
        """Show what a version changed, or what is otherwise in it than in another one.

        Plates on lists are masked.
        """
        row = desk.row(number)
        other = number - 1 if against is None else against
        before, after = desk.changes(other), desk.changes(number)
        found = [
            *differences(changeable(desk.file, before), changeable(desk.file, after)),
            *islice(list_differences(desk.file, before, after), _MOST_LISTED),
        ]
        told = [Difference(key=d.key, before=d.before, after=d.after) for d in found]
        return VersionDetail(version=desk.version(row), differences=told)

    @routes.post("/settings/{number}/restore")
    def restore_version(number: int, body: Restore, user: CurrentSession) -> SettingsState:
        """Go back to the rules, zones, lines and lists of a version, 0 being the file; it takes a second.

        Cameras that are off stay off.
        """
        return desk.change(restored(desk.changes(number)), user, body.reason, body.based_on)


def _add_rules(routes: APIRouter, desk: Desk) -> None:
    @routes.get("/rules")
    def list_rules() -> list[RuleStanza]:
        """List every rule as it is in the newest version."""
        _, changes = desk.editor.newest()
        stanzas: Mapping[str, Any] = changeable(desk.file, changes)["rules"]
        newest = desk.newest()
        return [
            RuleStanza(
                rule=desk.names.rule(rule_id),
                changed=rule_id in changes.rules,
                stanza=stanza,
                summary=in_words(rule_id, newest),
            )
            for rule_id, stanza in stanzas.items()
        ]

    @routes.put("/rules/{rule}")
    def change_rule(rule: str, body: RuleChange, user: CurrentSession) -> SettingsState:
        """Change a rule, or make a new one. It takes a second; a new one begins in trial."""
        return desk.change(with_rule(rule, body.stanza), user, body.reason, body.based_on)

    @routes.delete("/rules/{rule}")
    def take_rule_back(rule: str, reason: Reason, based_on: BasedOn, user: CurrentSession) -> SettingsState:
        """Make a rule what it is in the file; one that the file has not is gone."""
        return desk.change(without_rule(rule), user, reason, based_on)


def _add_drawings(routes: APIRouter, desk: Desk) -> None:
    def add(kind: Kind, one: str) -> None:
        @routes.get(f"/{kind}", name=f"list_{kind}", description=f"List every {one} of the newest version.")
        def show() -> list[DrawnStanza]:
            return list(_drawn(desk, kind))

        @routes.put(
            f"/{kind}/{{camera}}/{{name}}",
            name=f"change_{one}",
            description=f"Draw a {one} on a camera's picture, or remove it. It takes a second.",
        )
        def change(camera: str, name: str, body: DrawnChange, user: CurrentSession) -> SettingsState:
            return desk.change(drawn(camera, kind, name, body.stanza), user, body.reason, body.based_on)

        @routes.delete(
            f"/{kind}/{{camera}}/{{name}}",
            name=f"take_{one}_back",
            description=f"Make a {one} what it is in the file, which may be nothing.",
        )
        def take_back(
            camera: str, name: str, reason: Reason, based_on: BasedOn, user: CurrentSession
        ) -> SettingsState:
            return desk.change(drawn_as_in_file(camera, kind, name), user, reason, based_on)

    add("zones", "zone")
    add("lines", "line")


def _drawn(desk: Desk, kind: Kind) -> Iterator[DrawnStanza]:
    _, changes = desk.editor.newest()
    for camera_id, camera in changeable(desk.file, changes)["cameras"].items():
        touched = getattr(changes.cameras.get(camera_id), kind, {})
        for name, stanza in camera[kind].items():
            yield DrawnStanza(
                camera=desk.names.camera(camera_id),
                id=name,
                changed=name in touched,
                stanza=stanza,
            )


def _add_switches(routes: APIRouter, desk: Desk) -> None:
    @routes.put("/cameras/{camera}/{switch}")
    def switch_camera(
        camera: str, switch: Literal["off", "on"], body: SwitchChange, user: CurrentSession
    ) -> SettingsState:
        """Switch a camera off, or on again: off, it is neither opened nor looked at, whatever restarts."""
        known = desk.file.cameras.get(camera)
        if known is None:
            raise ApiError(HTTPStatus.NOT_FOUND, "no_camera", f"no camera {camera!r}")
        if not known.enabled:
            detail = f"camera {camera} is not enabled in the configuration file"
            raise ApiError(HTTPStatus.CONFLICT, "off_in_file", detail)
        return desk.change(switched(camera, on=switch == "on"), user, body.reason, None)


def _add_speakers(routes: APIRouter, desk: Desk) -> None:
    @routes.put("/speakers/{speaker}/hours")
    def change_hours(speaker: str, body: SpeakerChange, user: CurrentSession) -> SettingsState:
        """Change when a speaker is quiet, how loud it is at which hour, and how much it says.

        Null makes it what it is in the file. It takes a second.
        """
        if speaker not in desk.file.receivers_of("speaker"):
            raise ApiError(HTTPStatus.NOT_FOUND, "no_speaker", f"no speaker {speaker!r}")
        return desk.change(with_hours(speaker, body.stanza), user, body.reason, body.based_on)

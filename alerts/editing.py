"""What a person changes of the configuration while it runs: checked whole, and written down as a version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import structlog

from alerts import trials
from alerts.settings import Settings
from alerts.store import Store, versions
from lianfang.clock import Clock
from lianfang.config.changes import Changes, Drawn, Version
from lianfang.config.guests import Guest

_log = structlog.get_logger()

Edit = Callable[[Changes], Changes]
Kind = Literal["zones", "lines"]


class Editor:
    """Makes versions of the configuration."""

    def __init__(self, store: Store, settings: Settings, clock: Clock) -> None:
        self._store, self._settings, self._clock = store, settings, clock

    def newest(self) -> tuple[int, Changes]:
        """Return the newest version, in force in a moment at the latest, and the changes to go on from.

        Of changes that do not fit the file any more these are the cameras that are off.
        """
        self._settings.look()
        newest = self._settings.newest()
        if newest is None:
            return 0, Changes()
        fits = not self._settings.books.of(newest).fault
        return newest.number, newest.changes if fits else newest.changes.only_off()

    def change(self, edit: Edit, author: str, reason: str, based_on: int | None = None) -> Version | None:
        """Make a version of what ``edit`` makes of the newest one; None where that is the same.

        ConfigError says what is wrong with it; Outdated where ``based_on`` is not the newest any more.
        """
        number, before = self.newest()
        if based_on is not None and based_on != number:
            raise versions.Outdated(f"version {number} is the newest, not {based_on}")
        after = edit(before)
        if after == before:
            return None
        tried = self._settings.books.tried(after)
        with self._store.write() as session:
            now = self._clock.now()  # only here: to wait for the store must not bring it into force late
            row = versions.add(session, after, author, reason, number, now)
            trials.renew(session, tried.config, now)
            made = versions.version(row)
        self._settings.books.keep(made.number, tried)
        self._settings.look()
        _log.info("configuration_changed", version=made.number, author=author, reason=reason)
        return made


def with_rule(rule_id: str, stanza: dict[str, Any]) -> Edit:
    """Return the edit that gives a rule this stanza."""
    return lambda changes: changes.model_copy(update={"rules": {**changes.rules, rule_id: stanza}})


def without_rule(rule_id: str) -> Edit:
    """Return the edit that takes back what was changed of a rule: it is as in the file, or gone."""

    def edit(changes: Changes) -> Changes:
        rules = {name: stanza for name, stanza in changes.rules.items() if name != rule_id}
        return changes.model_copy(update={"rules": rules})

    return edit


def drawn(camera_id: str, kind: Kind, name: str, stanza: dict[str, Any] | None) -> Edit:
    """Return the edit that draws a zone or line, or with None removes it."""

    def edit(changes: Changes) -> Changes:
        return _redrawn(changes, camera_id, kind, lambda known: {**known, name: stanza})

    return edit


def drawn_as_in_file(camera_id: str, kind: Kind, name: str) -> Edit:
    """Return the edit that takes back what was changed of a zone or line."""

    def edit(changes: Changes) -> Changes:
        return _redrawn(changes, camera_id, kind, lambda known: {k: v for k, v in known.items() if k != name})

    return edit


def with_hours(speaker: str, stanza: dict[str, Any] | None) -> Edit:
    """Return the edit that gives a speaker these hours and bounds, or with None those of the file."""

    def edit(changes: Changes) -> Changes:
        others = {name: data for name, data in changes.speakers.items() if name != speaker}
        return changes.model_copy(update={"speakers": others | ({} if stanza is None else {speaker: stanza})})

    return edit


def switched(camera_id: str, *, on: bool) -> Edit:
    """Return the edit that switches a camera off, or on again."""

    def edit(changes: Changes) -> Changes:
        off = {*changes.cameras_off} - {camera_id} | (set() if on else {camera_id})
        return changes.model_copy(update={"cameras_off": tuple(sorted(off))})

    return edit


def restored(target: Changes) -> Edit:
    """Return the edit that goes back to ``target``; cameras that a person has switched off stay off.

    Cameras of guests stay as their owners want them now: nobody takes a withdrawal back.
    """
    return lambda changes: target.model_copy(
        update={"cameras_off": changes.cameras_off, "guests": changes.guests}
    )


def with_list(name: str, text: str) -> Edit:
    """Return the edit after which a list is the CSV file ``text``."""
    return lambda changes: changes.model_copy(update={"lists": {**changes.lists, name: text}})


def without_list(name: str) -> Edit:
    """Return the edit that takes back what was changed of a list: it is as in its file."""

    def edit(changes: Changes) -> Changes:
        return changes.model_copy(update={"lists": {n: t for n, t in changes.lists.items() if n != name}})

    return edit


def shared(guests: Mapping[str, Guest]) -> Edit:
    """Return the edit after which these are the cameras of guests."""
    return lambda changes: changes.model_copy(update={"guests": dict(guests)})


def _redrawn(
    changes: Changes,
    camera_id: str,
    kind: Kind,
    draw: Callable[[dict[str, Any]], dict[str, Any]],
) -> Changes:
    before = changes.cameras.get(camera_id, Drawn())
    after = before.model_copy(update={kind: draw(getattr(before, kind))})
    cameras = {**changes.cameras, camera_id: after}
    kept = {camera: drawn for camera, drawn in cameras.items() if drawn != Drawn()}
    return changes.model_copy(update={"cameras": kept})

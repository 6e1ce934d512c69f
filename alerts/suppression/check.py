"""What may be said: a word that leads nowhere, or would blind too much, is refused. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import timedelta

from alerts.rules.base import RuleSettings
from alerts.suppression.said import Kind, Suppression
from lianfang.config import Config, Problem
from lianfang.config.sharing import places_of

LONGEST = {Kind.SILENCE: timedelta(days=7), Kind.MAINTENANCE: timedelta(days=30)}
"""For how long each may be: nobody remembers it after that."""
LONGEST_OF_LIFE = timedelta(hours=24)
"""For how long a spot may be dismissed where somebody may drown."""


def problems(word: Suppression, config: Config) -> Iterator[Problem]:
    """Yield what is wrong with a word, in the light of the configuration."""
    yield from _references(word, config)
    yield from _times(word, config)
    match word.kind:
        case Kind.PERMIT:
            yield from _permit(word, config)
        case Kind.SILENCE if not (word.rules or word.camera or word.point or word.place):
            yield Problem((), "everything", "a rule, a camera, a point or a place")
        case Kind.MAINTENANCE if sum(map(bool, (word.camera, word.point, word.receiver))) != 1:
            yield Problem((), "none or several", "one camera, one point or one speaker")
        case Kind.DISMISSAL:
            yield from _dismissal(word, config)


def _references(word: Suppression, config: Config) -> Iterator[Problem]:
    for i, rule in enumerate(word.rules):
        yield from _one_of(("rules", i), rule, config.rules)
    cameras = {c: camera for c, camera in config.cameras.items() if word.camera in ("", c)}
    places = {config.place_of(c, z) for c, camera in config.cameras.items() for z in camera.zones}
    speakers = [r for r, stanza in config.receivers.items() if getattr(stanza, "role", "") == "speaker"]
    yield from _one_of(("camera",), word.camera, config.cameras)
    yield from _one_of(("point",), word.point, config.points)
    yield from _one_of(("place",), word.place, {*places, *config.points})
    yield from _one_of(("zone",), word.zone, {z for camera in cameras.values() for z in camera.zones})
    yield from _one_of(("receiver",), word.receiver, speakers)


def _one_of(path: tuple[str | int, ...], name: str, known: Collection[str]) -> Iterator[Problem]:
    if name and name not in known:
        yield Problem(path, repr(name), f"one of {', '.join(sorted(known))}" if known else "nothing")


def _times(word: Suppression, config: Config) -> Iterator[Problem]:
    longest = LONGEST.get(word.kind)
    if word.kind is Kind.DISMISSAL and _vital(word, config):
        longest = LONGEST_OF_LIFE
    if word.until is None:
        if longest is not None:
            yield Problem(("until",), "nothing", f"an end within {_words(longest)}")
    elif word.until <= max(word.since, word.created_at):
        yield Problem(("until",), word.until.isoformat(), "a time to come, after its beginning")
    elif longest is not None and word.until - max(word.since, word.created_at) > longest:
        yield Problem(("until",), word.until.isoformat(), f"an end within {_words(longest)}")


def _permit(word: Suppression, config: Config) -> Iterator[Problem]:
    if not word.rules:
        yield Problem(("rules",), "none", "the rules that are about those who may be there")
    for i, rule in enumerate(word.rules):
        if rule in _vital(word, config):
            yield Problem(("rules", i), repr(rule), "a rule without life_safety: nobody may drown by permit")
    if not (word.camera or word.point or word.place):
        yield Problem((), "everywhere", "a camera, a point or a place")
    for i, window in enumerate(word.hours.windows if word.hours else ()):
        for problem in window.check(config):
            yield problem.under("hours", "windows", i)
    for problem in word.hours.sunless(config, sorted(_cameras(word, config))) if word.hours else ():
        yield problem.under("hours")


def _cameras(word: Suppression, config: Config) -> set[str]:
    """Return the cameras on which a word is about what its rules see."""
    rules = (config.rules.get(rule) for rule in word.rules)
    looking = {camera for rule in rules if isinstance(rule, RuleSettings) for camera in rule.cameras}
    return {
        camera
        for camera in looking & config.cameras.keys()
        if word.camera in ("", camera)
        and word.point in ("", config.point_of(camera))
        and (not word.place or word.place in places_of(config, camera))
    }


def _dismissal(word: Suppression, config: Config) -> Iterator[Problem]:
    if word.xyxyn is None or not word.camera or not word.label or len(word.rules) != 1:
        yield Problem((), "no spot", "one thing that a rule saw on a camera")
    for i, rule in enumerate(word.rules):
        settings = config.rules.get(rule)
        if isinstance(settings, RuleSettings) and settings.about == "device":
            yield Problem(("rules", i), repr(rule), "a rule about what is seen: maintenance is for devices")


def _vital(word: Suppression, config: Config) -> list[str]:
    settings = {rule: config.rules.get(rule) for rule in word.rules}
    return [rule for rule, s in settings.items() if isinstance(s, RuleSettings) and s.life_safety]


def _words(span: timedelta) -> str:
    return f"{span.days} days" if span.days > 1 else f"{span.total_seconds() / 3600:.0f} hours"

"""A rule is new on a camera: recorded and shown, and nothing said, until a person signs it off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.reports.trials import Figure, figures
from alerts.rules.base import RuleSettings
from alerts.store import Store, suppressions
from alerts.store.schema import IncidentRow, SuppressionRow
from alerts.suppressing import Refused
from alerts.suppression.said import Kind, Suppression
from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.config.profiles import EVERYDAY, in_profile
from lianfang.ids import identify

FORGOTTEN = timedelta(days=30)
"""What was away from the configuration for longer begins anew: seasons, trees and lenses have changed."""
_ON_THE_WAY = timedelta(days=1)  # what was in the log when a rule came is not spoken of either


def begin(store: Store, config: Config, clock: Clock) -> None:
    """Put into trial what is new in a configuration, and take note of what is gone and what is back.

    A rule that has raised incidents on a camera before there were trials is not new there.
    """
    with store.write() as session:
        renew(session, config, clock.now())


def renew(session: Session, config: Config, now: datetime) -> None:
    """Do so in the caller's transaction, because the configuration is another one from now on."""
    wanted = set(_pairs(config))
    newest = {(row.rules[0], row.camera): row for row in suppressions.trials(session)}
    new = wanted - newest.keys()
    if new:
        new -= {(rule, camera) for rule, camera in session.execute(_RAISED)}
    for pair, row in newest.items():
        if pair not in wanted and row.until is None:
            suppressions.end_at(session, row, now)
        elif pair in wanted and row.until is not None and now - row.until > FORGOTTEN:
            new.add(pair)
        elif pair in wanted and row.until is not None:
            suppressions.end_at(session, row, None)
    for rule, camera in sorted(new):
        suppressions.add(session, _trial(rule, camera, now))


def days(config: Config, rule_id: str) -> int:
    """Return for how many days a rule is in trial on a new camera."""
    rule = config.rules.get(rule_id)
    own = rule.trial_days if isinstance(rule, RuleSettings) else None
    return config.community.trial_days if own is None else own


def sign_off(
    store: Store, config: Config, clock: Clock, trial_id: str, by: str, reason: str, *, early: bool = False
) -> SuppressionRow:
    """End a trial by a person's word and return its row; LookupError where there is none in force.

    Refused before its days are over, unless ``early`` is meant. Its figure of now is kept beside the reason.
    """
    now = clock.now()
    with store.write() as session:
        row = session.get(SuppressionRow, trial_id)
        if row is None or row.kind != Kind.TRIAL or row.until is not None:
            raise LookupError(f"no trial {trial_id}")
        if row.lifted_at is not None:
            return row
        ends_at = row.created_at + timedelta(days=days(config, row.rules[0]))
        if now < ends_at and not early:
            local = ends_at.astimezone(config.community.zone).isoformat(timespec="minutes")
            raise Refused(f"early: found false; allowed: a sign-off from {local} on, or early: true")
        found = figures(session, row.created_at).get((row.rules[0], row.camera), Figure())
        row.lifted_why, row.figure = reason, asdict(found)
        suppressions.lift(session, row, by, now)
        return row


_RAISED = select(IncidentRow.rule, IncidentRow.camera).distinct()


def _pairs(config: Config) -> Iterator[tuple[str, str]]:
    """Yield (rule, camera) of what looks at anything in some profile, and may be in trial.

    What is said of devices, and by sensors, is no guess at a picture.
    """
    for name in (EVERYDAY, *config.profiles):
        for rule_id, rule in in_profile(config, name).rules.items():
            guesses = isinstance(rule, RuleSettings) and rule.enabled and rule.about in ("people", "things")
            if isinstance(rule, RuleSettings) and guesses and days(config, rule_id):
                yield from ((rule_id, camera) for camera in rule.cameras if config.cameras[camera].enabled)


def _trial(rule: str, camera: str, now: datetime) -> Suppression:
    return Suppression(
        id=identify("trial", rule, camera, now.isoformat()),
        kind=Kind.TRIAL,
        since=now - _ON_THE_WAY,
        author="system",
        reason="the rule is new on this camera",
        created_at=now,
        rules=(rule,),
        camera=camera,
    )

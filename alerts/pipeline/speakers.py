"""Which speakers may speak now: neighbours sleep, and a speaker that cries wolf is heard no more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from alerts.channels.base import SpeakerConfig
from alerts.incidents.incident import Incident
from alerts.pipeline.budget import spent
from alerts.pipeline.speeches import speech_id
from alerts.rules.base import RuleSettings
from alerts.store.incidents import held
from alerts.store.receivers import disabled
from alerts.store.schema import IncidentRow
from alerts.store.speakers import healths
from alerts.store.spoken import lately
from alerts.suppression.reasons import Reason
from alerts.suppression.said import NOTHING_SAID, Kind, Said, Suppression
from lianfang.almanac import Almanac
from lianfang.config import Config

_HOUR = timedelta(hours=1)
_SLOWED = timedelta(minutes=1)  # between two speeches that save lives, where a speaker has said its share
_RANK = {"ready": 0, "emergency": 1}
_RANKS = "ranks"

Allowed = tuple[tuple[str, ...], Reason | None]
"""Speakers in their order; where there are none, why."""


def covering(config: Config, rule: RuleSettings, incident: Incident | IncidentRow) -> tuple[str, ...]:
    """Return the speakers that are heard where an incident is, nearest first.

    They are those of its zone; for a sensor, which stands in none, those that its rule names or else those of
    every zone at its point.
    """
    if rule.about == "device":
        return ()  # nobody is there to be spoken to
    camera = config.cameras.get(incident.camera)
    if camera is not None:
        zone = camera.zones.get(incident.zone)
        return zone.speakers if zone else ()
    if named := getattr(rule, "speakers", ()):
        return tuple(named)
    here = (camera for camera in config.cameras.values() if camera.point == incident.point)
    return tuple(dict.fromkeys(s for camera in here for zone in camera.zones.values() for s in zone.speakers))


def _nobody(_speech_id: str) -> None:
    """Nothing was said before the store knew of it."""


@dataclass(frozen=True)
class Speakers:
    """The speakers of a configuration: who may speak, as far as people, hours, the past and the clock say.

    Without a ``session`` nothing is known of what they said before, without a clock ``now`` nothing is late.
    ``said_by`` names the speaker that has said a speech, by its id, before the store knew of it.
    """

    config: Config
    said: Said = NOTHING_SAID
    session: Session | None = None
    now: Callable[[], datetime] | None = None
    said_by: Callable[[str], str | None] = _nobody

    def refusal(self, rule: RuleSettings, incident: Incident, at: datetime) -> Reason | None:
        """Return why nothing may be said for ``incident`` of what was seen at ``at``, None where it may."""
        return self.free(rule, incident, at)[1]

    def free(self, rule: RuleSettings, incident: Incident | IncidentRow, at: datetime) -> Allowed:
        """Return the speakers of the incident's zone that may speak for ``rule`` of what was seen then."""
        if (speaker := self._from_memory(rule, incident)) is not None:
            return (speaker,), None  # it was said when there was no store to ask
        reason = self._refused(rule, incident, at)
        if reason is not None:
            return (), reason
        almanac = self.config.almanac(incident.camera)
        return self.allowed(rule, covering(self.config, rule, incident), at, almanac)

    def _from_memory(self, rule: RuleSettings, incident: Incident | IncidentRow) -> str | None:
        """Return who said from memory what is to be said now; a row has counted it already."""
        if not rule.saves_lives_aloud:
            return None
        n = incident.spoken if isinstance(incident, IncidentRow) else incident.spoken + 1
        return self.said_by(speech_id(incident.id, n))

    def _refused(self, rule: RuleSettings, incident: Incident | IncidentRow, at: datetime) -> Reason | None:
        """Return why no speaker may speak, whichever there are."""
        if rule.speech is None:
            return Reason.NO_SPEECH_CONFIGURED
        if incident.review:
            return Reason.A_PERSON_MUST_LOOK_FIRST
        if (silence := self._silence(rule, incident, at)) is not None:
            return silence
        hours = rule.speech.active
        if hours is not None and not hours.applies(at, self.config.almanac(incident.camera)):
            return Reason.NOT_AT_THIS_HOUR
        if self.now is not None and self.now() >= at + timedelta(seconds=rule.speech.valid_s):
            return Reason.LATE  # to warn somebody of what was a while ago only confuses
        return Reason.BUDGET if self._is_enough(rule, incident.camera, at) else None

    def _is_enough(self, rule: RuleSettings, camera: str, at: datetime) -> bool:
        if self.session is None or rule.life_safety:
            return False
        return spent(self.session, self.config.community.broadcasts, at).is_enough(camera)

    def _silence(self, rule: RuleSettings, incident: Incident | IncidentRow, at: datetime) -> Reason | None:
        """Return why a person wants nothing said of an incident, None where nobody does."""
        if stands_still(self.said.standstill(at), lives=rule.life_safety):
            return Reason.ALL_STOPPED
        return Reason.AN_OPERATOR_WANTS_SILENCE if self._is_hushed(incident, at) else None

    def _is_hushed(self, incident: Incident | IncidentRow, at: datetime) -> bool:
        row: IncidentRow | None = None
        if isinstance(incident, IncidentRow):
            row = incident
        elif self.session is not None:
            row = held(self.session, incident.id)
        if row is None or row.hushed_at is None:
            return False
        return not self.said.is_over_since(row.hushed_at, at)  # what a standstill hushed returns with it

    def allowed(self, rule: RuleSettings, speakers: Sequence[str], at: datetime, almanac: Almanac) -> Allowed:
        """Return those of ``speakers`` that may speak for ``rule`` of what was seen at ``at``.

        ``almanac`` is that of the camera which saw it.
        """
        silent = {speaker: self._silent(rule, speaker, at, almanac) for speaker in speakers}
        free = tuple(speaker for speaker, reason in silent.items() if reason is None)
        return free, None if free else next(iter(silent.values()), Reason.NO_SPEAKER_COVERS_THE_ZONE)

    def _silent(self, rule: RuleSettings, speaker: str, at: datetime, almanac: Almanac) -> Reason | None:
        """Return why the speaker may not speak now, None where it may."""
        settings = self.config.receivers.get(speaker)
        if self.said.is_in_maintenance(speaker, at, almanac):
            return Reason.SPEAKER_IN_MAINTENANCE
        if not isinstance(settings, SpeakerConfig):
            return None
        quiet = partial(settings.quiet.applies, almanac=almanac)
        if quiet(at) and not rule.life_safety:
            return Reason.QUIET_HOURS
        if self.session is None:
            return None
        said = [s.at for s in lately(self.session, at) if s.speaker == speaker]
        used_up = (
            len(said) >= settings.per_day
            or sum(at - s < _HOUR for s in said) >= settings.per_hour
            or (quiet(at) and sum(map(quiet, said)) >= settings.per_night)
        )
        if not used_up or (rule.life_safety and at - said[-1] >= _SLOWED):
            return None
        return Reason.SPEAKER_HAS_SAID_ENOUGH


def stands_still(word: Suppression | None, *, lives: bool) -> bool:
    """Say whether nothing is said because of a standstill; ``lives``: of what may save one."""
    return word is not None and (word.kind is Kind.FULL_STANDSTILL or not lives)


def healthy_first(session: Session, speakers: Sequence[str], now: datetime) -> tuple[tuple[str, ...], bool]:
    """Return ``speakers`` with those first that work as far as anybody knows, and whether there is one.

    The rest keep their order: whoever stands there is better spoken to by a speaker that may be dead than by
    none. One that plays an emergency programme is not dead.
    """
    if _RANKS not in session.info:  # asked once a write
        known = {name: _RANK.get(health, 2) for name, health in healths(session, now).items()}
        session.info[_RANKS] = known | dict.fromkeys(disabled(session), 2)
    ranks = {name: session.info[_RANKS].get(name, 0) for name in speakers}
    return tuple(sorted(speakers, key=ranks.__getitem__)), min(ranks.values(), default=2) < 2

"""Why something was held back: one list for all of it. The console has a text for each in its languages."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why something opened no incident, or nobody heard of one, or nothing was said at its place."""

    # Gates: no incident opens.
    NOT_ACTIVE = "not_active"  # the rule's schedule
    DISMISSED = "dismissed"  # a person said: not this, here
    PERMITTED = "permitted"  # true, but allowed; also a mute of an incident that was there before
    SETTLING = "settling"  # the camera has just come back: what it shows is not new
    # Mutes: the incident is recorded and shown, and nobody else hears of it.
    SILENCED = "silenced"
    MAINTENANCE = "maintenance"
    WALK_TEST = "walk_test"  # somebody tries whether they are seen there: the incident is a test
    TRIAL = "trial"  # the rule is new on the camera, and no person has signed it off
    NOISY = "noisy"  # the camera has raised too many alarms by the rule
    LATE = "late"  # known so late that nobody is called in a hurry, nor warned
    INHIBITED = "inhibited"  # an incident of another rule says more about the place
    WAITING = "waiting"  # such an incident may come yet: speakers do not wait for it
    # Nothing is said; people are told.
    TASK = "task"  # what remains where a permit ended: somebody must tidy up, nobody is there to be warned
    NO_SPEECH_CONFIGURED = "no_speech_configured"
    A_PERSON_MUST_LOOK_FIRST = "a_person_must_look_first"
    NOT_AT_THIS_HOUR = "not_at_this_hour"  # the speech's schedule
    NO_SPEAKER_COVERS_THE_ZONE = "no_speaker_covers_the_zone"
    QUIET_HOURS = "quiet_hours"
    SPEAKER_HAS_SAID_ENOUGH = "speaker_has_said_enough"
    BUDGET = "budget"  # of the community's broadcasts, or of the camera's
    SPEAKER_IN_MAINTENANCE = "speaker_in_maintenance"
    ALL_STOPPED = "all_stopped"  # a person has stopped every broadcast for a while
    AN_OPERATOR_WANTS_SILENCE = "an_operator_wants_silence"

"""Per camera or sensor: only the newest tracker speaks, and time only goes forward. Pure.

One step back is believed: a connection that was never seen before and says a time far behind. The host's
clock was ahead and has been set right, and to drop what follows as late would leave the camera blind until
the wrong time has come.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from lianfang.events import CameraCondition, CameraState, Observation, Reading, SpeakerState

Event = Observation | CameraState | SpeakerState | Reading
"""What the pipeline decides on."""

_RETIRED_KEPT = 16  # a tracker that was superseded so many lives ago is no longer running
# Where the newest tracker has been silent for so long, an older one that speaks is believed: whatever went
# wrong between two detectors that handed the camera over, it must not stay blind.
_SILENT = timedelta(seconds=5)
_MESSAGES_KEPT = 64  # of a sensor: who repeats itself does so at once, or with all that it could not send
_CLOCK_STEP = timedelta(seconds=30)  # records of two connections are never out of order by so much


class Dropped(StrEnum):
    """Why an event was not looked at."""

    LATE = "late"
    REPEATED = "repeated"
    OLD_EPOCH = "old_epoch"
    UNKNOWN_SOURCE = "unknown_source"


@dataclass(frozen=True)
class SourceOrder:
    """What the stream of a camera or a sensor has shown so far."""

    last_at: datetime | None = None
    epoch: str | None = None
    retired: tuple[str, ...] = ()
    connections: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()


@dataclass
class Order:
    """The streams of all sources. An epoch is newer than another if it appeared later in the log."""

    sources: dict[str, SourceOrder] = field(default_factory=dict)

    def admit(self, event: Event) -> Dropped | None:
        """Return why ``event`` must be dropped, or None and take it as its source's newest."""
        stream = _stream(event)
        before = self.sources.get(stream, SourceOrder())
        connection = event.frame.epoch if isinstance(event, Observation) else event.epoch
        if before.last_at is not None and event.captured_at <= before.last_at:
            unknown = connection is not None and connection not in before.connections
            if not (unknown and before.last_at - event.captured_at >= _CLOCK_STEP):
                return Dropped.LATE
        if is_said_of(event):
            return None  # said by another host than the source's, by its own clock: it makes nothing late
        if isinstance(event, CameraState) and event.is_coming and event.epoch in before.connections[-1:]:
            return None  # said in the midst of a stream: it has overtaken pictures that are still looked at
        message = _message(event)
        if message is not None and message in before.messages:
            return Dropped.REPEATED
        messages = before.messages if message is None else (*before.messages, message)[-_MESSAGES_KEPT:]
        epoch, retired, connections = before.epoch, before.retired, before.connections
        if connection is not None and connection not in connections:
            connections = (*connections, connection)[-_RETIRED_KEPT:]
        if isinstance(event, Observation) and event.track_epoch != epoch:
            if event.track_epoch in retired and not _alone(event, before):
                return Dropped.OLD_EPOCH
            others = tuple(old for old in retired if old != event.track_epoch)
            retired = (others if epoch is None else (*others, epoch))[-_RETIRED_KEPT:]
            epoch = event.track_epoch
        self.sources[stream] = SourceOrder(event.captured_at, epoch, retired, connections, messages)
        return None


def is_said_of(event: Event) -> bool:
    """Say whether ``event`` is not the source's own word: an alert worker says so of it."""
    noisy = isinstance(event, CameraState) and event.condition is CameraCondition.NOISY
    return noisy or is_missed(event)


def _stream(event: Event) -> str:
    """Return what the event must come in order within: a copied reading is late for none of the pictures."""
    copied = isinstance(event, Reading) and event.camera_id is not None
    return f"{event.sensor_id}@{event.camera_id}" if isinstance(event, Reading) and copied else event.source


def _message(event: Event) -> str | None:
    """Return what tells a sensor's message from its repetition, None where nothing does."""
    if not isinstance(event, Reading) or not (event.id or event.device_time):
        return None
    return event.id or f"{event.device_time} {event.value} {sorted(event.attributes.items())}"


def is_missed(event: Event) -> bool:
    """Say whether ``event`` is the word of somebody who has waited for the source in vain."""
    if isinstance(event, Reading):
        return event.value is None and event.epoch is None
    return isinstance(event, CameraState) and event.condition is CameraCondition.BLIND


def is_lost(event: Event) -> bool:
    """Say whether the source of ``event`` shows nothing of its scene from now on."""
    if isinstance(event, Reading):
        return event.value is None
    if not isinstance(event, CameraState):
        return False
    return event.condition in (CameraCondition.OFFLINE, CameraCondition.BLIND) or event.is_blinded


def _alone(event: Observation, before: SourceOrder) -> bool:
    """Say whether nobody but its tracker speaks about the camera's present connection."""
    if before.last_at is None or before.connections[-1:] != (event.frame.epoch,):
        return False
    return event.captured_at - before.last_at >= _SILENT

"""What an alert worker itself writes into the log: rules hear of it in order, and a replay the same."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from alerts.pipeline.decide import Decision
from alerts.pipeline.order import Event
from alerts.pipeline.rulebook import RuleBook
from alerts.suppression.noise import ALARMS
from alerts.suppression.reasons import Reason
from lianfang import codec
from lianfang.bus import Bus
from lianfang.config import Config
from lianfang.config.sharing import log_keys
from lianfang.errors import TransientError
from lianfang.events import OBSERVATIONS, READINGS, Reading

_log = structlog.get_logger()

_COPY_S = 5.0


class Notes:
    """Writes under the keys of ``config``; the camera of a guest is its own."""

    def __init__(self, config: Config, bus: Bus) -> None:
        self._bus, self._keys = bus, log_keys(config)

    def copy(self, book: RuleBook, events: Iterable[Event]) -> None:
        """Put readings into the streams of the cameras that ask for them; TransientError where that fails.

        It is done before the offset moves: a second copy is dropped, a lost one would be missed.
        """
        readings = [e for e in events if isinstance(e, Reading) and e.value is not None and not e.camera_id]
        copies = [
            self._bus.publish(
                OBSERVATIONS,
                self._keys[camera],
                *codec.encode_event(reading.model_copy(update={"camera_id": camera})),
            )
            for reading in readings
            for camera in book.asking(reading.sensor_id)
        ]
        for copy in copies:
            try:
                copy.result(_COPY_S)
            except TimeoutError as error:
                raise TransientError("the bus does not take the copy of a reading") from error

    def say(self, missed: Event) -> None:
        """Write it into the log, where rules hear of it in order; a bus that is away is asked again later."""
        topic = READINGS if isinstance(missed, Reading) else OBSERVATIONS
        key = self._keys.get(missed.source, missed.source)
        try:
            self._bus.publish(topic, key, *codec.encode_event(missed))
        except TransientError as error:
            _log.warning("silence_not_said", source=missed.source, reason=str(error))


def noisy_cameras(decisions: Iterable[Decision]) -> list[str]:
    """Return the cameras that have just raised an alarm which nobody hears, because there are too many."""
    return sorted(
        {
            change.camera
            for decision in decisions
            if decision.incident.muted is Reason.NOISY
            for change in decision.changes
            if change.kind in ALARMS
        }
    )

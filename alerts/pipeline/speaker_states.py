"""How speakers are, written into the log: rules hear of it in order, and a replay hears the same."""

from __future__ import annotations

import structlog

from lianfang import codec
from lianfang.bus import Bus
from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.config.sharing import log_keys
from lianfang.errors import TransientError
from lianfang.events import OBSERVATIONS, SpeakerCondition, SpeakerState

_log = structlog.get_logger()


class SpeakerStates:
    """Writes how the speakers of ``config`` are that rules are about."""

    def __init__(self, config: Config, bus: Bus, clock: Clock) -> None:
        self._keys = log_keys(config)
        self._bus, self._clock = bus, clock

    def tell(self, speaker: str, condition: SpeakerCondition, detail: str) -> None:
        """Write how a speaker is now. What a bus that is away does not take is said anew in a minute."""
        key = self._keys.get(speaker)
        if key is None:
            return
        state = SpeakerState(
            speaker_id=speaker, condition=condition, captured_at=self._clock.now(), reason=detail
        )
        try:
            self._bus.publish(OBSERVATIONS, key, *codec.encode_event(state))
        except TransientError as error:
            _log.warning("speaker_state_not_said", receiver=speaker, reason=str(error))

"""What cameras hang on, apart from what they look at."""

from __future__ import annotations

from pydantic import Field

from lianfang.config.stanza import Stanza


class Uplink(Stanza):
    """What several cameras hang on: a switch, a radio link, a power supply."""

    name: str = Field(min_length=1, max_length=64)
    """As people who mend it call it."""

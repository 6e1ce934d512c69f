"""The ways to the receivers of a configuration, built from their stanzas."""

from __future__ import annotations

from typing import Any

from alerts.channels.base import Channel, ChannelConfig, Site, SpeakerConfig
from alerts.voice.clips import Clips
from lianfang import plugins
from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.config.stanza import one_of


def speaker_settings(config: Config, name: str) -> SpeakerConfig:
    """Return the stanza of a speaker; LookupError where there is none of that name."""
    settings = config.receivers.get(name)
    if isinstance(settings, SpeakerConfig):
        return settings
    raise LookupError(f"no speaker {name!r}: {one_of(config.receivers_of('speaker'))}")


def channel_to(stanza: ChannelConfig, clock: Clock, clips: Clips, site: Site | None = None) -> Channel:
    """Return the way to one receiver; LookupError if a secret of it cannot be read.

    ``site`` is the installation as that receiver is to know it; none for a single trial.
    """
    more: dict[str, Any] = {"clips": clips} if stanza.plays_sound else {}
    if stanza.knows_the_site:
        more["site"] = site
    channel: Channel = plugins.build("alerts.channels", stanza, clock, **more)
    return channel

"""The ways to the receivers of a configuration, built from their stanzas."""

from __future__ import annotations

from alerts.channels.base import Channel, ChannelConfig
from alerts.voice.clips import Clips
from lianfang import plugins
from lianfang.clock import Clock


def channel_to(stanza: ChannelConfig, clock: Clock, clips: Clips) -> Channel:
    """Return the way to one receiver; LookupError if a secret of it cannot be read."""
    more = {"clips": clips} if stanza.plays_sound else {}
    channel: Channel = plugins.build("alerts.channels", stanza, clock, **more)
    return channel

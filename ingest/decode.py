"""From packets to pictures: all of them, or keyframes only while that is asked for."""

from __future__ import annotations

from typing import TypeAlias

import av
from av.video.stream import VideoStream

from ingest.sources.base import Asked

Packet: TypeAlias = "av.Packet[VideoStream]"


class Decoder:
    """Decodes the packets of one stream as ``asked`` says at each of them. FFmpegError as PyAV raises it.

    The way may change at any packet and the connection stays. A picture that is built on others is decoded
    only where every picture since the last keyframe was: back to all pictures means from the next keyframe
    on, so that none is torn.
    """

    def __init__(self, stream: VideoStream, asked: Asked) -> None:
        self._context = stream.codec_context
        self._asked = asked
        self._whole = not asked.keyframes  # whether every picture since the last keyframe was decoded

    @property
    def waits(self) -> bool:
        """Whether nothing comes before the next keyframe."""
        return not self._whole

    def skips(self, packet: Packet) -> bool:
        """Say whether nothing is to come of ``packet``, and nothing is decoded of it."""
        if self._asked.keyframes:
            self._whole = False
        elif packet.is_keyframe:
            self._whole = True
        return packet.size > 0 and not packet.is_keyframe and not self._whole

    def decode(self, packet: Packet) -> list[av.VideoFrame]:
        """Return the pictures that ``packet`` completes; those of a skipped one are none."""
        if self.skips(packet):
            return []
        frames = list(packet.decode())
        if self._whole or not packet.size or any(frame.key_frame for frame in frames):
            return frames
        # A decoder that puts pictures in order holds a keyframe back until others come: here none will.
        held = self._context.decode(None)
        self._context.flush_buffers()
        for frame in held:
            frame.time_base = packet.time_base
        return [*frames, *held]

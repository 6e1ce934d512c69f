"""Open a stream with FFmpeg and decode its pictures: what the sources that use it have in common."""

from __future__ import annotations

import math
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from ingest.decode import Decoder, Packet
from ingest.lateness import OF_THIS_PROCESS, Lateness
from ingest.sources.base import Asked, Picture, SourceLost
from ingest.transit import Transit
from lianfang.events import CameraReason
from lianfang.redact import redact

_MAX_PIXELS = 7680 * 4320
"""A larger picture is refused before memory is asked for it."""
_DECODER = {"skip_loop_filter": "all", "max_pixels": str(_MAX_PIXELS)}
NO_PICTURE_S = 10.0
"""Data that never gives a picture for so long is no stream."""
NO_KEYFRAME_S = 60.0
"""The same while keyframes alone are decoded: cameras send them seconds apart, to save on still scenes."""
_CLOCK_EVERY_S = 1.0
REST_S = 0.2
"""Who reads keyframes alone sleeps so long at the live edge, and then takes at once all that came meanwhile:
a quarter of the cost was waking up for what is thrown away. A keyframe is seen so much later at most."""
_AT_THE_EDGE_S = 0.1
"""Who is less late than this, and had to wait for the packet, has taken all that was there."""
_HAD_TO_WAIT_S = 0.01

_REASONS: tuple[tuple[type[BaseException], CameraReason], ...] = (
    (av.error.HTTPUnauthorizedError, CameraReason.UNAUTHORIZED),
    (av.error.HTTPForbiddenError, CameraReason.FORBIDDEN),
    (av.error.HTTPNotFoundError, CameraReason.NOT_FOUND),
    (av.error.ExitError, CameraReason.TIMED_OUT),
    (av.error.TimeoutError, CameraReason.TIMED_OUT),
    (av.error.ConnectionRefusedError, CameraReason.REFUSED),
    (av.error.EOFError, CameraReason.END_OF_STREAM),
    (av.error.FileNotFoundError, CameraReason.NOT_FOUND),
    (IsADirectoryError, CameraReason.NO_VIDEO),
    (av.error.InvalidDataError, CameraReason.NO_VIDEO),
    (av.error.ArgumentError, CameraReason.NO_VIDEO),  # a format that is not allowed, among others
    (av.error.HTTPError, CameraReason.REFUSED),
    (av.error.HTTPClientError, CameraReason.REFUSED),
    (OSError, CameraReason.UNREACHABLE),
)


def lost(error: FFmpegError) -> SourceLost:
    """Return the loss that ``error`` means.

    Of its text only FFmpeg's name of the error is used: the whole of it holds the address with its password.
    """
    reason = next((reason for kind, reason in _REASONS if isinstance(error, kind)), CameraReason.NO_VIDEO)
    return SourceLost(reason, redact(error.strerror or type(error).__name__))


@contextmanager
def opened(
    address: str,
    options: Mapping[str, str],
    timeout_s: tuple[float, float] | None = None,
    format_: str | None = None,
) -> Iterator[InputContainer]:
    """Open ``address`` and close it at the end; SourceLost in place of every error of FFmpeg's within.

    ``timeout_s`` is (open, read): the longest wait for the stream's description, and for each packet.
    ``format_`` is FFmpeg's name of what it is; it guesses where none is given.
    """
    av.logging.set_level(None)  # FFmpeg would print addresses with their passwords
    try:
        with av.open(
            address, options={**_DECODER, **options}, timeout=timeout_s, format=format_
        ) as container:
            yield container
    except FFmpegError as error:
        raise lost(error) from None


def decoded(
    container: InputContainer,
    stop: threading.Event,
    asked: Asked,
    read_timeout_s: float = math.inf,
    *,
    live: bool = False,
) -> Iterator[Picture]:
    """Yield the pictures of the first video stream, all or keyframes, until it ends or ``stop`` is set.

    A ``live`` stream comes as fast as it is taken, not as fast as it is read.

    A packet that does not decode is a picture without a frame and ends nothing. SourceLost where there is
    no video stream, where a packet took ``read_timeout_s``, and where packets come but no picture for
    NO_PICTURE_S, or NO_KEYFRAME_S.
    """
    stream = _video(container)
    decoder, clock = Decoder(stream, asked), _CameraClock()
    packets = Packets(partial(container.demux, stream), read_timeout_s)
    last_s = packets.came_s
    for packet in packets:
        if stop.is_set():
            return
        for frame in _frames(decoder, packet):
            last_s = packets.came_s
            yield _picture(frame, clock.offset_s(packet, last_s), *packets.taken())
        patience_s = NO_KEYFRAME_S if decoder.waits else NO_PICTURE_S
        if packets.came_s - last_s > patience_s:
            raise SourceLost(CameraReason.NO_PICTURE, f"data but no picture for {patience_s:.0f} s")
        if live and decoder.waits:
            packets.rest(packet, stop)


def _video(container: InputContainer) -> VideoStream:
    if not container.streams.video:
        raise SourceLost(CameraReason.NO_VIDEO, "no video stream")
    stream = container.streams.video[0]
    if stream.codec_context is None:
        raise SourceLost(CameraReason.NO_VIDEO, "no decoder for this kind of video")
    stream.codec_context.thread_count = 1
    stream.codec_context.options = dict(_DECODER)
    return stream


class Packets:
    """Packets while each comes in time, how long they were waited for and how large they are.

    FFmpeg answers its own time-out with what its parser still held, one stale picture, and says only at the
    next call, a whole time-out later, that it had one. What this process was late by is no silence: it reads
    on where it was, because whoever connects anew on a machine that does not keep up makes it worse.
    """

    def __init__(
        self,
        demux: Callable[[], Iterator[Packet]],
        timeout_s: float,
        lateness: Lateness = OF_THIS_PROCESS,
    ) -> None:
        """``demux`` begins to read, and again after a time-out of FFmpeg's that is none."""
        self._demux, self._timeout_s, self._lateness = demux, timeout_s, lateness
        self._waited_s, self._silent_s, self._bytes = 0.0, 0.0, 0
        self._last_wait_s, self._transit = 0.0, Transit()
        self.came_s = time.monotonic()
        """When the last one came, or this was made; monotonic."""

    def __iter__(self) -> Iterator[Packet]:
        packets = self._demux()
        while True:
            asked_s, late_s = time.monotonic(), self._lateness.late_s
            try:
                packet = next(packets, None)
            except av.error.ExitError:
                self._wait(asked_s, late_s)
                packets = self._demux()
                continue
            if packet is None:
                return
            self._wait(asked_s, late_s)
            self._silent_s = 0.0
            self._bytes += packet.size
            yield packet

    def _wait(self, asked_s: float, late_s: float) -> None:
        """Take note of a wait that began at ``asked_s``; SourceLost where that was too long."""
        self.came_s = time.monotonic()
        waited_s = self.came_s - asked_s
        self._waited_s += waited_s
        self._last_wait_s = waited_s
        self._silent_s += waited_s
        if self._silent_s >= self._timeout_s:
            self._silent_s -= self._lateness.late_s - late_s
            if self._silent_s >= self._timeout_s:
                raise SourceLost(CameraReason.TIMED_OUT, f"no packet for {self._timeout_s:g} s")

    def rest(self, packet: Packet, stop: threading.Event) -> None:
        """Sleep for REST_S where ``packet``, the last one, was all that there was; it counts as waiting."""
        if packet.dts is None or packet.time_base is None:
            return
        late_s = self._transit.late_s(self.came_s, packet.dts * float(packet.time_base))
        if late_s < _AT_THE_EDGE_S and self._last_wait_s >= _HAD_TO_WAIT_S:
            stop.wait(REST_S)
            self._waited_s += REST_S

    def taken(self) -> tuple[float, int]:
        """Return the seconds waited and the bytes that came since this was asked last."""
        taken = self._waited_s, self._bytes
        self._waited_s, self._bytes = 0.0, 0
        return taken


def _frames(decoder: Decoder, packet: Packet) -> Sequence[av.VideoFrame | None]:
    try:
        return decoder.decode(packet)
    except FFmpegError:
        return (None,)


def _picture(
    frame: av.VideoFrame | None, offset_s: float | None, waited_s: float, data_bytes: int
) -> Picture:
    if frame is None:
        return Picture(None, corrupt=True, waited_s=waited_s, data_bytes=data_bytes)
    pts_s = frame.time
    camera_time = _utc(pts_s + offset_s) if pts_s is not None and offset_s is not None else None
    return Picture(frame, pts_s, camera_time, frame.is_corrupt, waited_s, data_bytes)


class _CameraClock:
    """RTCP sender reports, as FFmpeg hands them on with every packet; they come seconds apart."""

    def __init__(self) -> None:
        self._known_s: float | None = None
        self._looked_s = 0.0

    def offset_s(self, packet: Packet, now_s: float) -> float | None:
        """Return (camera's clock − time stamp) in seconds, as of a second ago at most; None if not known.

        FFmpeg's AVProducerReferenceTime begins with the wall clock in microseconds, native int64.
        """
        if self._known_s is not None and now_s - self._looked_s < _CLOCK_EVERY_S:
            return self._known_s
        if packet.pts is not None and packet.has_sidedata("prft"):
            (wall_us,) = struct.unpack_from("=q", bytes(packet.get_sidedata("prft")))
            self._known_s = float(wall_us / 1e6 - packet.pts * packet.time_base)
            self._looked_s = now_s
        return self._known_s


def _utc(epoch_s: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(epoch_s, UTC)
    except (ValueError, OverflowError, OSError):
        return None  # a camera's clock may say anything

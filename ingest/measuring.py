"""How much a camera's stream carries: its packets are counted, and none is decoded."""

from __future__ import annotations

import threading
import time

from ingest.demux import opened
from ingest.sources.base import SourceLost, Stream
from lianfang.config import Stanza
from lianfang.events import CameraReason

_TIMEOUT_S = (5.0, 5.0)


def mbps_of(source: Stanza, stream: Stream, seconds: float, stop: threading.Event) -> float:
    """Return the mean rate of a stream in Mb/s over ``seconds``, or until ``stop``; SourceLost."""
    address = getattr(source, "address_of", None)
    if address is None:
        raise SourceLost(
            CameraReason.NO_VIDEO, "only streams whose address stands in the configuration are measured"
        )
    options = {"rtsp_transport": getattr(source, "transport", "tcp"), "allowed_media_types": "video"}
    size, begun_s = 0, time.monotonic()
    with opened(address(stream), options, _TIMEOUT_S) as container:
        if not container.streams.video:
            raise SourceLost(CameraReason.NO_VIDEO, "no video stream")
        for packet in container.demux(video=0):
            if size == 0:
                begun_s = time.monotonic()  # what was waiting comes at once
            size += packet.size
            if stop.is_set() or time.monotonic() - begun_s >= seconds:
                break
    took_s = max(time.monotonic() - begun_s, 1e-3)
    if size == 0:
        raise SourceLost(CameraReason.NO_PICTURE, "no packet came")
    return round(size * 8 / 1e6 / took_s, 2)

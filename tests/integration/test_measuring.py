"""What a stream carries is counted on a real RTSP server."""

from __future__ import annotations

import threading

import pytest

from ingest.measuring import mbps_of
from ingest.sources.base import SourceLost
from ingest.sources.rtsp import Config
from tests.support.elementary import elementary_stream
from tests.support.rtsp_server import Login, RtspServer, pattern


def test_a_stream_is_counted_and_one_that_lets_nobody_in_is_lost() -> None:
    with RtspServer(login=Login("u", "p")) as server:
        served = elementary_stream(pattern()).stat().st_size * 8 / 1e6 / 20  # Mb/s: it lasts 20 s
        found = mbps_of(Config(kind="rtsp", url=server.url_with("u", "p")), "main", 2.0, threading.Event())
        assert served / 2 < found < served * 2
        with pytest.raises(SourceLost, match="unauthorized"):
            mbps_of(Config(kind="rtsp", url=server.url), "main", 2.0, threading.Event())

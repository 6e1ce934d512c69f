"""The process in which a stranger's data are decoded: ``python -m ingest.guests.cell``.

It gets what it has to know as one line of JSON, and its limits before it has read anything of the camera. It
has no configuration, no keys, no bus, no environment. When its input ends, it ends.
"""

from __future__ import annotations

import json
import os
import random
import resource
import sys
import threading
from ipaddress import ip_network
from typing import Any, BinaryIO

from prometheus_client import CollectorRegistry

from ingest.backoff import Backoff
from ingest.camera import CameraReader
from ingest.encode import Encoder
from ingest.guests.pipe import PipeBus
from ingest.guests.source import BehindDoor
from ingest.metrics import IngestMetrics
from ingest.sources.base import Asked, SourceLost
from lianfang import logs
from lianfang.clock import SystemClock
from lianfang.config import Camera, Community, Config
from lianfang.config.stanza import Stanza
from lianfang.reach.guests import GuestSource
from lianfang.redact import redact

_FILES = 256
WAIT_S = 12.0
"""How long a preview waits for a picture."""


def main() -> int:
    """Read one camera as the first line says, until the input ends."""
    told = json.loads(sys.stdin.buffer.readline())
    _limit(told["memory_mb"] * 1024 * 1024, told.get("cpu_s"))
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is none of what we say
    logs.configure("guest", told["log_level"])
    stop = threading.Event()
    threading.Thread(target=_until_end, args=(stop,), daemon=True).start()
    source = BehindDoor(
        GuestSource.model_validate(told["source"]), tuple(map(ip_network, told["networks"])), SystemClock()
    )
    camera = Camera.model_validate({**told["camera"], "source": Stanza()})
    if told["what"] == "preview":
        return _preview(source, camera, out, stop)
    _reader(told["id"], camera, source, PipeBus(out)).run(stop)
    return 0


def _reader(camera_id: str, camera: Camera, source: BehindDoor, bus: Any) -> CameraReader:  # noqa: ANN401
    community = Community(name="guest")  # there is nothing else to know
    config = Config.model_construct(community=community, cameras={camera_id: camera}, detectors={})
    backoff = Backoff(random.Random())  # noqa: S311 - jitter, not a secret
    metrics = IngestMetrics(CollectorRegistry())
    return CameraReader(config, camera_id, source, bus, SystemClock(), metrics, backoff)


def _preview(source: BehindDoor, camera: Camera, out: BinaryIO, stop: threading.Event) -> int:
    """Write one picture as JPEG, or return 1 with one line of why."""
    threading.Timer(WAIT_S, stop.set).start()
    why = "no picture in time"
    try:
        for picture in source.open(stop, Asked()):
            if picture.frame is None or picture.corrupt:
                continue
            out.write(Encoder.of(camera).encode(picture.frame).data)
            out.flush()
            os._exit(0)  # whatever the camera still sends
    except SourceLost as error:
        why = error.reason
    out.write(redact(why).encode())
    out.flush()
    os._exit(1)


def _limit(memory_bytes: int, cpu_s: int | None) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_FILES, _FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if cpu_s is not None:
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))


def _until_end(stop: threading.Event) -> None:
    while sys.stdin.buffer.read(1024):
        pass
    stop.set()
    threading.Event().wait(2)
    os._exit(0)  # a library that hangs keeps nothing alive


if __name__ == "__main__":
    sys.exit(main())

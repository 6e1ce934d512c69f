"""Ingest against the bare loop: decode, scale and encode one 1080p25 stream at 5 fps, as fast as possible."""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import av
import numpy as np
import simplejpeg
from av.video.plane import VideoPlane
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from ingest.metrics import IngestMetrics
from ingest.worker import IngestWorker
from lianfang.bus.embedded import EmbeddedBus
from lianfang.clock import SystemClock
from tests.bench.media import full_hd
from tests.support.configs import SECRETS, loaded

ROUNDS, FPS, WIDTH, HEIGHT, QUALITY = 5, 5, 1280, 720, 85


def measure(folder: Path) -> dict[str, float]:
    """Return seconds of CPU per second of video and the ratio of the worker to the bare loop (medians)."""
    clip = full_hd()
    bare, worker = [], []
    for i in range(ROUNDS):
        bare.append(_timed(partial(_bare, clip)))
        worker.append(_timed(partial(_worker, clip, folder / str(i))))
    seconds = 20
    return {
        "bare_core_share": statistics.median(bare) / seconds,
        "core_share": statistics.median(worker) / seconds,
        "ratio_to_bare": statistics.median(w / b for w, b in zip(worker, bare, strict=True)),
    }


def _timed(work: Callable[[], None]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _bare(clip: Path) -> None:
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        stream.thread_count = 1
        stream.codec_context.options = {"skip_loop_filter": "all"}
        for i, picture in enumerate(container.decode(stream)):
            if i % (25 // FPS):
                continue
            y, u, v = map(samples, picture.reformat(width=WIDTH, height=HEIGHT, format="yuvj420p").planes)
            simplejpeg.encode_jpeg_yuv_planes(y, u, v, quality=QUALITY)


def samples(plane: VideoPlane) -> NDArray[np.uint8]:
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width]


def _worker(clip: Path, folder: Path) -> None:
    folder.mkdir()
    os.environ |= SECRETS
    source = {"kind": "file", "path": str(clip), "pace": "asap", "loop": False}
    config = loaded(folder, ("cameras.cam.source", source), ("cameras.cam.max_width", WIDTH))
    bus = EmbeddedBus.own(folder / "bus")
    stop = threading.Event()
    reader = bus.subscribe(["observations.v1"], "bench", "durable")
    worker = IngestWorker(config, ["cam"], bus, SystemClock(), IngestMetrics(CollectorRegistry()))
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    seen = 0
    while seen < 2:  # online, and offline at the end of the file
        seen += len(reader.poll(0.5))
    stop.set()
    thread.join()
    reader.close()
    bus.close()

"""A process that reads cameras, ours or the bare loop, so that its cost can be told from everything else's.

It answers every line on its standard input with one of JSON: what it has done so far.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import simplejpeg
from prometheus_client import CollectorRegistry

from ingest.encode import fitted
from ingest.metrics import IngestMetrics
from ingest.sources.base import Asked, Pictures, Source
from ingest.worker import IngestWorker
from lianfang import logs
from lianfang.bus.embedded import EmbeddedBus
from lianfang.clock import SystemClock
from lianfang.config import load
from tests.bench.ingest import QUALITY, samples

_Answer = Callable[[], dict[str, Any]]


class AsAsked:
    """A source that is asked for one thing only, whatever its reader thinks of the machine."""

    def __init__(self, source: Source, asked: Asked) -> None:
        self._source, self._asked = source, asked
        self.live, self.streams, self.timing = source.live, source.streams, source.timing

    def open(self, stop: threading.Event, asked: Asked) -> Pictures:
        """Open what stands behind it."""
        del asked
        return self._source.open(stop, self._asked)


def ours(arguments: argparse.Namespace, stop: threading.Event) -> tuple[_Answer, list[threading.Thread]]:
    """Read with the ingest worker, into the bus that the parent owns."""
    logs.configure("ingest", "warning")
    config, registry = load(arguments.config), CollectorRegistry()
    bus = EmbeddedBus.join(config.data_dir)
    worker = IngestWorker(config, arguments.cameras, bus, SystemClock(), IngestMetrics(registry))
    for reader in worker._readers.values():
        asked = Asked("sub" if arguments.sub else "main", arguments.keyframes)
        reader._source = AsAsked(reader._source, asked)

    def answer() -> dict[str, Any]:
        series = [sample for metric in registry.collect() for sample in metric.samples]
        dropped: dict[str, float] = {}
        for sample in series:
            if sample.name == "lianfang_frames_dropped_total":
                reason = sample.labels["reason"]
                dropped[reason] = dropped.get(reason, 0) + sample.value
        hops = [s for s in series if s.name.endswith("_bucket") and s.labels.get("hop") == HOP]
        return {
            "published": sum(s.value for s in series if s.name == "lianfang_frames_published_total"),
            "online": sum(s.value for s in series if s.name == "lianfang_camera_online"),
            "dropped": dropped,
            "late": {sample.labels["le"]: sample.value for sample in hops},
        }

    def run() -> None:
        worker.run(stop)
        bus.close()

    return answer, [threading.Thread(target=run)]


HOP = "captured_to_published"


def bare(arguments: argparse.Namespace, stop: threading.Event) -> tuple[_Answer, list[threading.Thread]]:
    """Read with PyAV alone: decode, scale, encode; the pictures go nowhere."""
    config = load(arguments.config)
    counts = dict.fromkeys(arguments.cameras, 0)

    def read(camera_id: str) -> None:
        source: Any = config.cameras[camera_id].source
        options = {"rtsp_transport": "tcp", "allowed_media_types": "video", "skip_loop_filter": "all"}
        step = 1 if arguments.keyframes else round(25 / arguments.fps)
        with av.open(source.sub_url if arguments.sub else source.url, options=options) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            stream.codec_context.options = {"skip_loop_filter": "all"}
            if arguments.keyframes:
                stream.codec_context.skip_frame = "NONKEY"
            for i, frame in enumerate(container.decode(stream)):
                if stop.is_set():
                    return
                if i % step == 0:
                    width, height = fitted(frame.width, frame.height, 1280)
                    planes = frame.reformat(width=width, height=height, format="yuvj420p").planes
                    simplejpeg.encode_jpeg_yuv_planes(*map(samples, planes), quality=QUALITY)
                    counts[camera_id] += 1

    def answer() -> dict[str, Any]:
        return {"published": sum(counts.values()), "online": sum(map(bool, counts.values()))}

    return answer, [
        threading.Thread(target=read, args=(camera_id,), daemon=True) for camera_id in arguments.cameras
    ]


def main() -> int:
    """Read until the standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("how", choices=("ours", "bare"))
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--cameras", type=lambda text: text.split(","), required=True)
    parser.add_argument("--fps", type=float, required=True)
    parser.add_argument("--keyframes", action="store_true")
    parser.add_argument("--sub", action="store_true")
    arguments = parser.parse_args()
    stop = threading.Event()
    answer, threads = {"ours": ours, "bare": bare}[arguments.how](arguments, stop)
    for thread in threads:
        thread.start()
    for _ in sys.stdin:
        print(json.dumps(answer()), flush=True)
    stop.set()
    for thread in threads:
        if not thread.daemon:
            thread.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())

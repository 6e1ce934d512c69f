"""The detector worker against the bare model: pictures a second, both with one thread a core."""

from __future__ import annotations

import itertools
import os
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from detectors.engines import onnx
from detectors.engines.base import Engine
from detectors.stages import objects
from detectors.worker import DetectWorker
from lianfang import codec
from lianfang.bus.embedded import EmbeddedBus, RingSettings
from lianfang.clock import SystemClock
from lianfang.config import Config
from lianfang.events import FRAMES, Encoding, Frame
from tests.bench.media import jpeg, pictures
from tests.support.configs import SECRETS, loaded

ROUNDS, SECONDS, THREADS, CAMERAS = 3, 12.0, 2, 8
OFFERED_PER_S = 30.0  # more than two cores can look at: about 20
SIZE = (640, 384)


def measure(folder: Path) -> dict[str, float]:
    """Return pictures a second of the bare model and of the worker, and their ratios (medians of rounds)."""
    images = pictures(32)
    jpegs = [jpeg(image) for image in images]
    engine = onnx.build(onnx.Config(kind="onnx", input_size=SIZE))
    config = _config(folder)
    rates: dict[str, list[float]] = {"bare_jpeg": [], "bare_raw": [], "jpeg": [], "raw": []}
    for i in range(ROUNDS):
        rates["bare_raw"].append(_bare(lambda n: engine.detect(images[n % 32])))
        rates["raw"].append(
            _worker(folder / f"raw{i}", config, engine, [image.tobytes() for image in images], "bgr24")
        )
        rates["bare_jpeg"].append(
            _bare(lambda n: engine.detect(simplejpeg.decode_jpeg(jpegs[n % 32], colorspace="BGR")))
        )
        rates["jpeg"].append(_worker(folder / f"jpeg{i}", config, engine, jpegs, "jpeg"))
    result = {f"{name}_per_s": statistics.median(values) for name, values in rates.items()}
    for kind in ("jpeg", "raw"):
        pairs = zip(rates[kind], rates[f"bare_{kind}"], strict=True)
        result[f"ratio_to_bare_{kind}"] = statistics.median(w / b for w, b in pairs)
    return result


def _config(folder: Path) -> Config:
    os.environ |= SECRETS
    cameras = {
        f"cam{i or ''}": {
            "name": str(i),
            "point": "bank",
            "source": {"kind": "rtsp", "url": "rtsp://127.0.0.1/x"},
            "zones": {"water": {"polygon": [[0, 0], [1, 0], [1, 1]]}},
        }
        for i in range(CAMERAS)
    }
    return loaded(
        folder,
        ("cameras", cameras),
        ("rules.entry.cameras", ["cam"]),
        ("runtime", {"detect_threads": THREADS}),
        ("detectors.objects.labels", ["person"]),
    )


def _bare(look: Callable[[int], object]) -> float:
    """Return calls a second of ``look`` from as many threads as the worker has."""
    numbers, end = itertools.count(), time.monotonic() + SECONDS

    def run(_: int) -> int:
        done = 0
        while time.monotonic() < end:
            look(next(numbers))
            done += 1
        return done

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(run, range(THREADS))) / SECONDS


def _worker(
    folder: Path, config: Config, engine: Engine, values: Sequence[bytes], encoding: Encoding
) -> float:
    """Return pictures a second of the worker, offered more than it can take."""
    bus = EmbeddedBus.own(folder, RingSettings(20, 32 * 1024 * 1024))
    wanted: NDArray[np.bool_] = np.array([label == "person" for label in engine.labels])
    stage = objects.Objects(objects.Config(kind="objects", engine=onnx.Config(kind="onnx")), engine, wanted)
    registry, stop = CollectorRegistry(), threading.Event()
    worker = DetectWorker(config, {"objects": stage}, bus, SystemClock(), registry)
    threads = [
        threading.Thread(target=worker.run, args=(stop,)),
        threading.Thread(target=_offer, args=(bus, list(config.cameras), values, encoding, stop)),
    ]
    for thread in threads:
        thread.start()
    time.sleep(2)  # warm
    before, start = _seen(registry, config), time.monotonic()
    time.sleep(SECONDS)
    rate = (_seen(registry, config) - before) / (time.monotonic() - start)
    stop.set()
    for thread in threads:
        thread.join()
    bus.close()
    return rate


def _offer(
    bus: EmbeddedBus,
    cameras: Sequence[str],
    values: Sequence[bytes],
    encoding: Encoding,
    stop: threading.Event,
) -> None:
    for i in itertools.count():
        if stop.wait(1 / OFFERED_PER_S):
            return
        now = datetime.now(UTC)
        frame = Frame(
            cameras[i % len(cameras)], "e", i, now, now, 768, 576, encoding, values[i % len(values)]
        )
        bus.publish(FRAMES, frame.camera_id, *codec.encode_frame(frame))


def _seen(registry: CollectorRegistry, config: Config) -> float:
    name = "lianfang_frames_detected_total"
    return sum(registry.get_sample_value(name, {"camera": c}) or 0 for c in config.cameras)

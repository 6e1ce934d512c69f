"""From the capture of the deciding frame to the speaker's word, over real processes.

Cameras whose picture alternates between somebody and nobody, so that each turn opens an incident of its own.
The rated load is 60 % of what the detector can look at, found in the same run; the double load is twice that.
"""

from __future__ import annotations

import itertools
import os
import statistics
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alerts.store.schema import OutboxRow
from lianfang import codec
from lianfang.bus.connect import join
from lianfang.clock import SystemClock
from lianfang.config import load
from lianfang.events import FRAMES, Frame
from tests.bench import kafka
from tests.bench.media import empty_scene, jpeg, pictures
from tests.e2e.installation import Installation, Outside, metric, ready, until
from tests.support.configs import SECRETS

SAMPLES, SAMPLES_KAFKA = 1000, 300
WARM_S, CAPACITY_S, AT_MOST_S = 8.0, 15.0, 600.0
CAMERAS = 12
BURST = 2  # pictures with somebody (a track needs two to be believed), then as many with nobody


def measure(folder: Path) -> dict[str, float]:
    """Return what ``_measure`` does over the embedded bus."""
    return _measure(folder, "embedded", SAMPLES)


def measure_kafka(folder: Path) -> dict[str, float]:
    """Return what ``_measure`` does over a real Kafka broker on the same machine, for information."""
    with kafka.started(folder / "broker") as address:
        return _measure(folder, f"kafka://{address}", SAMPLES_KAFKA)


def _measure(folder: Path, bus: str, samples: int) -> dict[str, float]:
    """Return the capacity in pictures a second, and p50 and p99 in ms at the rated and at the double load.

    ``blind_s`` are the seconds without a look at any picture when the detector is killed.
    """
    os.environ |= SECRETS
    scenes = [jpeg(pictures(26)[25]), jpeg(empty_scene())]
    with Outside() as outside, _installation(folder, outside, bus) as site:
        until("the API", lambda: ready(site))
        with _load(site, 150.0, scenes):
            time.sleep(WARM_S)
            before, start = _seen(site), time.monotonic()
            time.sleep(CAPACITY_S)
            capacity = (_seen(site) - before) / (time.monotonic() - start)
        found = {"capacity_per_s": capacity}
        for name, share in (("rated", 0.6), ("double", 1.2)):
            with _load(site, capacity * share, scenes):
                time.sleep(WARM_S)
                found |= {f"{name}.{key}": value for key, value in _latency(site, samples).items()}
            time.sleep(2)
        with _load(site, capacity * 0.6, scenes):
            time.sleep(WARM_S)
            found["blind_s"] = statistics.median(_blind(site) for _ in range(3))
    return found


def _installation(folder: Path, outside: Outside, bus: str) -> Installation:
    """Return an installation whose frames come from here: its own ingest has nothing to read."""
    site = Installation(folder, outside, {"kind": "file", "path": str(folder / "none.mp4")})
    (folder / "none.mp4").write_bytes(b"")
    site.config["bus"] = bus
    camera, rule = site.config["cameras"].pop("cam"), site.config["rules"]["entry"]
    for i in range(CAMERAS):
        site.config["points"][f"p{i}"] = {"name": str(i)}
        site.config["cameras"][f"cam{i}"] = {**camera, "point": f"p{i}", "enabled": True}
    rule |= {
        "cameras": list(site.config["cameras"]),
        "frames": 1,
        "join_s": 0,
        "cleared_after": 1,
        "notify": [],
    }
    return site


class _load:  # noqa: N801 - reads as the statement that it is
    """Publishes ``per_s`` pictures a second, the cameras in turn, while the block runs."""

    def __init__(self, site: Installation, per_s: float, scenes: Sequence[bytes]) -> None:
        self._site, self._per_s, self._scenes = site, per_s, scenes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        config = load(self._site.folder / "site.yaml")
        epoch, start = os.urandom(4).hex(), time.monotonic()
        with join(config, SystemClock(), threading.Event()) as bus:
            assert bus is not None
            for i in itertools.count():
                if self._stop.wait(max(0.0, start + i / self._per_s - time.monotonic())):
                    return
                turn, camera = divmod(i, CAMERAS)
                # Half of the cameras begin with somebody: the load on the speaker is even.
                empty = (turn // BURST + camera) % 2
                now = datetime.now(UTC)
                frame = Frame(f"cam{camera}", epoch, turn, now, now, 768, 576, "jpeg", self._scenes[empty])
                bus.publish(FRAMES, frame.camera_id, *codec.encode_frame(frame))


def _seen(site: Installation) -> float:
    return sum(
        metric(site, f'lianfang_frames_detected_total{{camera="cam{i}"}}') or 0 for i in range(CAMERAS)
    )


def _blind(site: Installation) -> float:
    """Return for how many seconds nothing is seen when the detector is killed."""
    site.kill("detect")
    start, before = time.monotonic(), _seen(site)
    until("the next picture that is looked at", lambda: _seen(site) > before)
    blind = time.monotonic() - start
    time.sleep(WARM_S)
    return blind


def _latency(site: Installation, samples: int) -> dict[str, float]:
    """Return p50 and p99 in milliseconds of the speeches delivered from now on, and how many these are."""
    before = {row.id for row in site.rows(OutboxRow)}
    deadline = time.monotonic() + AT_MOST_S
    fresh: list[Any] = []
    while len(fresh) < samples and time.monotonic() < deadline:
        time.sleep(5)
        fresh = [r for r in site.rows(OutboxRow) if r.id not in before and r.state == "delivered"]
    times = sorted((r.finished_at - r.captured_at).total_seconds() * 1000 for r in fresh)
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return {"p50_ms": cuts[49], "p99_ms": cuts[98], "samples": len(times)}

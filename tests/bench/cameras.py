"""Cameras a core for each way to read them, and a whole town's cameras on this machine.

Real RTSP streams of the sample video from simulated cameras, read live by the ingest worker, by PyAV alone
(decode, scale, encode) and by ``ffmpeg … -f null`` (decode, scale), one after the other.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from deploy.demo.sample import sample
from deploy.demo.site import free_port
from lianfang.bus.embedded import EmbeddedBus, RingSettings
from lianfang.config import Config, load
from tests.bench.processes import Cost, warn_if_busy
from tests.load.cameras import Cameras
from tests.load.site import site
from tests.support.elementary import Encoding

MAIN = Encoding(width=1920, height=1080, fps=25, keyframe_s=2, kbps=4000, preset="veryfast")
SUB = Encoding(width=640, height=360, fps=25, keyframe_s=2, kbps=500, preset="veryfast")
WARM_S, SECONDS = 6.0, 15.0
RING = RingSettings(20, 4 * 1024 * 1024)

TOWN, PER_PROCESS = 264, 44
town_s = 300.0
"""For how long the town is measured; the command line may say less."""


@dataclass(frozen=True)
class Way:
    """How cameras are read: how many at once, and how many pictures a second of each are published."""

    cameras: int
    fps: float
    sub: bool = False
    keyframes: bool = False

    @property
    def options(self) -> list[str]:
        """What a reader is told of it."""
        found = ["--fps", str(self.fps)]
        return found + ["--sub"] * self.sub + ["--keyframes"] * self.keyframes


WAYS = {
    "full_5": Way(4, 5),
    "sub_5": Way(16, 5, sub=True),
    "sub_2": Way(16, 2, sub=True),
    "keyframes": Way(24, 5, keyframes=True),
}


class Reader:
    """A process of ``tests.bench.reader``."""

    def __init__(self, how: str, file: Path, cameras: Sequence[str], way: Way) -> None:
        command = [sys.executable, "-m", "tests.bench.reader", how, "--config", str(file)]
        command += ["--cameras", ",".join(cameras), *way.options]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def done(self) -> dict[str, Any]:
        """Return what it has done so far."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate(timeout=60)


def measure(folder: Path) -> dict[str, float]:
    """Return, for each way, cameras a core, and its cost against the bare loop's and ffmpeg's."""
    warn_if_busy()
    most = max(way.cameras for way in WAYS.values())
    found: dict[str, float] = {}
    with Cameras(most, MAIN, SUB, sample(print)) as cameras:
        for name, way in WAYS.items():
            file, config = _written(folder / name, cameras, {"fps": way.fps})
            ids = list(config.cameras)[: way.cameras]
            bare = _share("bare", file, ids, way)
            ffmpeg = _ffmpeg(config, ids, way)
            with _owned(config):
                share = _share("ours", file, ids, way)
            found |= {
                name: 1 / share,
                f"{name}.ratio_to_bare": share / bare,
                f"{name}.ratio_to_ffmpeg": share / ffmpeg if ffmpeg else 0.0,
            }
    return found


def _written(folder: Path, cameras: Cameras, camera: dict[str, Any]) -> tuple[Path, Config]:
    folder.mkdir()
    file = folder / "site.yaml"
    file.write_text(yaml.safe_dump(site(cameras.addresses, camera=camera)), encoding="utf-8")
    return file, load(file)


@contextmanager
def _owned(config: Config) -> Iterator[EmbeddedBus]:
    bus = EmbeddedBus.own(config.data_dir, RING)
    try:
        yield bus
    finally:
        bus.close()


def _share(how: str, file: Path, ids: Sequence[str], way: Way) -> float:
    """Return the share of a core that one camera costs; of ours the bus's part, in this process, as well."""
    with Reader(how, file, ids, way) as reader:
        _wait_until_online([reader], len(ids))
        time.sleep(WARM_S)
        pid = reader.process.pid
        before, own, start = Cost.of([pid]).cpu_s, time.process_time(), time.monotonic()
        published = reader.done()["published"]
        time.sleep(SECONDS)
        spent = Cost.of([pid]).cpu_s - before + time.process_time() - own
        passed = time.monotonic() - start
        rate = (reader.done()["published"] - published) / passed / len(ids)
    expected = 1 / (MAIN.keyframe_s) if way.keyframes else way.fps
    if abs(rate - expected) > expected / 10:
        sys.stderr.write(f"  {how}: {rate:.2f} pictures a second of a camera, not {expected:g}\n")
    return spent / passed / len(ids)


def _wait_until_online(readers: Sequence[Reader], cameras: int, timeout_s: float = 120) -> None:
    end = time.monotonic() + timeout_s
    while sum(reader.done()["online"] for reader in readers) < cameras:
        if time.monotonic() > end:
            raise TimeoutError(f"{cameras} cameras were not online within {timeout_s:.0f} s")
        time.sleep(0.5)


def _ffmpeg(config: Config, ids: Sequence[str], way: Way) -> float:
    """Return the share of a core of one ffmpeg a camera that decodes and scales, 0 where there is none."""
    program = shutil.which("ffmpeg")
    if program is None:
        sys.stderr.write("  no ffmpeg here (Debian: ffmpeg): not compared with it\n")
        return 0.0
    begin = [program, "-nostdin", "-loglevel", "error", "-threads", "1", "-skip_loop_filter", "all"]
    begin += ["-skip_frame", "nokey"] * way.keyframes + ["-rtsp_transport", "tcp", "-i"]
    rate = [] if way.keyframes else [f"fps={way.fps}"]
    width = SUB.width if way.sub else 1280
    end = ["-an", "-vf", ",".join([*rate, f"scale={width}:-2"]), "-f", "null", "-"]
    with ExitStack() as running:
        processes = []
        for camera_id in ids:
            source: Any = config.cameras[camera_id].source
            command = [*begin, source.sub_url if way.sub else source.url, *end]
            process = running.enter_context(subprocess.Popen(command, stdin=subprocess.DEVNULL))
            running.callback(process.kill)
            processes.append(process.pid)
        time.sleep(WARM_S * 2)
        before, start = Cost.of(processes).cpu_s, time.monotonic()
        time.sleep(SECONDS)
        return (Cost.of(processes).cpu_s - before) / (time.monotonic() - start) / len(ids)


def measure_town(folder: Path) -> dict[str, float]:
    """Return what it costs to read TOWN cameras, keyframes of 360p, and what detection bears beside it."""
    warn_if_busy()
    way = Way(TOWN, 5, keyframes=True)
    with Cameras(TOWN, SUB, video=sample(print)) as cameras, ExitStack() as running:
        file, config = _written(folder / "town", cameras, {})
        running.enter_context(_owned(config))
        ids = list(config.cameras)
        readers = [
            running.enter_context(Reader("ours", file, ids[i : i + PER_PROCESS], way))
            for i in range(0, TOWN, PER_PROCESS)
        ]
        _wait_until_online(readers, TOWN)
        time.sleep(WARM_S)
        found = _watched(readers, [server.process_id for server in cameras.servers])
        found |= _detecting(file, readers)
    return found


def _watched(readers: Sequence[Reader], generator: Sequence[int]) -> dict[str, float]:
    """Return what reading costs for ``town_s`` seconds, without and beside it the generator."""
    pids = [reader.process.pid for reader in readers]
    done, costs = [reader.done() for reader in readers], Cost.of(pids)
    own, generated, start = time.process_time(), Cost.of(generator).cpu_s, time.monotonic()
    memory = [costs]
    while (left_s := start + town_s - time.monotonic()) > 0:
        time.sleep(min(left_s, 10.0))
        memory.append(Cost.of(pids))
    passed, after = time.monotonic() - start, Cost.of(pids)
    own, generated = time.process_time() - own, Cost.of(generator).cpu_s - generated
    since = [_difference(reader.done(), before) for reader, before in zip(readers, done, strict=True)]
    return {
        "cores": (after.cpu_s - costs.cpu_s) / passed,
        "cores.bus": own / passed,
        "cores.generator": generated / passed,
        "memory_mib": memory[-1].memory_mib,
        "memory_mib.start": memory[0].memory_mib,
        "memory_mib.most": max(cost.memory_mib for cost in memory),
        "memory_mib.own": memory[-1].own_mib,
        "memory_mib.own.start": memory[0].own_mib,
        "threads": after.threads,
        "online": sum(reader.done()["online"] for reader in readers),
        "published_per_s": sum(one["published"] for one in since) / passed,
        "dropped": sum(sum(one["dropped"].values()) for one in since),
        "late_p99_ms": 1000 * _quantile(0.99, [one["late"] for one in since]),
    }


def _detecting(file: Path, readers: Sequence[Reader]) -> dict[str, float]:
    """Return how many pictures a second the detector looks at beside the readers, and how late these are."""
    port = free_port(0)
    command = [sys.executable, "-m", "lianfang", "detect", "--config", str(file), "--ops-port", str(port)]
    with subprocess.Popen([*command, "--log-level", "error"]) as process:
        try:
            end = time.monotonic() + 120
            while _looked_at(port) == 0:
                if time.monotonic() > end:
                    raise TimeoutError("the detector looks at nothing")
                time.sleep(0.5)
            time.sleep(WARM_S)
            done = [reader.done() for reader in readers]
            before, start = _looked_at(port), time.monotonic()
            time.sleep(min(town_s, 60.0))
            rate = (_looked_at(port) - before) / (time.monotonic() - start)
        finally:
            process.terminate()
    since = [_difference(reader.done(), before) for reader, before in zip(readers, done, strict=True)]
    return {
        "detected_per_s": rate,
        "beside_detection.late_p99_ms": 1000 * _quantile(0.99, [one["late"] for one in since]),
        "beside_detection.online": sum(reader.done()["online"] for reader in readers),
    }


def _looked_at(port: int) -> float:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
    except OSError:
        return 0.0  # it still loads its model
    return sum(
        float(n) for n in re.findall(r"^lianfang_frames_detected_total{.*} (\S+)$", text, re.MULTILINE)
    )


def _difference(after: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """Return what was done between two answers of a reader."""
    return {
        key: _difference(value, before.get(key, {}))
        if isinstance(value, dict)
        else value - before.get(key, 0)
        for key, value in after.items()
    }


def _quantile(share: float, histograms: Sequence[dict[str, float]]) -> float:
    """Return a quantile in seconds of histograms (upper bound: how many are below), even within a bucket."""
    bounds = sorted({float(bound) for one in histograms for bound in one})
    below = [sum(one.get(bound, 0) for one in _by_bound(histograms)) for bound in bounds]
    wanted, low, under = share * below[-1], 0.0, 0.0
    for bound, count in zip(bounds, below, strict=True):
        if count >= wanted:
            return low + (min(bound, 60.0) - low) * (wanted - under) / max(count - under, 1.0)
        low, under = bound, count
    return bounds[-1]


def _by_bound(histograms: Sequence[dict[str, float]]) -> list[dict[float, float]]:
    return [{float(bound): count for bound, count in one.items()} for one in histograms]

"""``lianfang run``: everything of one installation in one process tree.

The root only supervises. Its children are the alert service, which also owns the embedded bus and the store;
the ingest processes, a few cameras each; one for all sensors that are read; and the detector. Whichever dies
is started again.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from prometheus_client.multiprocess import mark_process_dead

from deploy.supervisor import Child, Supervisor
from lianfang.bus.embedded.host import FileLock, holder
from lianfang.config import Config, load
from lianfang.errors import ConfigError, LianfangError
from lianfang.limits import Limits
from lianfang.service import EXIT_REFUSED, run_service

_LOCK = "run.lock"


def main(argv: Sequence[str]) -> int:
    """Run until SIGTERM or SIGINT; return 2 for a configuration that cannot run."""
    parser = argparse.ArgumentParser(
        prog="lianfang run", description="Run everything from one configuration."
    )
    parser.add_argument("config", type=Path, help="configuration file (YAML)")
    parser.add_argument("--log-level", default="info", choices=["debug", "info", "warning", "error"])
    arguments = parser.parse_args(argv)
    file = arguments.config.resolve()
    try:
        config = load(file)
    except ConfigError as error:
        sys.stderr.write("".join(f"{problem}\n" for problem in error.problems))
        return EXIT_REFUSED

    def body(stop: threading.Event) -> None:
        supervise(file, config, stop, arguments.log_level)

    return run_service("run", body, arguments.log_level)


def supervise(file: Path, config: Config, stop: threading.Event, log_level: str = "info") -> None:
    """Run the process tree of ``config``, which was read from ``file``, until ``stop``.

    LianfangError where its data_dir cannot be used, or another tree uses it.
    """
    try:
        lock, metrics = _occupy(config.data_dir)
    except OSError as error:
        raise LianfangError(
            f"data_dir {config.data_dir} cannot be used: {error.strerror} ({error.filename})"
        ) from error
    environment = {"PROMETHEUS_MULTIPROC_DIR": str(metrics)}
    on_death = partial(mark_process_dead, path=str(metrics))
    try:
        Supervisor(children(file, config, log_level), environment, on_death).run(stop)
    finally:
        lock.release()


def _occupy(data_dir: Path) -> tuple[FileLock, Path]:
    """Take ``data_dir`` for this tree; return the lock, and an empty folder for its metrics."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = FileLock.take(data_dir / _LOCK)
    if lock is None:
        raise LianfangError(f"data_dir {data_dir} is in use by process {holder(data_dir / _LOCK)}")
    metrics = data_dir / "metrics"
    shutil.rmtree(metrics, ignore_errors=True)
    metrics.mkdir(mode=0o700)
    return lock, metrics


def children(file: Path, config: Config, log_level: str) -> list[Child]:
    """Return the processes that ``config`` needs, in the order in which they start."""
    common = ["--config", str(file), "--log-level", log_level]
    enabled = [camera_id for camera_id, camera in config.cameras.items() if camera.enabled]
    size = config.runtime.cameras_per_process
    read = any(sensor.source is not None for sensor in config.sensors.values())
    groups = [tuple(enabled[i : i + size]) for i in range(0, len(enabled), size)]
    limits = Limits(config.runtime.ingest_memory_mb)
    return [
        Child("alerts", ["alerts", *common]),
        Child("detect", ["detect", *common]),
        *(Child(f"ingest:{','.join(group)}", ["ingest", *common], group, limits) for group in groups),
        *([Child("ingest-guests", ["ingest-guests", *common])] if config.guests else []),
        *([Child("sensors", ["sensors", *common])] if read else []),
    ]

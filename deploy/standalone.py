"""``lianfang run``: everything of one installation in one process tree.

The root only supervises. Its children are the alert service, which also owns the embedded bus and the store;
the ingest processes, a few cameras each; and the detector. Whichever dies is started again.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from deploy.supervisor import Child, Supervisor
from lianfang.config import Config, load
from lianfang.errors import ConfigError
from lianfang.service import EXIT_REFUSED, run_service


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
    """Run the process tree of ``config``, which was read from ``file``, until ``stop``."""
    config.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    metrics = config.data_dir / "metrics"
    shutil.rmtree(metrics, ignore_errors=True)
    metrics.mkdir(mode=0o700)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)
    from prometheus_client import multiprocess  # noqa: PLC0415 - reads that variable when it is imported

    environment = {"PROMETHEUS_MULTIPROC_DIR": str(metrics)}
    Supervisor(children(file, config, log_level), environment, multiprocess.mark_process_dead).run(stop)


def children(file: Path, config: Config, log_level: str) -> list[Child]:
    """Return the processes that ``config`` needs, in the order in which they start."""
    common = ["--config", str(file), "--log-level", log_level]
    enabled = [camera_id for camera_id, camera in config.cameras.items() if camera.enabled]
    size = config.runtime.cameras_per_process
    groups = [tuple(enabled[i : i + size]) for i in range(0, len(enabled), size)]
    return [
        Child("alerts", ["alerts", *common]),
        Child("detect", ["detect", *common]),
        *(Child(f"ingest:{','.join(group)}", ["ingest", *common], group) for group in groups),
    ]

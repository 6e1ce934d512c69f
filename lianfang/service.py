"""How a service process lives: signals end it cleanly, and it does not outlive its parent."""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from lianfang import logs, metrics
from lianfang.config import Config, load
from lianfang.errors import ConfigError, LianfangError, TransientError

_log = structlog.get_logger()

EXIT_OK, EXIT_FAILED, EXIT_REFUSED = 0, 1, 2
_ENDING = frozenset({signal.SIGTERM, signal.SIGINT})
_PARENT_S = 0.2  # between two looks whether the supervisor is still there


@dataclass(frozen=True)
class Run:
    """What a service is asked to do.

    ``cameras`` are those that were named (all that are enabled, where none was), ``stop`` is set when it
    must end, ``ops_port`` is where it answers those who run it, None where nowhere.
    """

    config: Config
    cameras: Sequence[str]
    stop: threading.Event
    ops_port: int | None


def service_main(name: str, summary: str, argv: Sequence[str], body: Callable[[Run], None]) -> int:
    """Run a service from its command line and return the exit code; 2 for a configuration that cannot run."""
    parser = argparse.ArgumentParser(prog=f"lianfang {name}", description=summary)
    parser.add_argument("--config", type=Path, required=True, help="configuration file (YAML)")
    parser.add_argument("--camera", action="append", default=[], help="only this camera; may be repeated")
    parser.add_argument(
        "--ops-port", type=int, help="answer /healthz, /readyz and /metrics on 127.0.0.1 here"
    )
    parser.add_argument("--log-level", default="info", choices=["debug", "info", "warning", "error"])
    arguments = parser.parse_args(argv)
    try:
        config = load(arguments.config)
    except ConfigError as error:
        sys.stderr.write("".join(f"{problem}\n" for problem in error.problems))
        return EXIT_REFUSED
    unknown = sorted(set(arguments.camera) - config.cameras.keys())
    if unknown:
        parser.error(f"no camera {', '.join(unknown)}; there are {', '.join(sorted(config.cameras))}")
    enabled = [camera_id for camera_id, camera in config.cameras.items() if camera.enabled]
    cameras = arguments.camera or enabled
    return run_service(
        name, lambda stop: body(Run(config, cameras, stop, arguments.ops_port)), arguments.log_level
    )


def run_service(name: str, body: Callable[[threading.Event], None], log_level: str = "info") -> int:
    """Run ``body`` until SIGTERM or SIGINT sets its event; return the exit code.

    A LianfangError is one clear line and exit 2: things must change before another start can succeed. Exit 1
    is a TransientError, also one line, and anything else, with its traceback.
    """
    logs.configure(name, log_level)
    stop = threading.Event()
    stop_when_told(stop)
    metrics.continue_predecessor()
    try:
        body(stop)
    except TransientError as error:
        _log.error("service_failed", reason=str(error))
        return EXIT_FAILED
    except LianfangError as error:
        _log.error("service_refused", reason=str(error))
        return EXIT_REFUSED
    except Exception:  # noqa: BLE001 - the outermost loop: say it, and let the supervisor start anew
        _log.exception("service_crashed")
        return EXIT_FAILED
    return EXIT_OK


def stop_when_told(stop: threading.Event) -> None:
    """Set ``stop`` on SIGTERM and SIGINT, and when the supervisor that started this process is gone.

    A second signal ends the process at once. ``LIANFANG_PARENT`` says who the supervisor is; a service that
    was started by hand goes on without its parent.
    """
    # Python runs its handlers in the main thread once that does something again: while it waits, and Linux
    # has given the signal to another thread, that is never. The number is written into the pipe at once.
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    for number in _ENDING:
        signal.signal(number, lambda _number, _frame: None)
    threading.Thread(target=_listen, args=(read, stop), name="signals", daemon=True).start()


def _listen(pipe: int, stop: threading.Event) -> None:
    parent = os.environ.get("LIANFANG_PARENT", "")
    while True:
        ready, _, _ = select.select([pipe], [], [], _PARENT_S)
        for number in os.read(pipe, 64) if ready else b"":
            if number in _ENDING and stop.is_set():
                os._exit(128 + number)
            elif number in _ENDING:
                stop.set()
        if parent and os.getppid() != int(parent):
            stop.set()

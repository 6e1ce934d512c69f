"""How a service process lives: signals end it cleanly, and it does not outlive its parent."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

import structlog

from lianfang import logs
from lianfang.errors import LianfangError

_log = structlog.get_logger()

EXIT_OK, EXIT_FAILED, EXIT_REFUSED = 0, 1, 2
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def run_service(name: str, body: Callable[[threading.Event], None], log_level: str = "info") -> int:
    """Run ``body`` until SIGTERM or SIGINT sets its event; return the exit code.

    A LianfangError is one clear line and exit 2; anything else is a traceback and exit 1.
    """
    logs.configure(name, log_level)
    stop = threading.Event()
    stop_on_signals(stop)
    end_with_parent()
    try:
        body(stop)
    except LianfangError as error:
        _log.error("service_refused", reason=str(error))
        return EXIT_REFUSED
    except Exception:  # noqa: BLE001 - the outermost loop: say it, and let the supervisor start anew
        _log.exception("service_crashed")
        return EXIT_FAILED
    return EXIT_OK


def stop_on_signals(stop: threading.Event) -> None:
    """Set ``stop`` on SIGTERM and SIGINT; a second one ends the process at once."""

    def handle(number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)


def end_with_parent() -> None:
    """Ask Linux to send SIGTERM when the supervisor that started this process dies.

    Only where ``LIANFANG_PARENT`` says who that is: a service started by hand keeps running.
    """
    parent = os.environ.get("LIANFANG_PARENT", "")
    if not parent or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != int(parent):  # it died before we asked
        os.kill(os.getpid(), signal.SIGTERM)

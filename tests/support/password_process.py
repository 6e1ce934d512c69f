"""Runs ``lianfang cameras passwords`` in processes that die at a given step.

Reads lines of JSON (the arguments, the step before which to die, "" for none) and answers each with how it
ended. Everything is imported once: each run is a fork.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from deploy.cameras.passwords import main


def dies_before(wanted: str, step: str) -> None:
    """Kill this process where the step has come."""
    if step == wanted:
        os.kill(os.getpid(), signal.SIGKILL)


def run(arguments: list[str], wanted: str) -> None:
    """Be the process."""
    sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the process ends
    os._exit(main(arguments, lambda step: dies_before(wanted, step)))


for line in sys.stdin:
    arguments, wanted = json.loads(line)
    if (child := os.fork()) == 0:
        run(arguments, wanted)
    status = os.waitpid(child, 0)[1]
    sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
    sys.stdout.flush()

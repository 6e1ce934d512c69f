"""The command ``lianfang``: each subcommand is a module that is imported only when it is called."""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import NamedTuple


class Command(NamedTuple):
    """Where a subcommand lives (``module:function(argv) -> exit code``) and what it does."""

    target: str
    summary: str


# The contract knows the services by name only, as it does plug-ins: it imports none of them.
COMMANDS = {
    "run": Command("deploy.standalone:main", "run everything in one process tree from one configuration"),
    "check": Command("lianfang.config.check:main", "say everything that is wrong with a configuration"),
    "demo": Command("deploy.demo:main", "show the main job on a sample video, or on a camera of yours"),
    "drill": Command(
        "deploy.drills.command:main", "record a staged event of a camera, and play it ever after"
    ),
    "cameras": Command("deploy.cameras.command:main", "find cameras, and what is done for all of them"),
    "reading": Command("lianfang.reading:main", "say what a sensor measures, for a drill or a test"),
    "sensor": Command("ingest.sensor_command:main", "see what sensors send, and how it is read"),
    "backtest": Command(
        "deploy.backtest.command:main", "what rules would have raised over the log, or over a video"
    ),
    "report": Command("alerts.reports.command:main", "whether broadcasts help, and how often they cry wolf"),
    "explain": Command("deploy.backtest.explain:main", "why there was an alert, or none, at a moment"),
    "inventory": Command(
        "deploy.inventory.command:main",
        "points, cameras, speakers by CSV and Excel; what the network carries",
    ),
    "speaker": Command("alerts.speaker_command:main", "try a speaker: let it say something, ask how it is"),
    "deliveries": Command(
        "alerts.delivery_command:main", "what could not be delivered; send it again, call a receiver again"
    ),
    "police": Command(
        "alerts.police_command:main", "try a platform, run joint test cases; what it was told on a day"
    ),
    "audit": Command("alerts.audit_command:main", "whether the record of who did what was changed"),
    "migrate": Command("alerts.store.command:main", "bring the store's tables up to date"),
    "models": Command("detectors.models.commands:main", "list, install, verify and export models"),
    "train": Command("detectors.training.commands:main", "train our own models from your pictures"),
    "crops": Command("deploy.crops:main", "cut out riders' heads of whom people said what they wear"),
    "password": Command(
        "alerts.api.password:main", "turn a password into the hash that a configuration keeps"
    ),
    "alerts": Command("alerts.service:main", "run the alert service: rules, delivery, API and console"),
    "guests": Command("alerts.guests.command:main", "cameras that others connect: keys, who shares what"),
    "ingest-guests": Command("ingest.guests.service:main", "read the cameras that others connect"),
    "ingest": Command("ingest.service:main", "run the ingest service for some or all cameras"),
    "sensors": Command("ingest.sensor_service:main", "read all sensors that have a source"),
    "detect": Command("detectors.service:main", "run a detector worker"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the subcommand that ``argv`` names and return its exit code."""
    try:
        code = _run(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of a pipe has enough ("lianfang models list | head"): not an error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return code


def _run(arguments: list[str]) -> int:
    name = arguments[0] if arguments else "--help"
    if name in ("-h", "--help"):
        sys.stdout.write(_usage())
        return 0
    if name == "--version":
        sys.stdout.write(f"lianfang {version('lianfang')}\n")
        return 0
    if name not in COMMANDS:
        sys.stderr.write(f"lianfang: no command {name!r}\n\n{_usage()}")
        return 2
    return _imported(COMMANDS[name].target)(arguments[1:])


def _imported(target: str) -> Callable[[Sequence[str]], int]:
    """Return the function that ``target`` names; what is imported is never looked at for garbage."""
    module, _, function = target.partition(":")
    gc.disable()
    try:
        found: Callable[[Sequence[str]], int] = getattr(importlib.import_module(module), function)
    finally:
        gc.enable()
    gc.freeze()
    return found


def _usage() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {command.summary}" for name, command in COMMANDS.items()]
    return "\n".join(["usage: lianfang COMMAND [options]", "", "commands:", *lines, ""]) + "\n"


if __name__ == "__main__":
    sys.exit(main())

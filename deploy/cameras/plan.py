"""``lianfang cameras plan``: how each camera is read and why, what it costs, what this machine bears."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from deploy.cameras.costs import Cost, costs
from lianfang.clock import SystemClock
from lianfang.config import Config, load
from lianfang.config import costs as kept
from lianfang.errors import ConfigError, LianfangError

PLANNED = 0.8
"""The share of the machine that cameras may take: the rest is for rules, store, console, and bursts."""
BUSY = 0.5
"""Other work on more than this share of the cores makes figures too high, and is said."""


def main(argv: Sequence[str]) -> int:
    """Run the command line; return 0 where all fits, 1 where it does not, 2 where the input is wrong."""
    options = _parser().parse_args(argv)
    try:
        config = load(options.config)
        chosen = _chosen(config, options.camera)
        cores = options.cores or float(len(os.sched_getaffinity(0)))
        busy = os.getloadavg()[0] > BUSY * len(os.sched_getaffinity(0))
        plan = Plan(config, costs(config, chosen, SystemClock(), options.seconds), cores)
    except ConfigError as error:
        sys.stderr.write("".join(f"{problem}\n" for problem in error.problems))
        return 2
    except (LianfangError, LookupError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    _keep(config, plan)
    if busy:
        sys.stderr.write("other work is going on here: the figures are higher than on a quiet machine\n")
    if options.json:
        sys.stdout.write(json.dumps(plan.data(), indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write("\n".join(plan.lines()) + "\n")
    return 0 if plan.fits else 1


def _keep(config: Config, plan: Plan) -> None:
    """Keep the figures for the console, where there is an installation whose they are."""
    try:
        if config.data_dir.is_dir():
            kept.keep(config.data_dir, SystemClock().now(), plan.data()["cameras"])
    except OSError as error:
        sys.stderr.write(f"{config.data_dir}: the figures are not kept for the console: {error.strerror}\n")


def _chosen(config: Config, wanted: Sequence[str]) -> list[str]:
    if unknown := sorted(set(wanted) - config.cameras.keys()):
        raise LookupError(f"no camera {', '.join(unknown)}; allowed: {', '.join(sorted(config.cameras))}")
    return list(dict.fromkeys(wanted)) or [name for name, camera in config.cameras.items() if camera.enabled]


class Plan:
    """What cameras cost together, and which of them ``cores`` bear: those that watch over lives first."""

    def __init__(self, config: Config, given: Sequence[Cost], cores: float) -> None:
        self._threads = config.runtime.detect_threads
        self._costs = sorted(given, key=lambda cost: not cost.vital)
        self._machine = cores
        self._borne, self._left = [], []
        left = self._planned = cores * PLANNED
        for cost in self._costs:
            if cost.cores <= left:
                left -= cost.cores
                self._borne.append(cost)
            else:
                self._left.append(cost)

    @property
    def fits(self) -> bool:
        """Whether the machine bears all of them."""
        return not self._left and not self._wrong()

    def _sum(self) -> float:
        return sum(cost.cores for cost in self._costs)

    def _mbit_s(self) -> float:
        return sum(cost.reading.mbit_s or 0.0 for cost in self._costs)

    def _wrong(self) -> list[str]:
        """Return what does not fit though there may be cores enough."""
        found = [
            f"{cost.camera_id} is too much for one core: decoding and encoding take "
            f"{cost.reading.decode + cost.encode:.2f}"
            for cost in self._costs
            if cost.reading.decode + cost.encode > 1
        ]
        detect = sum(cost.detect for cost in self._costs)
        if detect > self._threads:
            found.append(
                f"detection takes {detect:.2f} cores, and runtime.detect_threads is {self._threads}: "
                "pictures would be skipped"
            )
        return found

    def lines(self) -> Iterator[str]:
        """Yield what a person reads."""
        yield from _table([_HEAD, *(_row(cost) for cost in self._costs)])
        yield ""
        for cost in self._costs:
            away = f"; {cost.away}" if cost.away else ""
            yield f"{cost.camera_id}: {cost.way.stream} ({cost.way.why}){away}"
        yield ""
        yield f"together: {len(self._costs)} cameras, {self._sum():.2f} cores, {self._mbit_s():.1f} Mbit/s in"
        yield (
            f"this machine: {self._machine:g} cores, of which {self._planned:.2f} are for cameras; "
            f"it bears {len(self._borne)} of {len(self._costs)}"
        )
        for cost in self._left:
            yield f"does not fit: {cost.camera_id} ({cost.cores:.2f} cores)"
        if self._left:
            over = self._sum() - self._planned
            yield f"too much by {over:.2f} cores: fewer pictures (fps), sub-streams, keyframes, or more cores"
        yield from self._wrong()

    def data(self) -> dict[str, Any]:
        """Return the same for programs."""
        borne = {cost.camera_id for cost in self._borne}
        return {
            "cameras": {
                cost.camera_id: {
                    "stream": cost.way.stream,
                    "why": cost.way.why,
                    "vital": cost.vital,
                    "width": cost.reading.width,
                    "height": cost.reading.height,
                    "source_fps": round(cost.reading.fps, 2),
                    "published_fps": round(cost.reading.published_fps, 2),
                    "mbit_s": None if cost.reading.mbit_s is None else round(cost.reading.mbit_s, 3),
                    "decode_cores": round(cost.reading.decode, 4),
                    "encode_cores": round(cost.encode, 4),
                    "detect_cores": round(cost.detect, 4),
                    "bus_cores": round(cost.bus, 4),
                    "cores": round(cost.cores, 4),
                    "not_measured": cost.away,
                    "fits": cost.camera_id in borne,
                }
                for cost in self._costs
            },
            "cores": round(self._sum(), 3),
            "mbit_s": round(self._mbit_s(), 2),
            "machine_cores": self._machine,
            "planned_cores": round(self._planned, 3),
            "wrong": self._wrong(),
            "fits": self.fits,
        }


_HEAD = ["camera", "stream", "picture", "fps", "published", "Mbit/s", "decode", "encode", "detect", "cores"]


def _row(cost: Cost) -> list[str]:
    read = cost.reading
    mark = "~" if cost.away else ""
    return [
        mark + cost.camera_id + ("!" if cost.vital else ""),
        cost.way.stream,
        f"{read.width}x{read.height}",
        f"{read.fps:.1f}",
        f"{read.published_fps:.1f}",
        "-" if read.mbit_s is None else f"{read.mbit_s:.2f}",
        *(f"{share:.3f}" for share in (read.decode, cost.encode, cost.detect, cost.cores)),
    ]


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        first, *others = (
            cell.ljust(width) if i < 3 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join([first, *others]).rstrip()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lianfang cameras plan",
        description="Measure for a few seconds what each camera costs here, and say what this machine bears.",
        epilog="~: it did not answer, and a generated film was measured in its place. "
        "!: it watches over lives, and comes first. Ends with 1 where not everything fits.",
    )
    parser.add_argument("config", type=Path, help="configuration file (YAML)")
    parser.add_argument("--camera", action="append", default=[], metavar="ID", help="only these; all enabled")
    parser.add_argument("--seconds", type=float, default=5.0, metavar="S", help="for how long each is read")
    parser.add_argument("--cores", type=float, metavar="N", help="cores to plan with; those of this machine")
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser

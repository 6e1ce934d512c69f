"""``make bench``: run every measurement (or those named), print a table, write ``build/bench.json``."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.bench import bus, cameras, clips, console, deliver, detect, ingest, kafka, latency, rules, store

Figures = dict[str, float]
BENCHES: dict[str, Callable[[Path], Figures]] = {
    "ingest": ingest.measure,
    "cameras.per_core": cameras.measure,
    "cameras.town": cameras.measure_town,
    "detect": detect.measure,
    "bus": bus.measure,
    "bus.kafka": kafka.measure,
    "rules": rules.measure,
    "deliver": deliver.measure,
    "store": store.measure,
    "clips": clips.measure,
    "console": console.measure,
    "console.postgresql": console.measure_postgresql,
    "latency": latency.measure,
    "latency.kafka": latency.measure_kafka,
}
RESULT = Path("build/bench.json")


def main() -> int:
    """Measure and report; figures of a bench that was not run this time stay in the file."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHES, []], help="default: all")
    parser.add_argument(
        "--town-s", type=float, default=cameras.town_s, help="seconds that cameras.town takes"
    )
    parser.add_argument(
        "--console-s", type=float, default=console.load.steady_s, help="seconds of console's steady stream"
    )
    parser.add_argument(
        "--console-pages", type=int, default=console.load.pages, help="real pages of its consoles"
    )
    arguments = parser.parse_args()
    names, cameras.town_s = arguments.names or list(BENCHES), arguments.town_s
    console.load = replace(console.load, steady_s=arguments.console_s, pages=arguments.console_pages)
    known: Figures = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}
    for name in names:
        sys.stderr.write(f"measuring {name} …\n")
        start = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="lianfang-bench-") as folder:
            found = {f"{name}.{key}": value for key, value in BENCHES[name](Path(folder)).items()}
        for key, value in found.items():
            sys.stdout.write(f"{key:<40} {value:>12.4g}\n")
        sys.stdout.flush()
        sys.stderr.write(f"  {time.monotonic() - start:.0f} s\n")
        known.update(found)
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

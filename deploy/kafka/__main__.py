"""``python -m deploy.kafka``: a broker for a developer, until Ctrl-C. What it holds is gone then."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import threading
from pathlib import Path

from deploy.kafka import Broker, jars
from lianfang.errors import LianfangError


def main() -> int:
    """Run it; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.kafka", description=__doc__)
    parser.add_argument("--port", type=int, default=9092, help="TCP port on 127.0.0.1 (9092)")
    port = parser.parse_args().port
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        with (
            tempfile.TemporaryDirectory(prefix="lianfang-kafka-") as folder,
            Broker(Path(folder), jars(), port) as broker,
        ):
            sys.stdout.write(f"bus: kafka://{broker.address}   (Ctrl-C ends it and drops what it holds)\n")
            sys.stdout.flush()
            stop.wait()
    except LianfangError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

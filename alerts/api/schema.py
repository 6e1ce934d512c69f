"""Print the OpenAPI document, from which the console's client is generated."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from alerts.actions import Doing
from alerts.api.app import create_app
from alerts.api.dependencies import Dependencies
from alerts.settings import Settings
from alerts.store import Store
from alerts.voice.microphone import Voices
from lianfang.bus import Position
from lianfang.clock import SystemClock
from lianfang.config import Camera, Community, Config, Stanza
from lianfang.errors import TransientError
from lianfang.events import Reading


def document() -> dict[str, Any]:
    """Return the OpenAPI document; it does not depend on the configuration."""
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder)
        config = Config(
            data_dir=data_dir,
            community=Community(name="-"),
            cameras={"c": Camera(name="-", point="p", source=Stanza())},
            detectors={"d": Stanza()},
        )
        store = Store("sqlite://")
        try:
            app = create_app(
                Dependencies(
                    settings=Settings(config, store, SystemClock()),
                    store=store,
                    clock=SystemClock(),
                    act=_nothing,
                    evidence_dir=data_dir,
                    registry=CollectorRegistry(),
                    ready=_no_components,
                    write=_no_log,
                    voices=Voices(SystemClock()),
                )
            )
            return app.openapi()
        finally:
            store.close()


def _nothing(_incident_id: str, _doing: Doing, /) -> None:
    raise LookupError


def _no_log(_reading: Reading) -> Future[Position]:
    raise TransientError("no log")


def _no_components() -> Mapping[str, str]:
    return {}


if __name__ == "__main__":
    json.dump(document(), sys.stdout, indent=2, ensure_ascii=False, sort_keys=True)
    sys.stdout.write("\n")

"""What the API is given; everything in it can be replaced by a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from prometheus_client import CollectorRegistry

from alerts.actions import Doing
from alerts.intake import Write
from alerts.settings import Settings
from alerts.store import Store
from alerts.voice.microphone import Voices
from lianfang.bus import Bus
from lianfang.clock import Clock
from lianfang.config import Config


class Act(Protocol):
    """What a person does to an incident.

    LookupError if there is no such incident; NotAllowed, NotYours and Incomplete of ``alerts.actions``.
    """

    def __call__(self, incident_id: str, doing: Doing, /) -> object:
        """Do it; the store holds the result."""
        ...


@dataclass(frozen=True)
class Dependencies:
    """What the API works with.

    ``evidence_dir`` is the folder below which every picture lies; ``ready`` returns, per component, "ok" or
    what is wrong with it, and is called from several threads; ``write`` puts readings into the log.
    """

    settings: Settings
    store: Store
    clock: Clock
    act: Act
    evidence_dir: Path
    registry: CollectorRegistry
    ready: Callable[[], Mapping[str, str]]
    write: Write
    voices: Voices
    """What people say into microphones."""
    newest: Callable[[str, datetime], bytes | None] = lambda _camera, _since: None
    """The newest picture of a camera on the bus since a time, as JPEG; None where there is none."""
    bus: Bus | None = None
    """Where live views are read from; None: nobody looks."""
    forget: Callable[[str], object] = lambda _camera: None
    """Delete what the bus keeps of a camera's frames."""

    @property
    def config(self) -> Config:
        """The configuration in force now."""
        return self.settings.config()

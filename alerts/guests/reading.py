"""Which cameras of guests ingest may read now: those whose owners share them at this hour, and how."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from alerts.settings import Settings
from alerts.store import Store, guests
from lianfang.config import Config
from lianfang.errors import PermanentError
from lianfang.reach.guests import GuestSource
from lianfang.reach.shared import Answer, Readable
from lianfang.sealing import Seal


def readable(store: Store, settings: Settings, seal: Seal, now: datetime) -> Answer:
    """Return what may be read at ``now``: what the store says is shared, and the settings in force know."""
    settings.look()
    version, config = settings.version(), settings.config()
    known = version.changes.guests if version else {}
    with store.read() as session:
        rows = guests.shared(session)
    found = {}
    for row in rows:
        camera, guest = config.cameras.get(row.id), known.get(row.id)
        if row.state != "active" or camera is None or guest is None or not camera.enabled:
            continue
        if guest.hours is not None and not guest.hours.applies(now, config.almanac(row.id)):
            continue
        try:
            source = GuestSource.model_validate(seal.open(row.sealed))
        except PermanentError:
            continue  # sealed with a key that is not there any more: `lianfang guests` says so
        stanza: dict[str, Any] = {"detectors": []}
        stanza |= camera.model_dump(mode="json", exclude={"source", "detectors"}, exclude_defaults=True)
        found[row.id] = Readable(camera=stanza, source=source, networks=networks_of(config, row.how))
    return Answer(guests=found)


def networks_of(config: Config, how: str) -> tuple[str, ...]:
    """Return in which networks a camera may be, or the media server that it is pushed to."""
    asked = config.guests
    assert asked is not None  # noqa: S101 - there are no guests otherwise
    server = asked.media_server
    return tuple(map(str, server.networks if server is not None and how == "pushed" else asked.networks))

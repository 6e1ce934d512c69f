"""The installation as a platform is to know it: from the configuration in force, and from the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import select

from alerts.store import Store
from alerts.store.schema import CameraStateRow
from lianfang.config import Config


@dataclass(frozen=True, slots=True)
class StoredSite:
    """What ``alerts.channels.base.Site`` promises, over the store."""

    store: Store
    config: Callable[[], Config]

    def conditions(self) -> Mapping[str, str]:
        """Return the condition of each camera, as its stream said last."""
        with self.store.read() as session:
            return {row.camera: row.condition for row in session.scalars(select(CameraStateRow))}

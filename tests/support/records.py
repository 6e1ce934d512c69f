"""Cameras whose files are complete, as a platform that keeps records wants them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from alerts.channels.base import Standing
from lianfang.config import Config
from lianfang.errors import TransientError
from tests.support.configs import loaded

CAMERA = "44200000001190000001"
GATE = {"code": "44200000001210000001", "category": "41", "usage": "81"}
RECORD = {"model": "IPC 2CD", "function_type": "5"}
WHERE = {"longitude": 113.39, "latitude": 22.52, "position_type": "15"}


def complete(tmp_path: Path, *changes: tuple[str, Any]) -> Config:
    """Return two cameras; nothing of the first one's file is lacking, almost everything of the second's."""
    return loaded(
        tmp_path,
        ("community.place_code", "442000"),
        ("points.bank", {"name": "东岸", **WHERE}),
        ("cameras.cam.device_code", CAMERA),
        ("cameras.cam.record", dict(RECORD)),
        ("cameras.cam.source", {"kind": "rtsp", "url": "rtsp://u:p@10.1.2.3/a"}),
        ("cameras.cam2.source", {"kind": "rtsp", "url": "rtsp://camera.town.cn/a"}),
        *changes,
    )


class Known:
    """A site as a test says that it is; ``away`` is what the store says while it is away."""

    def __init__(self, config: Config, conditions: Mapping[str, str]) -> None:
        self.known, self.said = config, dict(conditions)
        self.away: TransientError | None = None
        self.stands: Standing = "none"
        self.links: dict[datetime, datetime] = {}
        self.offsets: list[float] = []
        self.asked = 0

    def config(self) -> Config:
        """Return the configuration."""
        return self.known

    def conditions(self) -> Mapping[str, str]:
        """Return the conditions."""
        self.asked += 1
        if self.away is not None:
            raise self.away
        return dict(self.said)

    def standing(self, incident_id: str, version: int) -> Standing:
        """Return what the test says that other messages came to."""
        del incident_id, version
        return self.stands

    def linked(self, since: datetime, until: datetime) -> None:
        """Remember it."""
        if self.away is not None:
            raise self.away
        self.links[since] = until

    def compared(self, at: datetime, offset_s: float) -> None:
        """Remember it."""
        del at
        self.offsets.append(offset_s)

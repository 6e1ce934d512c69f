"""What joint test cases send: notices of mode test, with a picture that says so."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import cv2
import numpy as np
import simplejpeg

from alerts.channels.base import Delivery, Picture
from alerts.payload import Notice, NoticePlace
from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.ids import identify

RARE = "萳㙍䶮𠮷"
"""Characters of names and places that small character sets do not have; the last has four bytes in UTF-8."""
_BOX = (0.375, 0.25, 0.625, 0.75)
_SIZE = (1280, 720)


@dataclass(frozen=True, slots=True)
class Sample:
    """An incident that never was: ``number`` in all its messages, a kind of rule, and what it is about."""

    number: str
    kind: str
    title: str
    subject: str
    opened_at: datetime
    picture: Picture


@dataclass(slots=True)
class Samples:
    """Makes incidents of ``camera``; every one of a run has a number of its own. ``sent`` are all of them."""

    config: Config
    camera: str
    clock: Clock
    sent: list[Sample] = field(default_factory=list)

    def new(self, kind: str, *, subject: str = "", title: str = "联调测试", noise_px: int = 0) -> Sample:
        """Return another incident; with ``noise_px`` its picture is that wide and hardly compresses."""
        now = self.clock.now()
        number = identify("joint test", now.isoformat(), len(self.sent))
        sample = Sample(number, kind, title, subject, now, _picture(number, now, noise_px))
        self.sent.append(sample)
        return sample

    def delivery(
        self, sample: Sample, version: int = 1, change: str = "opened", attempt: int = 1
    ) -> Delivery:
        """Return a message about an incident, which is a test."""
        notice = self.notice(sample, version, change)
        return Delivery(
            id=identify("joint test message", sample.number, version),
            incident_id=sample.number,
            incident_version=version,
            attempt=attempt,
            payload=notice.model_dump(mode="json"),
            created_at=sample.opened_at,
            pictures=(sample.picture,),
        )

    def notice(self, sample: Sample, version: int, change: str) -> Notice:
        """Return what that message says."""
        return Notice(
            number=sample.number,
            version=version,
            mode="test",
            confirmed_by=None,
            confirmed_at=None,
            change=change,
            state="false_alarm" if change == "false_alarm" else "new",
            type=sample.kind,
            rule="joint_test",
            title=sample.title,
            subject=sample.subject,
            severity="low",
            community=self.config.community.name,
            place=self._place(),
            people=1,
            still_there=change == "opened",
            opened_at=sample.opened_at,
            updated_at=sample.opened_at + timedelta(seconds=version - 1),  # the same at each attempt
            cleared_at=None,
            duty_contact=None,
        )

    def _place(self) -> NoticePlace:
        camera = self.config.cameras[self.camera]
        point = self.config.points[camera.point]
        where: dict[str, Any] = {key: getattr(point, key) for key in ("longitude", "latitude", "datum")}
        return NoticePlace(
            point=camera.point,
            point_name=point.name,
            camera=self.camera,
            camera_name=camera.name,
            device_code=camera.device_code,
            zone="",
            zone_name="",
            **where,
        )


def _picture(number: str, now: datetime, noise_px: int) -> Picture:
    if noise_px:
        noise = np.random.default_rng(0).integers(0, 255, (noise_px * 9 // 16, noise_px, 3))
        image = noise.astype(np.uint8)
    else:
        width, height = _SIZE
        ramp = np.linspace(40, 160, width, dtype=np.uint8)
        image = np.repeat(np.tile(ramp, (height, 1))[:, :, None], 3, axis=2)
        cv2.putText(image, "TEST", (440, 420), cv2.FONT_HERSHEY_SIMPLEX, 5, (255, 255, 255), 12)
    jpeg = simplejpeg.encode_jpeg(np.ascontiguousarray(image), quality=90, colorspace="BGR")
    return Picture("original", jpeg, hashlib.sha256(jpeg).hexdigest(), now, number, _BOX)

"""The clip of an incident in the view library: a slice of video (视频片段), behind a link or within it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.channels.base import Delivery
from alerts.links import CLIP, PictureLinks
from alerts.payload import FILM_GOES_ALONG, Notice, NoticeClip
from alerts.viid.objects import Report, Reporter


@dataclass(frozen=True, slots=True)
class Slices:
    """Turns clips into objects. ``links`` as in the receiver's stanza, with ``films`` clips go along."""

    reporter: Reporter
    links: PictureLinks | None
    films: bool

    def ids(self, notice: Notice) -> list[str]:
        """Return the id of what the library may have of the clip of ``notice``, nothing where it has none."""
        kept = notice.clip is not None and notice.clip.state == "kept"
        return [self._id(notice)] if kept and (self.links or self.films) else []

    def reports(self, notice: Notice, delivery: Delivery) -> list[Report]:
        """Return the clip, where this message brings it and it can be shown."""
        clip = notice.clip
        if clip is None or clip.state != "kept" or notice.change not in FILM_GOES_ALONG:
            return []
        if self.links is not None:
            path = self.links.link(clip.id, CLIP, delivery.created_at)[0]
            return [self._report(notice, clip, {"StoragePath": path}, {})]
        film = delivery.film() if self.films and delivery.film else None
        if film is None:
            return []
        return [self._report(notice, clip, {}, {"Data": base64.b64encode(film).decode("ascii")})]

    def _report(
        self, notice: Notice, clip: NoticeClip, where: dict[str, str], data: dict[str, str]
    ) -> Report:
        codes, begins_at, ends_at = self.reporter.codes, clip.begins_at, clip.ends_at
        place = f"{notice.place.point_name} {notice.place.zone_name}".strip()
        about: dict[str, Any] = {
            "VideoID": self._id(notice),
            "InfoKind": 1,
            "VideoSource": codes.video.source,
            "IsAbstractVideo": False,
            "EventSort": codes.rule(notice.type).event_sort,
            "DeviceID": notice.place.device_code,
            "FileFormat": codes.video.file_format,
            "AudioFlag": 0,
            "Title": notice.title,
            "ContentDescription": f"{notice.community} {place}: {notice.title}",
            "BeginTime": self._at(begins_at),
            "EndTime": self._at(ends_at),
            "VideoLen": (ends_at - begins_at).total_seconds() if begins_at and ends_at else 0.0,
            "FileSize": clip.size_bytes,
            **where,
        }
        return Report("video", self._id(notice), {"VideoSliceInfo": about, **data})

    def _id(self, notice: Notice) -> str:
        return self.reporter.basic(notice, 0, self.reporter.codes.video.type)

    def _at(self, moment: datetime | None) -> str:
        return self.reporter.moment(moment) if moment else ""

"""A notice as an alarm of GB/T 28181."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

from alerts.gb28181.codes import Codes
from alerts.gb28181.xml import document, element
from alerts.payload import Datum, Notice, same_datum
from lianfang.errors import PermanentError

_DIGITS = 6  # of a degree: 0.1 m


@dataclass(frozen=True, slots=True)
class Alarms:
    """Turns notices into alarms: times in ``zone``, places only where they are known in ``datum``."""

    codes: Codes
    zone: ZoneInfo
    datum: Datum

    def alarm(self, notice: Notice, number: int, description: str) -> ET.Element:
        """Return the alarm with the SN ``number``; PermanentError where its camera has no code."""
        place, rule = notice.place, self.codes.rule(notice.type)
        if not place.device_code:
            raise PermanentError(f"camera {place.camera} has no device_code")
        return document(
            "Notify",
            element("CmdType", "Alarm"),
            element("SN", number),
            element("DeviceID", place.device_code),
            element("AlarmPriority", self.codes.urgency(notice.severity)),
            element("AlarmMethod", rule.method),
            element("AlarmTime", f"{notice.opened_at.astimezone(self.zone):%Y-%m-%dT%H:%M:%S}"),
            element("AlarmDescription", description),
            *self._place(notice),
            *self._info(notice),
        )

    def _place(self, notice: Notice) -> list[ET.Element]:
        place = notice.place
        if place.longitude is None or place.latitude is None or not same_datum(place.datum, self.datum):
            return []
        return [
            element("Longitude", f"{place.longitude:.{_DIGITS}f}"),
            element("Latitude", f"{place.latitude:.{_DIGITS}f}"),
        ]

    def _info(self, notice: Notice) -> list[ET.Element]:
        rule = self.codes.rule(notice.type)
        if rule.type is None:
            return []
        more = [] if rule.event is None else [document("AlarmTypeParam", element("EventType", rule.event))]
        return [document("Info", element("AlarmType", rule.type), *more)]

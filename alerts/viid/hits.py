"""DispositionNotifications: a vehicle that a platform looks for (布控) was seen."""

from __future__ import annotations

import json

from alerts.payload import Hit
from alerts.publishing import Message
from alerts.viid.notifications import notification_id
from alerts.viid.objects import Report, Reporter

PATH = "/VIID/DispositionNotifications"


def message(hit: Hit, vehicle: Report, reporter: Reporter) -> Message:
    """Return the answer to an order; it is the same at every attempt."""
    number, at = hit.disposition.number, reporter.moment(hit.opened_at)
    said = {
        "NotificationID": notification_id(number, at, hit.number),
        "DispositionID": number,
        "Title": hit.disposition.title,
        "TriggerTime": at,
        "CntObjectID": vehicle.id,
        "MotorVehicleObject": vehicle.body,
    }
    body = {"DispositionNotificationListObject": {"DispositionNotificationObject": [said]}}
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return Message(str(said["NotificationID"]), text)

"""SubscribeNotifications: what subscribers of a view library are posted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from alerts.payload import Notice
from alerts.publishing import Item, Message, Operation, Record, Subscribed, Topic
from alerts.viid import answers
from alerts.viid.codes import Codes, RecordKind
from alerts.viid.objects import Report, Reporter
from alerts.viid.records import Records
from lianfang.errors import TransientError

_ORGANISATION = 12  # digits of a number that say whose it is
_NOTIFY = "04"
_SEQUENCES = 100_000

Post = Callable[[str, bytes], Awaitable[Mapping[str, Any]]]
"""Posts a body to a URL, and returns the JSON of the answer."""


def notification_id(number: str, at: str, about: str) -> str:
    """Return the number of what is said at a local time because of ``number``, ``about`` something."""
    own = hashlib.sha256(f"{number}/{about}".encode()).digest()
    return f"{number[:_ORGANISATION]}{_NOTIFY}{at}{int.from_bytes(own[:8]) % _SEQUENCES:05}"


def topic(codes: Codes, notice: Notice, tollgate: str | None, *, withdrawn: bool) -> Topic:
    """Return what a notice is about; an object of a kind that has no number cannot be subscribed to."""
    kinds = codes.rule(notice.type).objects
    numbers: dict[str, int] = {
        kind: codes.subscriptions[kind].detail for kind in kinds if kind in codes.subscriptions
    }
    resources = frozenset(code for code in (notice.place.device_code, tollgate) if code)
    return Topic(numbers, resources, withdrawn)


@dataclass(frozen=True, slots=True)
class Notifications:
    """Makes and posts them; at most ``most`` incidents or records and ``most_bytes`` in one.

    ``look`` gives the records of cameras and tollgates.
    """

    codes: Codes
    reporter: Reporter
    post: Post
    most: int
    most_bytes: int
    look: Callable[[], Records] | None = None

    def message(self, to: Subscribed, kind: str, operation: Operation, items: Sequence[Item]) -> Message:
        """Return the notification about ``items``, with one object for each; PermanentError as of a report.

        Something that is gone is shown without its pictures.
        """
        found = [
            report
            for item in items
            for report in self.reporter.reports(
                item.notice, () if operation is Operation.DELETE else item.pictures, item.since
            )
            if report.kind == kind
        ]
        first = items[0].notice
        own = f"{first.number}/{first.version}/{kind}"
        return self._message(to, own, first.updated_at, operation, found)

    def records(self) -> Sequence[Record]:
        """Return the records that are complete; TransientError while nobody knows."""
        known = self.codes.subscriptions
        reports = self.look().reports if self.look is not None else ()
        return [Record(r.kind, known[r.kind].detail, r.id, r.body) for r in reports if r.kind in known]

    def telling(
        self, to: Subscribed, operation: Operation, records: Sequence[Record], at: datetime
    ) -> Message:
        """Return the notification of ``at`` about records of one kind."""
        reports = [Report(cast("RecordKind", r.kind), r.code, r.body) for r in records]
        own = f"{records[0].code}/{operation}/{at.isoformat()}"
        return self._message(to, own, at, operation, reports)

    def _message(
        self, to: Subscribed, own: str, at: datetime, operation: Operation, reports: Sequence[Report]
    ) -> Message:
        """Return the notification about objects of one kind; ``own`` tells it from others of that second."""
        time = self.reporter.moment(at)
        kind = reports[0].kind
        said = {
            "NotificationID": notification_id(to.number, time, own),
            "SubscribeID": to.number,
            "Title": to.title,
            "TriggerTime": time,
            "InfoIDs": ",".join(report.id for report in reports),
            "ExecuteOperation": operation.value,
            self.codes.subscriptions[kind].list: {
                self.codes.collections[kind].item: [report.body for report in reports]
            },
        }
        body = {"SubscribeNotificationListObject": {"SubscribeNotificationObject": [said]}}
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        return Message(str(said["NotificationID"]), text)

    async def publish(self, to: Subscribed, message: Message) -> None:
        """Post it, and return once the subscriber says that it has it."""
        said = answers.of_objects(await self.post(to.address, message.body))
        status = said.get(message.id) or (next(iter(said.values())) if len(said) == 1 else None)
        if status is None:
            raise TransientError("the subscriber says nothing about it")
        status.check(self.codes.status)

"""The events of a strict ONVIF camera: pull points that end, each with its messages."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from xml.sax.saxutils import escape, quoteattr

from deploy.simulators.onvif_soap import Fault, Message

MOTION, TAMPER = "tns1:RuleEngine/CellMotionDetector/Motion", "tns1:RuleEngine/TamperDetector/Tamper"
VALUES = {MOTION: "IsMotion", TAMPER: "IsTamper"}
_MOST = 5
_ACTIONS = "http://www.onvif.org/ver10/events/wsdl"
_NOTIFICATION = "http://docs.oasis-open.org/wsn/bw-2"
WANTED = {
    "CreatePullPointSubscription": f"{_ACTIONS}/EventPortType/CreatePullPointSubscriptionRequest",
    "PullMessages": f"{_ACTIONS}/PullPointSubscription/PullMessagesRequest",
    "Renew": f"{_NOTIFICATION}/SubscriptionManager/RenewRequest",
    "Unsubscribe": f"{_NOTIFICATION}/SubscriptionManager/UnsubscribeRequest",
}
"""What WS-Addressing must say that it is."""


@dataclass
class _Point:
    ends_at: datetime
    waiting: deque[str] = field(default_factory=deque)
    come: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, message: str) -> None:
        self.waiting.append(message)
        self.come.set()


class PullPoints:
    """The pull points of a camera whose clock says ``now``; ``values`` are the states of its properties."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._points: dict[str, _Point] = {}
        self._made = 0
        self.values = {MOTION: "false", TAMPER: "false"}
        self.renewed = 0

    @property
    def open(self) -> int:
        """How many there are."""
        return len(self._points)

    def forget(self) -> None:
        """Let all of them be over, as after a restart of the camera."""
        self._points.clear()

    def change(self, topic: str, value: str) -> None:
        """Let a property have another value."""
        self.values[topic] = value
        self.say(topic, {VALUES[topic]: value}, "Changed")

    def say(self, topic: str, data: Mapping[str, str], operation: str) -> None:
        """Let an event come to everybody who listens."""
        for point in self._points.values():
            point.add(_message(topic, data, operation, self._now()))

    def create(self, message: Message, base: str) -> str:
        """Answer CreatePullPointSubscription."""
        self._drop_ended()
        if len(self._points) >= _MOST:
            raise Fault("too many pull points", "ter:CreatePullPointSubscription", code="Receiver")
        ends_at = self._term(message.text("tev:InitialTerminationTime"))
        self._made += 1
        name = str(self._made)
        point = self._points[name] = _Point(ends_at)
        for topic, value in self.values.items():
            point.add(_message(topic, {VALUES[topic]: value}, "Initialized", self._now()))
        address = f"<wsa:Address>{base}/onvif/events/{name}</wsa:Address>"
        times = self._times("wsnt", ends_at)
        reference = f"<tev:SubscriptionReference>{address}</tev:SubscriptionReference>"
        return (
            f"<tev:CreatePullPointSubscriptionResponse>{reference}{times}"
            "</tev:CreatePullPointSubscriptionResponse>"
        )

    async def at(self, name: str, message: Message) -> str:
        """Answer what is said to the pull point ``name``."""
        self._drop_ended()
        point = self._points.get(name)
        if point is None:
            raise Fault("no such pull point", "wsnt:ResourceUnknownFault", code="Sender")
        match message.operation:
            case "PullMessages":
                return await self._pull(point, message)
            case "Renew":
                point.ends_at = self._term(message.text("wsnt:TerminationTime"))
                self.renewed += 1
                times = self._times("wsnt", point.ends_at, "end")
                return f"<wsnt:RenewResponse>{times}</wsnt:RenewResponse>"
            case "Unsubscribe":
                del self._points[name]
                return "<wsnt:UnsubscribeResponse/>"
            case _:
                raise Fault("no such operation", "ter:ActionNotSupported")

    async def _pull(self, point: _Point, message: Message) -> str:
        wait_s, most = _seconds(message.text("tev:Timeout")), message.text("tev:MessageLimit")
        if not most.isdigit() or int(most) < 1:
            raise Fault("no limit of messages", "ter:InvalidArgVal")
        if not point.waiting:
            point.come.clear()
            try:
                async with asyncio.timeout(wait_s):
                    await point.come.wait()
            except TimeoutError:
                pass
        taken = [point.waiting.popleft() for _ in range(min(int(most), len(point.waiting)))]
        times = self._times("tev", point.ends_at)
        return f"<tev:PullMessagesResponse>{times}{''.join(taken)}</tev:PullMessagesResponse>"

    def _term(self, text: str) -> datetime:
        return self._now() + timedelta(seconds=_seconds(text))

    def _times(self, prefix: str, ends_at: datetime, first: str = "current") -> str:
        current = f"<{prefix}:CurrentTime>{self._now():%Y-%m-%dT%H:%M:%SZ}</{prefix}:CurrentTime>"
        ends = f"<{prefix}:TerminationTime>{ends_at:%Y-%m-%dT%H:%M:%SZ}</{prefix}:TerminationTime>"
        return current + ends if first == "current" else ends + current

    def _drop_ended(self) -> None:
        now = self._now()
        self._points = {name: point for name, point in self._points.items() if point.ends_at > now}


def _seconds(text: str) -> float:
    """Return the seconds of a duration such as PT60S or PT1M."""
    number, unit = text[2:-1], text[-1:]
    if not text.startswith("PT") or unit not in {"S", "M"} or not number.replace(".", "", 1).isdigit():
        raise Fault(f"no duration: {text}", "ter:InvalidArgVal")
    return float(number) * (60 if unit == "M" else 1)


def _message(topic: str, data: Mapping[str, str], operation: str, at: datetime) -> str:
    dialect = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
    items = "".join(
        f"<tt:SimpleItem Name={quoteattr(name)} Value={quoteattr(value)}/>" for name, value in data.items()
    )
    source = '<tt:Source><tt:SimpleItem Name="VideoSourceConfigurationToken" Value="lens"/></tt:Source>'
    return (
        f'<wsnt:NotificationMessage><wsnt:Topic Dialect="{dialect}">{escape(topic)}</wsnt:Topic>'
        f'<wsnt:Message><tt:Message UtcTime="{at:%Y-%m-%dT%H:%M:%SZ}" PropertyOperation="{operation}">'
        f"{source}<tt:Data>{items}</tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>"
    )

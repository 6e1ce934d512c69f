"""ONVIF: what a camera says of itself, and what it can be told. A thin layer over a kept library."""

from ingest.onvif.answers import DeviceTime, Information, Profile, User
from ingest.onvif.device import Device
from ingest.onvif.events import Event, Subscription
from lianfang.errors import NotLetIn

__all__ = [
    "Device",
    "DeviceTime",
    "Event",
    "Information",
    "NotLetIn",
    "Profile",
    "Subscription",
    "User",
]

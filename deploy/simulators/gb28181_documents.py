"""What a platform of GB/T 28181 accepts as the document in a message: its own reading of the standard."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from xml.etree import ElementTree as ET

_DECLARED = re.compile(rb'<\?xml version="1\.0" encoding="(GB2312|GB18030)"\?>\r?\n')
_CODE = re.compile(r"[0-9]{20}")
_NUMBER = re.compile(r"[1-9][0-9]{0,9}")
_TIME = re.compile(r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]")
_DEGREES = re.compile(r"-?[0-9]{1,3}\.[0-9]{1,8}")
_TYPES = {"2": range(1, 6), "5": range(1, 14), "6": range(1, 3)}  # AlarmType by AlarmMethod
_ALARM = ("AlarmPriority", "AlarmMethod", "AlarmTime", "AlarmDescription", "Longitude", "Latitude", "Info")
_ITEM = ("DeviceID", "Name", "Manufacturer", "Model", "Owner", "CivilCode", "Address", "Parental", "ParentID")
_ITEM_FLAGS = {"SafetyWay": "0", "RegisterWay": "1", "Secrecy": "0"}


class InvalidDocumentError(ValueError):
    """A document that is not as the standard wants it, and why."""


def read(body: bytes) -> ET.Element:
    """Return the root of a document that is declared and written in GB18030."""
    declared = _DECLARED.match(body)
    if declared is None:
        raise InvalidDocumentError("no declaration of GB2312 or GB18030")
    try:
        text = body[declared.end() :].decode("gb18030")
    except UnicodeDecodeError as error:
        raise InvalidDocumentError("not written in GB18030") from error
    if "<!" in text:
        raise InvalidDocumentError("a document type")
    try:
        root = ET.fromstring(text)  # noqa: S314 - it has no document type
    except ET.ParseError as error:
        raise InvalidDocumentError(f"no XML: {error}") from error
    _match(_NUMBER, root, "SN")
    _match(_CODE, root, "DeviceID")
    _needed(root, "CmdType")
    return root


def check_alarm(root: ET.Element, cameras: Collection[str]) -> None:
    """Raise InvalidDocumentError unless it is the alarm of one of ``cameras``."""
    _only(root, ("CmdType", "SN", "DeviceID", *_ALARM))
    if _needed(root, "DeviceID") not in cameras:
        raise InvalidDocumentError("the alarm of a camera that nobody knows")
    if _needed(root, "AlarmPriority") not in {"1", "2", "3", "4"}:
        raise InvalidDocumentError("AlarmPriority is not 1 to 4")
    method = _needed(root, "AlarmMethod")
    if method not in set("1234567"):
        raise InvalidDocumentError("AlarmMethod is not 1 to 7")
    _match(_TIME, root, "AlarmTime")
    places = [name for name in ("Longitude", "Latitude") if root.find(name) is not None]
    if len(places) == 1:
        raise InvalidDocumentError("half a place")
    for name in places:
        _match(_DEGREES, root, name)
    _check_info(root.find("Info"), method)


def check_keepalive(root: ET.Element, device: str) -> None:
    """Raise InvalidDocumentError unless it is the word of ``device`` that it is there."""
    _only(root, ("CmdType", "SN", "DeviceID", "Status", "Info"))
    if (_needed(root, "DeviceID"), _needed(root, "Status")) != (device, "OK"):
        raise InvalidDocumentError("a keepalive of somebody else, or of one that is not well")


def check_catalogue(root: ET.Element, device: str) -> Mapping[str, str]:
    """Return names by code of the cameras in one page; InvalidDocumentError unless all of it is right."""
    _only(root, ("CmdType", "SN", "DeviceID", "SumNum", "DeviceList"))
    if _needed(root, "DeviceID") != device:
        raise InvalidDocumentError("the catalogue of somebody else")
    listed = root.find("DeviceList")
    items = [] if listed is None else list(listed)
    if listed is None or listed.get("Num") != str(len(items)) or not _needed(root, "SumNum").isdecimal():
        raise InvalidDocumentError("a DeviceList whose Num is not how many are in it")
    for item in items:
        _only(item, (*_ITEM, *_ITEM_FLAGS, "Status", "Longitude", "Latitude"))
        for name in _ITEM:
            _needed(item, name)
        _match(_CODE, item, "DeviceID")
        if any(_needed(item, name) != value for name, value in _ITEM_FLAGS.items()):
            raise InvalidDocumentError(f"an item whose {', '.join(_ITEM_FLAGS)} are not those of a camera")
        if _needed(item, "Status") not in {"ON", "OFF"} or _needed(item, "ParentID") != device:
            raise InvalidDocumentError("an item without its Status or its parent")
    return {_needed(item, "DeviceID"): _needed(item, "Name") for item in items}


def texts(root: ET.Element) -> dict[str, str]:
    """Return what a document says by name, wherever it stands in it."""
    return {child.tag: child.text or "" for child in root.iter() if child is not root and not len(child)}


def _check_info(info: ET.Element | None, method: str) -> None:
    if info is None:
        if method == "5":
            raise InvalidDocumentError("an alarm of video without its AlarmType")
        return
    kind = _needed(info, "AlarmType")
    if not kind.isdecimal() or int(kind) not in _TYPES.get(method, ()):
        raise InvalidDocumentError(f"AlarmType {kind} is none of AlarmMethod {method}")
    event = info.findtext("AlarmTypeParam/EventType")
    if event is not None and (kind != "6" or event not in {"1", "2"}):
        raise InvalidDocumentError("an EventType that is none, or of an alarm that has none")


def _needed(root: ET.Element, name: str) -> str:
    found = root.findtext(name)
    if not found:
        raise InvalidDocumentError(f"no {name}")
    return found


def _match(pattern: re.Pattern[str], root: ET.Element, name: str) -> None:
    if not pattern.fullmatch(found := _needed(root, name)):
        raise InvalidDocumentError(f"{name} {found}")


def _only(root: ET.Element, names: Collection[str]) -> None:
    tags = [child.tag for child in root]
    if unknown := sorted(set(tags) - set(names)):
        raise InvalidDocumentError(f"unknown: {', '.join(unknown)}")
    if len(set(tags)) < len(tags):
        raise InvalidDocumentError("something twice")

"""Whoever subscribed with us, and takes no notification that is not complete.

See docs/protocols/gat1400.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from deploy.simulators.gat1400 import DEVICE, ViewLibrary
from deploy.simulators.server import Fault, Say, Simulator, to_stdout
from deploy.simulators.viid_objects import InvalidObjectError, Moment, check, id_of

PATH = "/VIID/SubscribeNotifications"
_MEDIA = "application/viid+json"
_LISTS = {
    "DeviceList": ("APEObject", "APEs", "3"),
    "TollgateObjectList": ("TollgateObject", "Tollgates", "7"),
    "PersonObjectList": ("PersonObject", "Persons", "11"),
    "MotorVehicleObjectList": ("MotorVehicleObject", "MotorVehicles", "13"),
    "NonMotorVehicleObjectList": ("NonMotorVehicleObject", "NonMotorVehicles", "14"),
}
_RECORDS = {"APEs", "Tollgates"}
_ADD, _CHANGE, _DELETE = 1, 2, 3


class InvalidNotificationError(ValueError):
    """What is wrong with a notification."""


class _Notification(BaseModel):
    """A notification beside its list of objects."""

    model_config = ConfigDict(strict=True, extra="allow")

    NotificationID: Annotated[str, Field(pattern=r"^[0-9]{12}04[0-9]{19}$")]
    SubscribeID: Annotated[str, Field(pattern=r"^[0-9]{33}$")]
    Title: Annotated[str, Field(min_length=1, max_length=256)]
    TriggerTime: Moment
    InfoIDs: Annotated[str, Field(min_length=1)]
    ExecuteOperation: Literal[1, 2, 3]

    @model_validator(mode="after")
    def _is_of_its_time(self) -> _Notification:
        datetime.strptime(self.NotificationID[14:28], "%Y%m%d%H%M%S")  # noqa: DTZ007 - local
        if len(self.model_extra or {}) != 1:
            raise ValueError("exactly one list of objects")
        return self


@dataclass
class Desk:
    """Takes the notifications of ``subscriptions``: what each of them asked for, by its SubscribeID.

    ``there`` is what it knows of the world because of them, ``taken`` each message in its order; a repetition
    must be the same as the first time. ``codes`` are said in place of what is right.
    """

    subscriptions: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    there: dict[str, dict[str, Any]] = field(default_factory=dict)
    taken: list[dict[str, Any]] = field(default_factory=list)
    posted: list[str] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    async def meet(self, request: web.Request) -> web.Response:
        """Answer one request."""
        if request.content_type.lower() != _MEDIA or (request.charset or "").lower() != "utf-8":
            return self._no(400, "the Content-Type is not application/VIID+JSON;charset=UTF-8")
        if request.headers.get("User-Identify") != DEVICE:
            return self._no(400, "User-Identify is no device that is known")
        try:
            body = json.loads((await request.read()).decode())
            (said,) = body["SubscribeNotificationListObject"]["SubscribeNotificationObject"]
            notification = str(said["NotificationID"])
        except (ValueError, KeyError, TypeError):
            return self._no(400, "no SubscribeNotificationListObject with one SubscribeNotificationObject")
        self.posted.append(notification)
        code, text = self._word(said)
        status = {
            "Id": notification,
            "RequestURL": request.path,
            "StatusCode": code,
            "StatusString": text,
            "LocalTime": "20260701000000",
        }
        answer = {"ResponseStatusListObject": {"ResponseStatusObject": [status]}}
        return web.Response(text=json.dumps(answer), content_type="application/json")

    def _word(self, said: dict[str, Any]) -> tuple[int, str]:
        if self.codes and (code := self.codes.pop(0)):
            return code, "as it was told to say"
        try:
            self._take(said)
        except InvalidNotificationError as error:
            self.refused.append(str(error))
            return 8, str(error)
        return 0, "OK"

    def _take(self, said: dict[str, Any]) -> None:
        before = next((one for one in self.taken if one["NotificationID"] == said["NotificationID"]), None)
        if before is not None:
            if before != said:
                raise InvalidNotificationError("a repetition that is another one")
            return
        key, objects = self._read(said)
        kind = _LISTS[key][1]
        operation = said["ExecuteOperation"]
        for body in objects:
            object_id = id_of(kind, body)
            if (object_id in self.there) == (operation == _ADD):
                raise InvalidNotificationError(f"operation {operation} on {object_id}")
        for body in objects:
            if operation == _DELETE:
                del self.there[id_of(kind, body)]
            else:
                self.there[id_of(kind, body)] = body
        self.taken.append(said)

    def _read(self, said: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """Return the key of the list and the objects of a notification that is right."""
        try:
            found = _Notification.model_validate(said)
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, fault["loc"]))
            raise InvalidNotificationError(f"{where}: {fault['msg']}") from error
        asked = self.subscriptions.get(found.SubscribeID)
        if asked is None or asked["Title"] != found.Title:
            raise InvalidNotificationError("SubscribeID and Title are those of no subscription")
        ((key, listed),) = (found.model_extra or {}).items()
        if key not in _LISTS or _LISTS[key][2] not in asked["SubscribeDetail"].split(","):
            raise InvalidNotificationError(f"{key} was not asked for")
        item, kind, _ = _LISTS[key]
        objects = listed.get(item) if isinstance(listed, dict) and len(listed) == 1 else None
        if not isinstance(objects, list) or not objects:
            raise InvalidNotificationError(f"{key} is no object with a list of {item}")
        for body in objects:
            try:
                check(kind, body, frozenset())
            except InvalidObjectError as error:
                raise InvalidNotificationError(f"{key}: {error}") from error
            self._check_asked(asked, body, id_of(kind, body))
        if found.InfoIDs.split(",") != [id_of(kind, body) for body in objects]:
            raise InvalidNotificationError("InfoIDs are not the ids of the objects, in their order")
        pictured = kind not in _RECORDS and found.ExecuteOperation != _DELETE
        if pictured and not all(_has_picture(body) for body in objects):
            raise InvalidNotificationError(f"{key}: an object without a picture")
        return key, objects

    @staticmethod
    def _check_asked(asked: Mapping[str, Any], body: Mapping[str, Any], object_id: str) -> None:
        """Return for an object of a place and a time that was asked for."""
        wanted = [code for code in str(asked.get("ResourceURI", "")).split(",") if code]
        places = {DEVICE, object_id, body.get("DeviceID"), body.get("TollgateID")}
        if wanted and not places & set(wanted):
            raise InvalidNotificationError("an object of another place")
        if "SourceID" in body and not asked["BeginTime"] <= body["SourceID"][22:36] < asked["EndTime"]:
            raise InvalidNotificationError("an object of another time")

    def _no(self, status: int, why: str) -> web.Response:
        self.refused.append(why)
        return web.Response(status=status, text=why)


class Subscriber(Simulator):
    """A subscriber at an address of its own, which knows nothing of registrations."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: Iterable[Fault | None] = (),
        say: Say = to_stdout,
    ) -> None:
        super().__init__(host=host, port=port, faults=faults, say=say)
        self.desk = Desk()

    def routes(self) -> Iterable[web.RouteDef]:
        """Return what is served."""
        yield web.post(PATH, self.faulty(self.desk.meet))

    @property
    def address(self) -> str:
        """Where notifications are to be posted."""
        return f"{self.url}{PATH}"


class SubscribingLibrary(ViewLibrary):
    """A view library that takes notifications itself, from devices that are registered only."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401
        super().__init__(**options)
        self.desk = Desk()

    def routes(self) -> Iterable[web.RouteDef]:
        """Return what is served."""
        yield from super().routes()
        yield web.post(PATH, self.faulty(self.polite(self._notified)))

    async def _notified(self, request: web.Request) -> web.StreamResponse:
        self.check_registered()
        return await self.desk.meet(request)


def subscription(number: str, address: str, **changed: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a SubscribeObject as a platform posts it; None as a value leaves a key out."""
    usual: dict[str, Any] = {
        "SubscribeID": number,
        "Title": "社区事件",
        "SubscribeDetail": "11,13,14",
        "ResourceURI": "",
        "ApplicantName": "李强",
        "ApplicantOrg": "中山市公安局",
        "BeginTime": "20250601000000",
        "EndTime": "20350601000000",
        "ReceiveAddr": address,
        "ReportInterval": 0,
        "OperateType": 0,
        "SubscribeStatus": 0,
    }
    return {key: value for key, value in (usual | changed).items() if value is not None}


def _has_picture(body: Mapping[str, Any]) -> bool:
    with suppress(KeyError, TypeError):
        return bool(body["SubImageList"]["SubImageInfoObject"])
    return False

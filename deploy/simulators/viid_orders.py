"""A view library that orders vehicles to be looked for (布控), and takes no answer that is not complete."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from deploy.simulators.gat1400 import ViewLibrary
from deploy.simulators.viid_objects import InvalidObjectError, Moment, check

_Number = Annotated[str, Field(pattern=r"^[0-9A-Z]{12}[0-9]{21}$")]


class _Hit(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    NotificationID: _Number
    DispositionID: _Number
    Title: Annotated[str, Field(min_length=1)]
    TriggerTime: Moment
    CntObjectID: Annotated[str, Field(pattern=r"^[0-9]{48}$")]
    MotorVehicleObject: dict[str, Any]

    @model_validator(mode="after")
    def _agrees(self) -> _Hit:
        if self.NotificationID[:12] != self.DispositionID[:12] or self.NotificationID[12:14] != "04":
            raise ValueError("NotificationID is no number of a notification of whoever ordered it")
        if self.NotificationID[14:28] != self.TriggerTime:
            raise ValueError("NotificationID does not hold its TriggerTime")
        if self.MotorVehicleObject.get("MotorVehicleID") != self.CntObjectID:
            raise ValueError("CntObjectID is not the id of the MotorVehicleObject")
        if not self.MotorVehicleObject.get("SubImageList", {}).get("SubImageInfoObject"):
            raise ValueError("no picture")
        return self


class OrderingLibrary(ViewLibrary):
    """A library with ``orders``, by number, and the ``hits`` that it was told of, by number and in order."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - those of a library
        super().__init__(**settings)
        self.orders: dict[str, Mapping[str, Any]] = {}
        self.hits: dict[str, Mapping[str, Any]] = {}
        self.told: list[str] = []

    def routes(self) -> Iterable[web.RouteDef]:
        """Return what is served."""
        yield from super().routes()
        yield web.post("/VIID/DispositionNotifications", self.faulty(self.polite(self._hit)))

    async def _hit(self, request: web.Request) -> web.Response:
        self.check_registered()
        listed = (await self._json(request)).get("DispositionNotificationListObject")
        found = listed.get("DispositionNotificationObject") if isinstance(listed, dict) else None
        return self._statuses(request, [self._answer_to(body) for body in found or [None]])

    def _answer_to(self, body: Any) -> tuple[str, int, str]:  # noqa: ANN401 - any JSON
        try:
            hit = _Hit.model_validate(body)
            self._check_hit(hit)
        except (ValidationError, InvalidObjectError) as error:
            self.refused.append(str(error))
            self.say(f"REFUSED a hit: {error}")
            return "", 8, "not as it must be"
        code = self.codes.popleft() if self.codes else 0
        self.told.append(hit.NotificationID)
        if not code:
            self.hits[hit.NotificationID] = body
            self.say(f"hit: {hit.DispositionID} {hit.MotorVehicleObject['PlateNo']}")
        return hit.NotificationID, code, "OK"

    def _check_hit(self, hit: _Hit) -> None:
        order = self.orders.get(hit.DispositionID)
        if order is None or order["Title"] != hit.Title:
            raise InvalidObjectError("no such disposition was ordered")
        if not order["BeginTime"] <= hit.TriggerTime < order["EndTime"]:
            raise InvalidObjectError("it was not looked for at that time")
        check("MotorVehicles", hit.MotorVehicleObject, frozenset())
        if hit.CntObjectID not in self.objects["MotorVehicles"]:
            raise InvalidObjectError("no such vehicle was reported")

"""Dispositions (布控): plates that the platform looks for, each for a time and at tollgates, or everywhere.

Persons are not recognised here, and no name of one is kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import structlog
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from sqlalchemy.orm import Session

from alerts.store import dispositions
from alerts.store.dispositions import DispositionRow, Wanted
from alerts.viid.answers import Status
from alerts.viid.inbound.fields import AsNumber, BusinessId, Moment, SomeWords, Words, local, utc
from alerts.viid.inbound.intake import OK, Surroundings, content_fault, operation_fault, wrong
from alerts.viid.inbound.settings import tollgates_of
from lianfang.plates import matches, normalised
from lianfang.reach.http import http_url
from lianfang.reach.networks import check_address

_log = structlog.get_logger()
_MOTOR_VEHICLE = 2
_AT_TOLLGATES, _IN_AN_AREA = 1, 2
_MOST = 20_000  # of one platform


def _codes(value: object) -> object:
    """Return codes as a list; most platforms send one text with commas or semicolons."""
    return [code for code in re.split(r"[,;\s]+", value) if code] if isinstance(value, str) else value


class _Told(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")

    DispositionID: BusinessId
    OperateType: Annotated[Literal[0, 1], AsNumber]


class _Disposition(_Told):
    """What must be said of one; who asked for it is looked at, and only their organisation kept."""

    Title: SomeWords
    DispositionCategory: Annotated[int, AsNumber]
    TargetFeature: Annotated[str, Field(max_length=64)]
    PriorityLevel: Annotated[int, AsNumber, Field(ge=0, le=9)]
    ApplicantName: SomeWords
    ApplicantOrg: SomeWords
    BeginTime: Moment
    EndTime: Moment
    DispositionStatus: Annotated[Literal[0, 1, 2, 9], AsNumber] = 0
    DispositionRange: Annotated[Literal[1, 2], AsNumber]
    TollgateList: Annotated[
        list[Annotated[str, Field(pattern=r"^[0-9]{20}$")]], BeforeValidator(_codes), Field(max_length=10_000)
    ] = []
    ReceiveAddr: Annotated[str, Field(max_length=512)] = ""
    Reason: Words = ""


class Dispositions:
    """The intake of Dispositions: ``alerts.viid.inbound.intake.Intake``."""

    path, name = "Dispositions", "Disposition"

    def __init__(self, there: Surroundings) -> None:
        self._there = there

    def take(self, body: Mapping[str, Any], *, anew: bool) -> Status:
        """Look for a plate, or no longer (OperateType 1); what was said last under an id holds."""
        try:
            told = _Told.model_validate(body)
            if told.OperateType == 1:
                return self._end(told.DispositionID, "revoked")
            asked = _Disposition.model_validate(body)
        except ValidationError as error:
            return wrong(error)
        fault = self._fault(asked)
        return fault or self._put(asked.DispositionID, self._wanted(asked), anew=anew)

    def remove(self, object_id: str) -> Status:
        """Look for it no longer, and show it to nobody."""
        return self._end(object_id, "deleted")

    def listed(self) -> Sequence[Mapping[str, Any]]:
        """Return all that were not deleted."""
        with self._there.store.read() as session:
            now = self._now(session)
            return [self._shown(row, now) for row in dispositions.kept(session, self._there.receiver)]

    def _fault(self, asked: _Disposition) -> Status | None:
        """Return why one is not taken, None where it is."""
        if asked.DispositionCategory != _MOTOR_VEHICLE:
            return operation_fault("DispositionCategory: 2, motor vehicles; nothing else is recognised here")
        if not matches(normalised(asked.TargetFeature)):
            return content_fault("TargetFeature: a whole plate such as 粤T12345")
        if utc(asked.BeginTime, self._there.zone) >= utc(asked.EndTime, self._there.zone):
            return content_fault("EndTime: later than BeginTime")
        ours = tollgates_of(self._there.config(), self._there.receiver).values()
        if asked.DispositionRange == _AT_TOLLGATES and set(ours).isdisjoint(asked.TollgateList):
            return content_fault("TollgateList: codes of tollgates, one of ours among them")
        return None

    def _wanted(self, asked: _Disposition) -> Wanted:
        return Wanted(
            plate=normalised(asked.TargetFeature),
            title=asked.Title,
            reason=asked.Reason,
            organisation=asked.ApplicantOrg,
            priority=asked.PriorityLevel,
            tollgates=sorted(set(asked.TollgateList)) if asked.DispositionRange == _AT_TOLLGATES else [],
            begin_at=utc(asked.BeginTime, self._there.zone),
            end_at=utc(asked.EndTime, self._there.zone),
            address=self._reached(asked.ReceiveAddr),
        )

    def _put(self, number: str, wanted: Wanted, *, anew: bool) -> Status:
        receiver = self._there.receiver
        with self._there.store.write() as session:
            is_there = dispositions.is_kept(session, receiver, number)
            if not (anew or is_there):
                return operation_fault("no such disposition")
            if not is_there and dispositions.are_as_many(session, receiver, _MOST, self._now(session)):
                return operation_fault(f"there are {_MOST} dispositions already; delete some")
            dispositions.put(session, receiver, number, wanted, self._now(session))
        _log.info("disposition_kept", receiver=receiver, disposition=number)
        return OK

    def _end(self, number: str, word: Literal["revoked", "deleted"]) -> Status:
        with self._there.store.write() as session:
            if not dispositions.end(session, self._there.receiver, number, word, self._now(session)):
                return operation_fault("no such disposition")
        _log.info("disposition_ended", receiver=self._there.receiver, disposition=number, word=word)
        return OK

    def _now(self, session: Session) -> datetime:
        return self._there.store.now(session, self._there.clock.now())

    def _reached(self, address: str) -> str:
        """Return where it wants to be told, "" where nothing of this may be sent: then it is base_url."""
        try:
            usable = address and "@" not in http_url(address)
        except ValueError:
            usable = False
        if usable and not any(check_address("ReceiveAddr", address, self._there.networks)):
            return address
        if address:
            _log.warning("disposition_address_not_used", receiver=self._there.receiver)
        return ""

    def _shown(self, row: DispositionRow, now: datetime) -> dict[str, Any]:
        zone = self._there.zone
        status = 1 if row.word == "revoked" else 2 if row.end_at <= now else 9 if now < row.begin_at else 0
        return {
            "DispositionID": row.number,
            "Title": row.title,
            "DispositionCategory": _MOTOR_VEHICLE,
            "TargetFeature": row.plate,
            "PriorityLevel": row.priority,
            "ApplicantOrg": row.organisation,
            "BeginTime": local(row.begin_at, zone),
            "EndTime": local(row.end_at, zone),
            "OperateType": 1 if row.word == "revoked" else 0,
            "DispositionStatus": status,
            "DispositionRange": _AT_TOLLGATES if row.tollgates else _IN_AN_AREA,
            "TollgateList": ";".join(row.tollgates),
            "ReceiveAddr": row.address,
            "Reason": row.reason,
        }

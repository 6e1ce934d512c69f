"""Subscribes (订阅): a platform asks to be told of incidents as they are reported.

It is told what the receiver is told that it is, no more and no sooner: incidents, never every vehicle or
person that passes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import structlog
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from alerts.publishing import Offer, Published
from alerts.store import subscriptions
from alerts.store.subscriptions import SubscriptionRow, Wanted
from alerts.viid.answers import Status
from alerts.viid.inbound.fields import AsNumber, BusinessId, Moment, SomeWords, local, utc
from alerts.viid.inbound.intake import OK, Surroundings, content_fault, operation_fault, wrong
from lianfang.reach.http import http_url
from lianfang.reach.networks import check_address

_log = structlog.get_logger()
_MOST = 64  # of one platform
_ADDRESS_LENGTH = 512
_PATH = "/VIID/SubscribeNotifications"


def _address(value: str) -> str:
    """Return an address with a path: one without means the usual one."""
    if "@" in http_url(value):
        raise ValueError("a URL without a user name")
    return value if urlsplit(value).path.strip("/") else f"{value.rstrip('/')}{_PATH}"


_Kinds = Annotated[str, Field(pattern=r"^[0-9]{1,3}(,[0-9]{1,3}){0,31}$")]
_Codes = Annotated[str, Field(pattern=r"^([0-9]{20}(,[0-9]{20}){0,999})?$")]


class _Told(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")

    OperateType: Annotated[Literal[0, 1], AsNumber]
    SubscribeID: BusinessId


class _Subscribe(_Told):
    """What must be said of a subscription; the names of persons are looked at and not kept."""

    Title: SomeWords
    SubscribeDetail: _Kinds
    ResourceURI: _Codes = ""
    ApplicantName: SomeWords
    ApplicantOrg: SomeWords
    BeginTime: Moment
    EndTime: Moment
    ReceiveAddr: Annotated[str, Field(max_length=_ADDRESS_LENGTH), AfterValidator(_address)]
    ReportInterval: Annotated[int, AsNumber, Field(ge=0, le=86400)] = 0
    SubscribeStatus: Annotated[Literal[0, 1, 2, 9], AsNumber] = 0


class Subscribes:
    """The intake of Subscribes: ``alerts.viid.inbound.intake.Intake``."""

    path, name = "Subscribes", "Subscribe"

    def __init__(self, there: Surroundings) -> None:
        self._there = there

    def take(self, body: Mapping[str, Any], *, anew: bool) -> Status:
        """Keep a subscription, or let it be over (OperateType 1): what was said last under an id holds."""
        try:
            told = _Told.model_validate(body)
            if told.OperateType == 1:
                return self._cancel(told.SubscribeID)
            asked = _Subscribe.model_validate(body)
        except ValidationError as error:
            return wrong(error)
        begin, end = utc(asked.BeginTime, self._there.zone), utc(asked.EndTime, self._there.zone)
        fault = self._fault(asked, begin, end)
        if fault is not None:
            return fault
        offer = self._offer()
        codes = [code for code in asked.ResourceURI.split(",") if code]
        wanted = Wanted(
            title=asked.Title,
            kinds=_kinds(asked),
            resources=[] if offer.everything in codes else codes,
            organisation=asked.ApplicantOrg,
            begin_at=begin,
            end_at=end,
            address=asked.ReceiveAddr,
            interval_s=asked.ReportInterval,
        )
        return self._put(asked.SubscribeID, wanted, anew=anew)

    def remove(self, object_id: str) -> Status:
        """Forget a subscription."""
        with self._there.store.write() as session:
            if not subscriptions.remove(session, self._there.receiver, object_id):
                return operation_fault("no such subscription")
        _log.info("subscription_removed", receiver=self._there.receiver, subscription=object_id)
        return OK

    def listed(self) -> Sequence[Mapping[str, Any]]:
        """Return all of them, those that are over as well."""
        with self._there.store.read() as session:
            now = self._there.store.now(session, self._there.clock.now())
            return [self._shown(row, now) for row in subscriptions.kept(session, self._there.receiver)]

    def _cancel(self, number: str) -> Status:
        with self._there.store.write() as session:
            now = self._there.store.now(session, self._there.clock.now())
            if not subscriptions.cancel(session, self._there.receiver, number, now):
                return operation_fault("no such subscription")
        _log.info("subscription_cancelled", receiver=self._there.receiver, subscription=number)
        return OK

    def _fault(self, asked: _Subscribe, begin: datetime, end: datetime) -> Status | None:
        """Return why a subscription is not taken, None where it is."""
        offer = self._offer()
        if begin >= end:
            return content_fault("EndTime: later than BeginTime")
        if end <= self._there.clock.now():
            return content_fault("EndTime: a time to come")
        if unknown := sorted(set(_kinds(asked)) - set(offer.kinds)):
            given = ", ".join(f"{number} {name}" for number, name in sorted(offer.kinds.items()))
            found = ", ".join(map(str, unknown))
            return operation_fault(f"SubscribeDetail: {found} cannot be given; allowed: {given}")
        known = {"", offer.everything, *offer.resources}
        if not known.issuperset(asked.ResourceURI.split(",")):
            return content_fault(
                "ResourceURI: codes of ours, of cameras and of tollgates, or none for everything"
            )
        if any(check_address("ReceiveAddr", asked.ReceiveAddr, self._there.networks)):
            host = urlsplit(asked.ReceiveAddr).hostname
            _log.warning("subscriber_out_of_reach", receiver=self._there.receiver, host=host)
            return operation_fault(f"ReceiveAddr: {host} is not where anything of this may be sent")
        return None

    def _put(self, number: str, wanted: Wanted, *, anew: bool) -> Status:
        there = self._there
        with there.store.write() as session:
            is_there = session.get(SubscriptionRow, subscriptions.name_of(there.receiver, number)) is not None
            if not (anew or is_there):
                return operation_fault("no such subscription")
            if not is_there and subscriptions.count(session, there.receiver) >= _MOST:
                return operation_fault(f"there are {_MOST} subscriptions already; delete some")
            subscriptions.put(
                session, there.receiver, number, wanted, there.store.now(session, there.clock.now())
            )
        _log.info("subscription_kept", receiver=there.receiver, subscription=number, kinds=wanted.kinds)
        return OK

    def _offer(self) -> Offer:
        config = self._there.config()
        stanza = config.receivers[self._there.receiver]
        assert isinstance(stanza, Published)  # noqa: S101 - or nobody would be answered here
        return stanza.offer(config)

    def _shown(self, row: SubscriptionRow, now: datetime) -> dict[str, Any]:
        return {
            "SubscribeID": row.number,
            "Title": row.title,
            "SubscribeDetail": ",".join(map(str, row.kinds)),
            "ResourceURI": ",".join(row.resources),
            "ApplicantOrg": row.organisation,
            "BeginTime": local(row.begin_at, self._there.zone),
            "EndTime": local(row.end_at, self._there.zone),
            "ReceiveAddr": row.address,
            "ReportInterval": row.interval_s,
            "OperateType": 0 if row.cancelled_at is None else 1,
            "SubscribeStatus": 1 if row.cancelled_at is not None else 2 if row.over(now) else 0,
        }


def _kinds(asked: _Subscribe) -> list[int]:
    return sorted(set(map(int, asked.SubscribeDetail.split(","))))

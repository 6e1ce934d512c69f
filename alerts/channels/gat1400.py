"""``kind: gat1400``: incidents for the police's view library (视图库, GA/T 1400).

See docs/protocols/gat1400.md.
"""

from __future__ import annotations

import asyncio
import functools
from collections import OrderedDict
from collections.abc import Coroutine, Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from alerts.channels.base import Delivery, Receipt, Site, Standing
from alerts.clock_offset import registered_as
from alerts.corrections import check_codes
from alerts.notice_settings import TlsNoticeConfig, ZoneName
from alerts.payload import WITHDRAWN, Datum, Hit, Notice, notice_of
from alerts.publishing import Offer, Subscribed, Topic
from alerts.viid import answers, codes, hits, notifications
from alerts.viid.answers import Status, UnknownObjectError
from alerts.viid.codes import Collection, Kind
from alerts.viid.collector import Collector, Method
from alerts.viid.inbound.settings import Answers
from alerts.viid.notifications import Notifications
from alerts.viid.objects import Report, Reporter
from alerts.viid.records import Records, records
from alerts.viid.registration import MEDIA, Login, Registration
from alerts.viid.sender import Sender
from alerts.viid.slices import Slices
from alerts.viid.tollgates import Tollgate
from alerts.viid.upload import Upload
from lianfang.clock import Clock
from lianfang.config import Config as WholeConfig
from lianfang.config import Problem, Secret
from lianfang.config.stanza import DeviceCode, Id, one_of
from lianfang.errors import PermanentError, TransientError
from lianfang.reach.http import Answer, HttpEndpoint, check_status, http_url
from lianfang.reach.networks import check_address

_TRIALS = frozenset({"test", "drill"})
_REMEMBERED = 1000  # incidents of which some objects were taken and others not yet


class Config(TlsNoticeConfig):
    """A view library of the police. Each camera of an incident needs its ``device_code``."""

    kind: Literal["gat1400"]
    base_url: str
    """The platform, such as http://10.20.3.4:8120."""
    device_code: DeviceCode
    """Our own 20-digit code there."""
    username: str = Field(min_length=1, pattern=r'^[^:"]+$')
    """Who registers (HTTP Digest)."""
    password: Secret
    """The password."""
    keepalive_s: float = Field(default=50, ge=1, le=240)
    """Seconds between two words that we are there."""
    batch: int = Field(default=20, ge=1, le=100)
    """Objects in one request at most."""
    tollgates: dict[Id, Tollgate] = Field(default_factory=dict)
    """Tollgates (卡口) at which cameras stand, by camera: vehicles are reported with their codes."""
    uploads: bool = True
    """Records of the cameras and tollgates are kept current there."""
    datum: Datum = "wgs84"
    """Datum of the coordinates in those records."""
    codes: Path | None = None
    """TOML file with what differs there from the numbers of the standard."""
    timezone: ZoneName = "Asia/Shanghai"
    """Time zone of its times."""
    takes_trials: bool = False
    """Drills and tests are sent, too: there is no mark for them, so only where nobody goes out for them."""
    answers: Answers | None = None
    """What the platform may ask of us, for which it registers here in turn; nothing where not given."""

    @property
    def knows_the_site(self) -> bool:
        """Always: it tells of the cameras."""
        return True

    @property
    def tollgate_codes(self) -> dict[str, str]:
        """The codes of tollgates by camera."""
        return {camera: tollgate.code for camera, tollgate in self.tollgates.items()}

    @field_validator("base_url")
    @classmethod
    def _http_url(cls, value: str) -> str:
        if "@" in http_url(value):
            raise ValueError("a URL without a user name: 'username' says who is calling")
        return value.rstrip("/")

    def check(self, config: WholeConfig) -> Iterable[Problem]:
        """Yield an address, certificates, codes and cameras of no use."""
        yield from super().check(config)
        yield from check_address("base_url", self.base_url, self.within)
        if self.clips == "told" and self.picture_links is None:
            yield Problem(("clips",), "told", "none or inline: 'told' needs 'picture_links'")
        for camera in self.tollgates:
            if camera not in config.cameras:
                yield Problem(("tollgates", camera), repr(camera), one_of(config.cameras))
        yield from check_codes(codes.read, self.codes)

    def offer(self, config: WholeConfig) -> Offer:
        """Return what can be subscribed to here."""
        cameras = {camera.device_code for camera in config.cameras.values() if camera.device_code}
        kinds = {one.detail: kind for kind, one in codes.known(self.codes).subscriptions.items()}
        return Offer(dict(kinds), frozenset({*cameras, *self.tollgate_codes.values()}), self.device_code)

    def topic(self, notice: Notice) -> Topic | None:
        """Return what those who subscribe here hear of it as."""
        if self.answers is None or (notice.mode in _TRIALS and not self.takes_trials):
            return None
        tollgate = self.tollgate_codes.get(notice.place.camera)
        withdrawn = notice.change in WITHDRAWN
        return notifications.topic(codes.known(self.codes), notice, tollgate, withdrawn=withdrawn)


class Gat1400Channel:
    """Reports incidents as objects, each until the platform has said that it has it."""

    def __init__(
        self, config: Config, clock: Clock, site: Site | None, http: HttpEndpoint | None = None
    ) -> None:
        zone = ZoneInfo(config.timezone)
        self._config, self._clock, self._codes = config, clock, codes.read(config.codes)
        self.reporter = Reporter(self._codes, zone, config.tollgate_codes, config.picture_links)
        self._slices = Slices(self.reporter, config.picture_links, config.brings_films)
        self._http = http or HttpEndpoint(config.timeout_s, tls=config.tls, networks=config.within)
        login = Login(config.base_url, config.device_code, config.username, config.password.read())
        self.registration = Registration(login, self._call, clock, zone, site)
        self._collector = Collector(self._codes.collections, self._list, config.batch, config.max_body_bytes)
        self.sender = Sender(self._collector, self._codes.status)
        self._site = site
        look = None if site is None else functools.partial(self.records, site)
        self.publisher = Notifications(
            self._codes, self.reporter, self._publish, config.batch, config.max_body_bytes, look
        )
        self._taken: OrderedDict[str, set[str]] = OrderedDict()

    async def send(self, delivery: Delivery) -> Receipt:
        """Post what the notice is about, or withdraw it; return once the platform has all of it."""
        notice = notice_of(delivery.payload)
        if notice.mode in _TRIALS and not self._config.takes_trials:
            raise PermanentError(f"not sent: a {notice.mode}, and the library has no mark for one")
        standing = await self._standing(delivery)
        if standing == "withdrawn":
            raise PermanentError("not sent: it has been withdrawn since")
        if isinstance(notice, Hit):
            return await self._answer(notice, delivery)
        if notice.change in WITHDRAWN:
            return await self._withdraw(notice, standing, again=delivery.attempt > 1)
        reports, slices = await asyncio.to_thread(self._made, notice, delivery)
        taken = self._remembered(delivery.id)
        known, unsure = standing == "taken", standing != "none" or delivery.attempt > 1
        await _all(
            [self._put(r, taken, known=known, unsure=unsure) for r in reports if r.id not in taken]
            # Whether it has the clip already nobody remembers.
            + [self._put(r, taken, known=False, unsure=True) for r in slices if r.id not in taken]
        )
        del self._taken[delivery.id]
        reports += slices
        if not reports:
            return Receipt("not needed", "there is no clip to show")
        return Receipt("taken", ", ".join(report.id for report in reports))

    async def register(self) -> str:
        """Register now; return as whom, and how the clocks differ. TransientError where it lets nobody in."""
        return registered_as(self._config.device_code, await self.registration.compare_clocks())

    async def _answer(self, hit: Hit, delivery: Delivery) -> Receipt:
        """Tell whoever looks for a vehicle that it was seen."""
        make = self.reporter.reports
        reports = await asyncio.to_thread(make, hit, delivery.pictures, delivery.created_at)
        vehicle = next((report for report in reports if report.kind == "motor_vehicle"), None)
        if vehicle is None:
            raise PermanentError("`codes` of the receiver report vehicles as something else")
        message, by = hits.message(hit, vehicle, self.reporter), hit.disposition
        if len(message.body) > self._config.max_body_bytes:
            allowed = self._config.max_body_bytes
            raise PermanentError(f"the answer has {len(message.body)} bytes; max_body_bytes is {allowed}")
        address = by.address or self._config.base_url + hits.PATH
        await self.publisher.publish(Subscribed(by.number, by.title, address), message)
        return Receipt("taken", message.id)

    async def keep(self) -> None:
        """Be registered, also while there is nothing to report, and keep the records; until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.registration.keep(self._config.keepalive_s))
            if self._site is not None and self._config.uploads:
                look = functools.partial(asyncio.to_thread, self.records, self._site)
                group.create_task(Upload(look, self.registration, self.sender).keep())

    async def close(self) -> None:
        """Unregister, and close the connections."""
        await self._collector.close()
        await self.registration.leave()
        await self._http.close()

    def _made(self, notice: Notice, delivery: Delivery) -> tuple[list[Report], list[Report]]:
        """Return what is reported, and the clip; nothing else is new where that is what has changed."""
        slices = self._slices.reports(notice, delivery)
        if notice.change == "clip":
            return [], slices
        return self.reporter.reports(notice, delivery.pictures, delivery.created_at), slices

    async def _standing(self, delivery: Delivery) -> Standing:
        if self._site is None:
            return "tried"  # nobody knows
        return await asyncio.to_thread(self._site.standing, delivery.incident_id, delivery.incident_version)

    async def _put(self, report: Report, taken: set[str], *, known: bool, unsure: bool) -> None:
        await self.sender.send(report, known=known, unsure=unsure)
        taken.add(report.id)

    async def _withdraw(self, notice: Notice, standing: Standing, *, again: bool) -> Receipt:
        if standing == "none":
            return Receipt("not needed", "nothing of it was ever sent")
        ids = self.reporter.ids(notice)
        unsure = again or standing != "taken"
        await _all(self._delete(kind, object_id, unsure=unsure) for kind, object_id in ids.items())
        await _all(self._delete("video", clip_id, unsure=True) for clip_id in self._slices.ids(notice))
        return Receipt("withdrawn", ", ".join(ids.values()))

    async def _delete(self, kind: Kind, object_id: str, *, unsure: bool) -> None:
        path = f"/VIID/{self._codes.collections[kind].path}?IDList={object_id}"
        try:
            said = answers.of_objects(await self.registration.request("DELETE", path)).get(object_id)
            if said is None:
                raise TransientError("the platform says nothing about it")
            said.check(self._codes.status)
        except UnknownObjectError:
            if not unsure:  # it had it: perhaps it deletes nothing
                raise

    def records(self, site: Site) -> Records:
        """Return the records of cameras and tollgates as they should be there; it asks the store."""
        settings = self._config
        return records(site.config(), site.conditions(), settings.tollgates, settings.datum, self._codes)

    async def _list(self, method: Method, collection: Collection, body: bytes) -> Mapping[str, Status]:
        answer = await self.registration.request(method, f"/VIID/{collection.path}", body)
        return answers.of_objects(answer)

    async def _publish(self, url: str, body: bytes) -> Mapping[str, Any]:
        """Post to a subscriber: where that is the platform itself, as the device that is registered there."""
        here, _, path = url.partition(self._config.base_url + "/")
        if not here and path:
            return await self.registration.request("POST", f"/{path}", body)
        headers = {"User-Identify": self._config.device_code, "Content-Type": MEDIA, "Accept": MEDIA}
        answer = await self._http.request("POST", url, headers, body)
        check_status(answer, self._clock.now())
        return answers.read(answer.body)

    async def _call(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        answer = await self._http.request(method, url, headers, body)
        if answer.status == HTTPStatus.NOT_FOUND:
            raise UnknownObjectError(f"answered 404: {answer.quote()}")
        if answer.status != HTTPStatus.UNAUTHORIZED:
            check_status(answer, self._clock.now())
        return answer

    def _remembered(self, delivery_id: str) -> set[str]:
        """Return which objects of a delivery were taken before: they are not sent again."""
        taken = self._taken.setdefault(delivery_id, set())
        while len(self._taken) > _REMEMBERED:
            self._taken.popitem(last=False)
        return taken


def build(
    config: Config, clock: Clock, site: Site | None = None, http: HttpEndpoint | None = None
) -> Gat1400Channel:
    """Return the channel, which keeps records of ``site``; LookupError if the password cannot be read.

    With ``http`` it calls by that way.
    """
    return Gat1400Channel(config, clock, site, http)


async def _all(doing: Iterable[Coroutine[None, None, None]]) -> None:
    """Do all of it, then raise an error of it, first one that may pass: it is to be tried again."""
    ends = await asyncio.gather(*doing, return_exceptions=True)
    errors = [end for end in ends if end is not None]
    for error in sorted(errors, key=lambda error: isinstance(error, PermanentError)):
        raise error

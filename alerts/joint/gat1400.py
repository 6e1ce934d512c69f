"""The joint test cases of a view library (GA/T 1400)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from typing import Any

from alerts.channels import gat1400
from alerts.channels.base import Standing
from alerts.joint.case import Case, CaseFailedError, Heard, numbered
from alerts.joint.samples import RARE, Sample, Samples
from alerts.viid import answers, codes
from alerts.viid.objects import Report
from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.errors import LianfangError, PermanentError, TransientError

_FAR_S = 5
_LARGE_PX = 1600  # about 2 MB of noise


class Run:
    """The cases of one run, all of them with ``camera``; ``close`` unregisters."""

    def __init__(self, config: Config, settings: gat1400.Config, camera: str, clock: Clock) -> None:
        self._config, self._settings, self._camera = config, settings, camera
        self.heard = _HeardLibrary(settings.timeout_s, tls=settings.tls, networks=settings.within)
        self._codes = codes.read(settings.codes)
        self._samples = Samples(config, camera, clock)
        self._stands: dict[str, Standing] = {}
        self._site = _Remembered(config, self._stands)
        self._channel = gat1400.build(settings, clock, self._site, self.heard)
        self._registration = self._channel.registration

    def cases(self) -> Sequence[Case]:
        """Return them in their order."""
        return numbered(
            ("registers with Digest", self._register),
            ("refuses a wrong password", self._wrong_password),
            ("takes a keepalive", self._keepalive),
            ("tells its time, within 5 s of ours", self._time),
            ("takes the record of a camera (APE)", self._ape),
            ("takes the record of a tollgate", self._tollgate),
            ("takes a motor vehicle with a plate", lambda: self._post("plate", "粤A00000")),
            ("takes a motor vehicle without a plate", lambda: self._post("plate", "")),
            ("takes a new-energy plate of 8 characters", lambda: self._post("plate", "粤AD00000")),
            ("takes a rider: non-motor vehicle and person", lambda: self._post("helmet")),
            ("takes a person", lambda: self._post("zone_entry")),
            ("takes a picture that stands for itself", lambda: self._post("left_object")),
            ("takes rare characters", lambda: self._post("left_object", title=f"联调测试{RARE}")),
            ("takes a picture of 2 MB", lambda: self._post("left_object", noise_px=_LARGE_PX)),
            ("answers each object of a list for itself", self._batch),
            ("takes a message again whose answer was lost", self._repeat),
            ("takes a later message as a change (PUT)", self._update),
            ("withdraws (DELETE)", self._withdraw),
            ("asks who is not registered to register", self._forgotten),
            ("unregisters", self._unregister),
        )

    async def clean_up(self) -> None:
        """Withdraw what the last case has sent; LianfangError where something stays there."""
        sent, self._samples.sent = self._samples.sent, []
        for sample in sent:
            if self._stands.get(sample.number, "none") != "none":
                await self._send(sample, 9, "false_alarm")

    async def close(self) -> None:
        """Unregister, and close the connections."""
        await self._channel.close()

    async def _send(self, sample: Sample, version: int = 1, change: str = "opened", attempt: int = 1) -> None:
        if change != "false_alarm":
            self._stands.setdefault(sample.number, "none")
        try:
            await self._channel.send(self._samples.delivery(sample, version, change, attempt))
        except LianfangError:
            if self._stands.get(sample.number) == "none":
                self._stands[sample.number] = "tried"
            raise
        self._stands[sample.number] = "none" if change == "false_alarm" else "taken"

    async def _register(self) -> None:
        await self._registration.register()

    async def _wrong_password(self) -> None:
        wrong = self._registration.with_password(f"not {self._settings.username}")
        try:
            await wrong.register()
        except (TransientError, PermanentError):
            if self.heard.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
                return
            raise
        raise CaseFailedError("it registers us with a wrong password")

    async def _keepalive(self) -> None:
        await self._registration.say_alive()

    async def _time(self) -> None:
        offset_s = await self._registration.compare_clocks()
        if abs(offset_s) > _FAR_S:
            raise CaseFailedError(f"its clock is {offset_s:+g} s against ours")

    async def _ape(self) -> None:
        await self._record(self._camera, self._config.cameras[self._camera].device_code)

    async def _tollgate(self) -> None:
        tollgate = self._settings.tollgates.get(self._camera)
        if tollgate is None:
            raise CaseFailedError(f"camera {self._camera} stands at none of the tollgates of the receiver")
        await self._record(f"tollgates.{self._camera}", tollgate.code)

    async def _record(self, name: str, code: str) -> None:
        """Upload what is true of it: it stays there."""
        found = self._channel.records(self._site)
        if gaps := found.lacking.get(name):
            raise CaseFailedError(f"{name}: the configuration has no {', '.join(gaps)}")
        (report,) = (report for report in found.reports if report.id == code)
        await self._channel.sender.send(report, known=False, unsure=True)

    async def _post(self, kind: str, subject: str = "", **more: Any) -> None:  # noqa: ANN401 - as of `new`
        await self._send(self._samples.new(kind, subject=subject, **more))

    async def _batch(self) -> None:
        """Send three persons in one list, the second of no device."""
        persons = [self._samples.new("zone_entry") for _ in range(3)]
        reports = [self._report(person) for person in persons]
        bodies = [dict(report.body) for report in reports]
        del bodies[1]["DeviceID"]
        for person in persons:
            self._stands[person.number] = "tried"
        collection = self._codes.collections["person"]
        body = json.dumps({collection.list: {collection.item: bodies}}, ensure_ascii=False).encode()
        said = answers.of_objects(await self._registration.request("POST", f"/VIID/{collection.path}", body))
        missing = [report.id for report in reports if report.id not in said]
        if missing:
            raise CaseFailedError(f"it says nothing about {', '.join(missing)}")
        taken = [said[report.id].code in self._codes.status.taken for report in reports]
        if taken != [True, False, True]:
            told = ", ".join(str(said[report.id].code) for report in reports)
            raise CaseFailedError(f"of right, wrong, right it says {told}")

    def _report(self, sample: Sample) -> Report:
        delivery = self._samples.delivery(sample)
        notice = self._samples.notice(sample, 1, "opened")
        (report,) = self._channel.reporter.reports(notice, delivery.pictures, delivery.created_at)
        return report

    async def _repeat(self) -> None:
        sample = self._samples.new("zone_entry")
        await self._send(sample)
        await self._send(sample, attempt=2)

    async def _update(self) -> None:
        sample = self._samples.new("zone_entry")
        await self._send(sample)
        self.heard.forget()
        await self._send(sample, 2, "cleared")
        methods = [method for method, _ in self.heard.answers]
        if methods != ["PUT"]:
            raise CaseFailedError(f"it did not take the PUT: {self.heard.quote(0)}")

    async def _withdraw(self) -> None:
        sample = self._samples.new("zone_entry")
        await self._send(sample)
        await self._send(sample, 2, "false_alarm")

    async def _forgotten(self) -> None:
        await self._registration.register()
        await self._registration.unregister()
        await self._must_ask()
        await self._registration.say_alive()  # which registers

    async def _unregister(self) -> None:
        await self._registration.register()
        await self._registration.unregister()
        await self._must_ask()

    async def _must_ask(self) -> None:
        status = await self._registration.ask_unregistered()
        if status != HTTPStatus.UNAUTHORIZED:
            raise CaseFailedError(f"it answers {status} to who is not registered, not 401")


class _HeardLibrary(Heard):
    def quote(self, index: int) -> str:
        """Return the statuses of one of the answers, where it has any."""
        if self.answers:
            answer = self.answers[index][1]
            with suppress(TransientError):
                said = answers.of_objects(answers.read(answer.body)).values()
                if said:
                    return f"HTTP {answer.status}: {'; '.join(f'{one.code} {one.text}' for one in said)}"
        return super().quote(index)


class _Remembered:
    """The site of a run: what of each incident was sent is remembered here and not in a store."""

    def __init__(self, config: Config, stands: Mapping[str, Standing]) -> None:
        self._config, self._stands = config, stands

    def config(self) -> Config:
        return self._config

    def conditions(self) -> Mapping[str, str]:
        return {}  # nobody has asked a stream

    def standing(self, incident_id: str, version: int) -> Standing:
        return self._stands.get(incident_id, "none") if version > 1 else "none"

    def linked(self, since: datetime, until: datetime) -> None:
        """Keep no record of a trial."""

    def compared(self, at: datetime, offset_s: float) -> None:
        """Keep no record of a trial."""

"""A device that speaks ONVIF: a camera, a recorder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Literal, Self

from ingest.onvif import answers
from ingest.onvif.answers import DeviceTime, Information, Profile, User
from ingest.onvif.events import TERM_S, Subscription
from ingest.onvif.soap import understood
from ingest.onvif.talk import Talk
from lianfang.clock import Clock, SystemClock
from lianfang.config.tls import Tls
from lianfang.errors import PermanentError
from lianfang.reach.networks import Network


class Device:
    """A device at ``url``, whose path is ONVIF's usual one where it has none.

    ``login`` is user and password, digested into every message, and into HTTP's where the device asks there.
    One event loop owns it. All that it does raises TransientError and PermanentError.
    """

    def __init__(
        self,
        url: str,
        login: tuple[str, str] | None = None,
        *,
        networks: Sequence[Network],
        timeout_s: float = 5.0,
        tls: Tls | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._user = login[0] if login else None
        self._talk = Talk(url, login, networks=networks, timeout_s=timeout_s, tls=tls, clock=self._clock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._talk.close()

    async def information(self) -> Information:
        """Return who made it."""
        answer = await self._talk.device("GetDeviceInformation")
        with understood():
            return answers.information(answer)

    async def profiles(self) -> list[Profile]:
        """Return the streams with video, in its order; one that cannot be read is left out."""
        found = answers.each(await self._talk.say("media", "GetProfiles"), "Profiles", answers.profile)
        return [profile for profile in found if profile is not None]

    async def stream(self, token: str, transport: Literal["tcp", "udp"] = "tcp") -> str:
        """Return the RTSP address of a profile as the device says it: it may name any host."""
        protocol = {"Protocol": "RTSP" if transport == "tcp" else "UDP"}
        setup = {"Stream": "RTP-Unicast", "Transport": protocol}
        answer = await self._talk.say("media", "GetStreamUri", StreamSetup=setup, ProfileToken=token)
        address = str(getattr(answer, "Uri", None) or "").strip()
        if not address.startswith(("rtsp://", "rtsps://")):
            raise PermanentError("it gives no RTSP address")
        return address

    async def time(self) -> DeviceTime:
        """Return what its clock says."""
        return await self._talk.time()

    async def ntp(self) -> list[str]:
        """Return from whom it takes its time where NTP sets it, names and addresses."""
        answer = await self._talk.device("GetNTP")
        with understood():
            return answers.ntp(answer)

    async def set_time(self, now: datetime) -> None:
        """Set its clock to ``now``, aware, to the nearest second; zone and daylight saving stay as they are.

        From then on nobody else sets it (NTP).
        """
        now = (now + timedelta(seconds=0.5)).astimezone(UTC)
        day = {"Year": now.year, "Month": now.month, "Day": now.day}
        clock = {"Hour": now.hour, "Minute": now.minute, "Second": now.second}
        await self._set_time("Manual", UTCDateTime={"Time": clock, "Date": day})

    async def set_ntp(self, host: str) -> None:
        """Let it take its time from ``host``, a name or an address, and only from there."""
        try:
            kind = f"IPv{ip_address(host).version}"
            server = {"Type": kind, f"{kind}Address": host}
        except ValueError:
            server = {"Type": "DNS", "DNSname": host}
        await self._talk.device("SetNTP", FromDHCP=False, NTPManual=[server])
        await self._set_time("NTP")

    async def users(self) -> list[User]:
        """Return whom it lets in; one that cannot be read is left out."""
        return answers.each(await self._talk.device("GetUsers"), "User", answers.user)

    async def set_password(self, name: str, password: str) -> None:
        """Give a user a new password, with which we go on if it is ours. PermanentError for no such user."""
        level = next((user.level for user in await self.users() if user.name == name), None)
        if level is None:
            raise PermanentError(f"it has no user {name!r}")
        given = {"Username": name, "Password": password, "UserLevel": level}
        await self._talk.device("SetUser", User=[given])
        if name == self._user:
            await self._talk.login_is((name, password))

    @asynccontextmanager
    async def events(self, wait_s: float) -> AsyncIterator[Subscription]:
        """Subscribe to every event of the device, for pulls that wait for ``wait_s`` at most."""
        term = f"PT{TERM_S:.0f}S"
        answer = await self._talk.say("events", "CreatePullPointSubscription", InitialTerminationTime=term)
        with understood():
            address = self._talk.own(answer.SubscriptionReference.Address._value_1)  # noqa: SLF001
        subscription = Subscription(self._talk, address, wait_s, self._clock)
        try:
            yield subscription
        finally:
            await subscription.close()

    async def _set_time(self, kind: Literal["Manual", "NTP"], **moment: Any) -> None:  # noqa: ANN401
        said = await self.time()
        zone = {"TimeZone": {"TZ": said.zone}} if said.zone else {}
        await self._talk.device(
            "SetSystemDateAndTime",
            DateTimeType=kind,
            DaylightSavings=said.daylight_saving,
            **zone,
            **moment,
        )
        self._talk.clock_was_set()

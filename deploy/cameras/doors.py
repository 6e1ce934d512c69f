"""How a camera is asked whether it knows a password, and told another: by ONVIF, or by ISAPI (Hikvision)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from xml.sax.saxutils import escape

from lxml import etree

from ingest.onvif import Device, NotLetIn
from lianfang.clock import SystemClock
from lianfang.errors import PermanentError, TransientError
from lianfang.reach.http import Answer, HttpEndpoint, check_status
from lianfang.reach.networks import Network, only

Login = tuple[str, str]
_TIMEOUT_S = 8.0
_USERS, _CHECK = "/ISAPI/Security/users", "/ISAPI/Security/userCheck"


@dataclass(frozen=True, slots=True)
class Answered:
    """Whether a login is let in; ``left`` are the tries until it locks us out, None where it says nothing."""

    let_in: bool
    left: int | None = None


class Door(Protocol):
    """The way in to one device."""

    async def check(self, login: Login) -> Answered:
        """Say whether a login is let in; TransientError where nobody answers."""

    async def change(self, login: Login, user: str, password: str) -> None:
        """Let ``user`` have another password, told by ``login``; NotLetIn where that is unknown."""


class OnvifDoor:
    """ONVIF: GetDeviceInformation, GetUsers and SetUser. It never says how many tries are left."""

    def __init__(self, url: str, host: str) -> None:
        self._url, self._host = url, host

    async def check(self, login: Login) -> Answered:
        """Ask who made it: that is told to whom it knows."""
        async with self._device(login, await only(self._host)) as device:
            try:
                await device.information()
            except NotLetIn:
                return Answered(False)
            return Answered(True)

    async def change(self, login: Login, user: str, password: str) -> None:
        """Tell it."""
        async with self._device(login, await only(self._host)) as device:
            await device.set_password(user, password)

    def _device(self, login: Login, networks: Sequence[Network]) -> Device:
        return Device(self._url, login, networks=networks, timeout_s=_TIMEOUT_S)


class IsapiDoor:
    """ISAPI: userCheck, and PUT of one user, both with HTTP Digest."""

    def __init__(self, url: str, host: str) -> None:
        self._url, self._host = url, host

    async def check(self, login: Login) -> Answered:
        """Ask it; a refusal says how many tries are left."""
        answer = await self._ask(login, "GET", _CHECK)
        said = _parsed(answer)
        if answer.status == 401:
            locked = _text(said, "lockStatus") == "lock"
            left = _text(said, "retryLoginTime")
            return Answered(False, 0 if locked else int(left) if left.isdigit() else None)
        check_status(answer, SystemClock().now())
        return Answered(_text(said, "statusValue") in {"", "200"})

    async def change(self, login: Login, user: str, password: str) -> None:
        """Tell it; what else it knows of the user stays."""
        listed = await self._checked(login, "GET", _USERS)
        found = next((one for one in _all(listed, "User") if _text(one, "userName") == user), None)
        if found is None:
            raise PermanentError(f"it has no user {user!r}")
        number, level = _text(found, "id"), _text(found, "userLevel")
        body = (
            '<?xml version="1.0" encoding="UTF-8"?><User version="2.0" '
            f'xmlns="http://www.hikvision.com/ver20/XMLSchema"><id>{escape(number)}</id>'
            f"<userName>{escape(user)}</userName><password>{escape(password)}</password>"
            f"<loginPassword>{escape(login[1])}</loginPassword><userLevel>{escape(level)}</userLevel></User>"
        )
        if not number.isdigit():
            raise PermanentError(f"its user {user!r} has no number")
        await self._checked(login, "PUT", f"{_USERS}/{number}", body.encode())

    async def _checked(
        self, login: Login, method: str, path: str, body: bytes | None = None
    ) -> etree._Element:
        answer = await self._ask(login, method, path, body)
        if answer.status == 401:
            raise NotLetIn("user name or password refused (401)")
        check_status(answer, SystemClock().now())
        return _parsed(answer)

    async def _ask(self, login: Login, method: str, path: str, body: bytes | None = None) -> Answer:
        http = HttpEndpoint(_TIMEOUT_S, login=login, networks=await only(self._host))
        try:
            headers = {"Content-Type": "application/xml"} if body else {}
            return await http.request(method, self._url + path, headers, body)
        finally:
            await http.close()


def _parsed(answer: Answer) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(answer.body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise TransientError(f"answered {answer.status}, no answer of ISAPI") from error


def _all(element: etree._Element, name: str) -> list[etree._Element]:
    return [one for one in element.iter() if etree.QName(one).localname == name]


def _text(element: etree._Element, name: str) -> str:
    return next(((one.text or "").strip() for one in _all(element, name)), "")


DOORS: dict[str, Callable[[str, str], Door]] = {"onvif": OnvifDoor, "isapi": IsapiDoor}
"""By the name of the way."""

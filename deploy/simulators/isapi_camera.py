"""A camera's users by ISAPI (Hikvision): the list, one user's password, and a lock after too many wrong ones.

``python -m deploy.simulators.isapi_camera --port 8906``.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterable
from contextlib import suppress

from aiohttp import web
from lxml import etree

from deploy.simulators.digest import Digest
from deploy.simulators.isapi import NAMESPACE, status, xml
from deploy.simulators.server import Fault, Handler, Say, Simulator, serve_for_ever, to_stdout

USERNAME, PASSWORD = "admin", "isapi-2026"
_USERS = "/ISAPI/Security/users"
_TRIES = 5


class IsapiCamera(Simulator):
    """One device with one user. After ``_TRIES`` wrong passwords it lets nobody in, until ``unlock``."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        password: str = PASSWORD,
        faults: Iterable[Fault | None] = (),
        say: Say = to_stdout,
    ) -> None:
        super().__init__(host=host, port=port, faults=faults, say=say)
        self._digest = Digest(USERNAME, password)
        self.password = password
        self.wrong = 0

    def unlock(self) -> None:
        """Let it forget wrong passwords, as half an hour does."""
        self.wrong = 0

    def routes(self) -> Iterable[web.RouteDef]:
        """Return what is served."""
        served: list[tuple[str, str, Handler]] = [
            ("GET", "/ISAPI/Security/userCheck", self._check),
            ("GET", _USERS, self._users),
            ("PUT", f"{_USERS}/{{number}}", self.faulty(self._set_user)),
        ]
        return [web.route(method, path, self._counted(handler)) for method, path, handler in served]

    def _counted(self, handler: Handler) -> Handler:
        """Return ``handler`` behind the login, which counts wrong passwords and locks."""
        inner = self._digest.before(handler)

        async def meet(request: web.Request) -> web.StreamResponse:
            locked = self.wrong >= _TRIES
            answer = web.Response(status=401) if locked else await inner(request)
            if answer.status != 401:
                self.wrong = 0
                return answer
            self.wrong += "Authorization" in request.headers and not locked
            left = max(_TRIES - self.wrong, 0)
            state = "unlock" if left else "lock"
            said = xml(
                f'<userCheck version="2.0" xmlns="{NAMESPACE}"><statusValue>401</statusValue>'
                f"<statusString>Unauthorized</statusString><lockStatus>{state}</lockStatus>"
                f"<retryLoginTime>{left}</retryLoginTime></userCheck>",
                401,
            )
            said.headers.extend(answer.headers if "WWW-Authenticate" in answer.headers else {})
            return said

        return meet

    async def _check(self, _request: web.Request) -> web.Response:
        return xml(
            f'<userCheck version="2.0" xmlns="{NAMESPACE}"><statusValue>200</statusValue>'
            "<statusString>OK</statusString><lockStatus>unlock</lockStatus></userCheck>"
        )

    async def _users(self, _request: web.Request) -> web.Response:
        return xml(
            f'<UserList version="2.0" xmlns="{NAMESPACE}"><User version="2.0"><id>1</id>'
            f"<userName>{USERNAME}</userName><userLevel>Administrator</userLevel></User></UserList>"
        )

    async def _set_user(self, request: web.Request) -> web.Response:
        if request.match_info["number"] != "1":
            return status(404, 4, "Invalid Operation")
        try:
            user = etree.fromstring(await request.read(), etree.XMLParser(resolve_entities=False))
        except etree.XMLSyntaxError:
            return status(400, 5, "Invalid XML Format")
        said = {etree.QName(part).localname: (part.text or "").strip() for part in user}
        named = user.tag == f"{{{NAMESPACE}}}User" and (said.get("id"), said.get("userName")) == (
            "1",
            USERNAME,
        )
        if request.content_type != "application/xml" or not named or said.get("userLevel") != "Administrator":
            return status(400, 6, "Invalid XML Content")
        new = said.get("password", "")
        if (
            said.get("loginPassword") != self.password
            or not 8 <= len(new) <= 16
            or new.isalpha()
            or new.isdigit()
        ):
            return status(403, 4, "Invalid Operation")
        self.password = new
        self._digest.password_is(new)
        return status(200, 1, "OK")


def main() -> None:
    """Run one device until interrupted."""
    parser = argparse.ArgumentParser(description="A camera whose user has a password, by ISAPI.")
    parser.add_argument("--port", type=int, default=8906)
    options = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(serve_for_ever(IsapiCamera(port=options.port)))


if __name__ == "__main__":
    main()

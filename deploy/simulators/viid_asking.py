"""The view library as it calls us: it registers with Digest, keeps orders with us, and reads every answer.

``python -m deploy.simulators.viid_asking http://127.0.0.1:8121 粤T12345 --minutes 60`` looks for a plate.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

import aiohttp

from deploy.simulators.server import to_stdout

PLATFORM, USERNAME, PASSWORD = "44200000005030000000", "library", "we-ask-you-1234"
MEDIA = "application/VIID+JSON;charset=UTF-8"
_PART = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')
_KEYS = {"Id", "RequestURL", "StatusCode", "StatusString", "LocalTime"}


class BadAnswerError(AssertionError):
    """An answer that the standard does not know."""


@dataclass
class AskingLibrary:
    """A library that calls ``url``. Of one event loop.

    ``signs`` is what its Digest signs; without ``qop`` it answers as RFC 2069 has it. ``address`` is where
    its calls come from.
    """

    url: str
    device: str = PLATFORM
    username: str = USERNAME
    password: str = PASSWORD
    signs: Literal["path", "url"] = "path"
    qop: bool = True
    media: str = MEDIA
    address: str = "127.0.0.1"
    count: int = field(default=0, init=False)
    nonce: str = field(default="", init=False)

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(local_addr=(self.address, 0))
        self._session = aiohttp.ClientSession(connector=connector)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def register(self, *, key: str = "RegisterObject", path: str = "Register") -> int:
        """Register, and return the HTTP status of the last answer."""
        body = json.dumps({key: {"DeviceID": self.device}}).encode()
        where = f"/VIID/System/{path}"
        status, headers, _ = await self.call("POST", where, body)
        if status != 401:
            return status
        self.nonce, self.count = _asked(headers), 0
        status, _, _ = await self.call("POST", where, body, {"Authorization": self.proof(where)})
        return status

    async def unregister(self) -> int:
        """Unregister, and return the HTTP status."""
        return await self.register(key="UnRegisterObject", path="UnRegister")

    async def keepalive(self) -> int:
        """Say that we are there, and return the HTTP status."""
        body = json.dumps({"KeepaliveObject": {"DeviceID": self.device}}).encode()
        return (await self.call("POST", "/VIID/System/Keepalive", body))[0]

    async def local_time(self) -> datetime:
        """Return the time there, without its zone."""
        _, _, answer = await self.call("GET", "/VIID/System/Time")
        told = answer["SystemTimeObject"]
        if not {"VIIDServerID", "TimeMode", "LocalTime", "TimeZone"} <= told.keys():
            raise BadAnswerError(f"a SystemTimeObject with {sorted(told)}")
        return _moment(told["LocalTime"])

    async def post(self, name: str, objects: Iterable[object], method: str = "POST") -> list[tuple[str, int]]:
        """Post objects of a kind, such as ``Disposition``; return id and code of each, in their order."""
        listed = list(objects)
        text = json.dumps({f"{name}ListObject": {f"{name}Object": listed}}, ensure_ascii=False)
        said = await self._statuses(method, f"/VIID/{name}s", text.encode(errors="surrogatepass"))
        if len(said) != len(listed):
            raise BadAnswerError(f"{len(said)} statuses for {len(listed)} objects")
        return said

    async def put(self, name: str, objects: Iterable[object]) -> list[tuple[str, int]]:
        """Change objects of a kind; as ``post``."""
        return await self.post(name, objects, "PUT")

    async def delete(self, name: str, *ids: str) -> list[tuple[str, int]]:
        """Remove objects of a kind; return id and code of each."""
        return await self._statuses("DELETE", f"/VIID/{name}s?IDList={','.join(ids)}", None)

    async def kept(self, name: str) -> list[dict[str, Any]]:
        """Return the objects of a kind that are there."""
        _, _, answer = await self.call("GET", f"/VIID/{name}s")
        found = answer[f"{name}ListObject"][f"{name}Object"]
        if not isinstance(found, list):
            raise BadAnswerError("a list of objects that is none")
        return found

    def proof(self, path: str, method: str = "POST") -> str:
        """Return the Authorization header that answers the last challenge, with the next count."""
        self.count += 1
        uri = path if self.signs == "path" else f"{self.url}{path}"
        secret, what = _md5(f"{self.username}:lianfang:{self.password}"), _md5(f"{method}:{uri}")
        said = f'Digest username="{self.username}", realm="lianfang", nonce="{self.nonce}", uri="{uri}"'
        if not self.qop:
            return f'{said}, response="{_md5(f"{secret}:{self.nonce}:{what}")}"'
        nc = f"{self.count:08x}"
        right = _md5(f"{secret}:{self.nonce}:{nc}:abcd:auth:{what}")
        return f'{said}, qop=auth, nc={nc}, cnonce="abcd", response="{right}"'

    async def call(
        self, method: str, path: str, body: bytes | None = None, extra: Mapping[str, str] | None = None
    ) -> tuple[int, Mapping[str, str], dict[str, Any]]:
        """Make a call; return HTTP status, headers and JSON. Any answer is JSON of the standard's."""
        headers = {"User-Identify": self.device, **({"Content-Type": self.media} if body is not None else {})}
        headers |= extra or {}
        async with self._session.request(method, self.url + path, data=body, headers=headers) as response:
            if response.content_type.lower() != "application/viid+json":
                raise BadAnswerError(f"{response.status} {response.content_type}: {await response.text()}")
            answer = json.loads(await response.read())
            if not isinstance(answer, dict):
                raise BadAnswerError("JSON that is no object")
            if response.status != 200:
                _checked(answer["ResponseStatusObject"], path)
            return response.status, response.headers, answer

    async def _statuses(self, method: str, path: str, body: bytes | None) -> list[tuple[str, int]]:
        status, _, answer = await self.call(method, path, body)
        if status != 200:
            raise BadAnswerError(f"answered {status}: {answer}")
        found = answer["ResponseStatusListObject"]["ResponseStatusObject"]
        return [_checked(one, path) for one in found]


def disposition(number: str, plate: str, **changed: object) -> dict[str, Any]:
    """Return an order to look for a plate everywhere, since July 2026."""
    return {
        "DispositionID": number,
        "Title": "盗抢车辆",
        "DispositionCategory": 2,
        "TargetFeature": plate,
        "PriorityLevel": 1,
        "ApplicantName": "张警官",
        "ApplicantInfo": "13800000000",
        "ApplicantOrg": "中山市公安局",
        "BeginTime": "20260701080000",
        "EndTime": "20991231000000",
        "CreateTime": "20260701080000",
        "OperateType": 0,
        "DispositionStatus": 0,
        "DispositionRange": 2,
        "TollgateList": "",
        "ReceiveAddr": "",
        "Reason": "协查",
        **changed,
    }


def _checked(status: Mapping[str, Any], path: str) -> tuple[str, int]:
    if set(status) != _KEYS:
        raise BadAnswerError(f"a status with {sorted(status)}")
    if status["RequestURL"] != path.partition("?")[0] or not str(status["StatusString"]):
        raise BadAnswerError(f"a status of {status['RequestURL']} for {path}")
    _moment(status["LocalTime"])
    return str(status["Id"]), int(status["StatusCode"])


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%d%H%M%S")  # noqa: DTZ007 - local, as the standard has it


def _asked(headers: Mapping[str, str]) -> str:
    """Return the nonce of a challenge."""
    challenge = headers["WWW-Authenticate"]
    asked: dict[str, str] = {n.lower(): quoted or plain for n, quoted, plain in _PART.findall(challenge)}
    if not challenge.startswith("Digest ") or asked.get("realm") != "lianfang" or "nonce" not in asked:
        raise BadAnswerError(f"a challenge that is no Digest of ours: {challenge}")
    return asked["nonce"]


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


async def _look_for(url: str, plate: str, minutes: float) -> int:
    now = datetime.now(ZoneInfo("Asia/Shanghai"))
    begin, end = (f"{moment:%Y%m%d%H%M%S}" for moment in (now, now + timedelta(minutes=minutes)))
    number = f"44200000000001{begin}00001"
    order = disposition(number, plate, BeginTime=begin, EndTime=end)
    async with AskingLibrary(url) as library:
        if (status := await library.register()) != 200:
            to_stdout(f"not let in: {status}")
            return 1
        ((_, code),) = await library.post("Disposition", [order])
        to_stdout(f"disposition {number} of {plate} until {end}: {code}")
        await library.unregister()
    return 0 if code == 0 else 1


def main() -> int:
    """Look for a plate for some minutes."""
    parser = argparse.ArgumentParser(description="A view library that looks for a vehicle.")
    parser.add_argument("url", help="where the receiver's `answers` listen")
    parser.add_argument("plate")
    parser.add_argument("--minutes", type=float, default=60)
    options = parser.parse_args()
    return asyncio.run(_look_for(options.url, options.plate, options.minutes))


if __name__ == "__main__":
    raise SystemExit(main())

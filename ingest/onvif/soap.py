"""How ONVIF's messages travel: the library's services, over our own connections, which go nowhere else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from lxml.etree import LxmlError, tostring
from requests import Response
from zeep.exceptions import Error as ZeepError
from zeep.exceptions import Fault, TransportError
from zeep.transports import Transport

from ingest.onvif.library import SERVICES, WSDL, ONVIFService
from lianfang.clock import Clock
from lianfang.errors import NotLetIn, PermanentError, TransientError
from lianfang.reach.http import HttpEndpoint, check_status
from lianfang.redact import quoted

LONGEST = 2 * 1024 * 1024
"""Bytes of an answer that are read: a recorder with 128 channels says 500 KiB of its profiles."""
_WITH_A_FAULT = frozenset({400, 403, 500})  # statuses that come with a fault, which says more
_REFUSED = ("NotAuthorized", "FailedAuthentication", "InvalidSecurity")
_NEVER = ("ActionNotSupported", "InvalidArgVal", "OperationProhibited", "InvalidArgs")
_reading = threading.Lock()
_LOOK_S = 0.02
# What the library makes of answers that are none.
_NONSENSE = (ZeepError, LxmlError, ValueError, TypeError, AttributeError, LookupError)


class Wire(Transport):
    """Carries the library's messages over ``http``; ``longer_s`` is waited beyond the usual."""

    def __init__(self, http: HttpEndpoint, clock: Clock, longer_s: float = 0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._http, self._clock, self._longer_s = http, clock, longer_s

    async def post_xml(self, address: str, envelope: Any, headers: dict[str, str]) -> Response:  # noqa: ANN401
        """Send a message and return what came, as the library wants it."""
        message = tostring(envelope, xml_declaration=True, encoding="utf-8")
        answer = await self._http.request("POST", address, headers, message, longer_s=self._longer_s)
        if answer.status == 401:
            raise NotLetIn("user name or password refused (401)")
        if answer.status not in _WITH_A_FAULT:
            check_status(answer, self._clock.now())
        given = Response()
        given.status_code, given._content = answer.status, answer.body  # noqa: SLF001 - it has no setter
        given.headers["Content-Type"] = answer.headers.get("Content-Type", "application/soap+xml")
        return given


async def service(
    name: str, address: str, login: tuple[str, str] | None, wire: Wire, *, ahead_s: float = 0
) -> ONVIFService:
    """Return the service ``name`` at ``address``; messages are signed by a clock ``ahead_s`` of ours.

    What it can do is read from the library's files, once in a process: 20 MB, a third of a second.
    """
    user, password = login or ("", "")
    known = SERVICES[name]
    made = ONVIFService(
        address,
        user,
        password,
        str(WSDL / known["wsdl"]),
        no_cache=True,
        dt_diff=timedelta(seconds=ahead_s),
        binding_name=f"{{{known['ns']}}}{known['binding']}",
    )
    await made.close()  # the connections that it made for itself: ours are used
    made.transport = wire
    # Cameras that start together would each read the files. Whoever gives up waiting must not hold the lock:
    # a thread that waits for it would take it all the same, for ever.
    while not _reading.acquire(blocking=False):  # noqa: ASYNC110 - threads share it, not one loop
        await asyncio.sleep(_LOOK_S)
    try:
        await made.setup()
    finally:
        _reading.release()
    return made


@contextmanager
def understood() -> Iterator[None]:
    """Turn what goes wrong within into TransientError and PermanentError, without any credential."""
    try:
        yield
    except Fault as fault:
        raise _meaning(fault) from fault
    except TransportError as error:
        raise TransientError(f"answered {error.status_code}, no answer of ONVIF") from error
    except _NONSENSE as error:
        raise TransientError(f"no answer of ONVIF: {quoted(str(error))}") from error


def _meaning(fault: Fault) -> Exception:
    if fault.code is None:
        return TransientError(f"no answer of ONVIF: {quoted(str(fault.detail or fault.message))}")
    codes = " ".join(str(getattr(code, "text", code)) for code in (fault.code, *(fault.subcodes or ())))
    said = quoted(fault.message or codes)
    if any(word in codes for word in _REFUSED):
        return NotLetIn(f"user name or password refused: {said}")
    if any(word in codes for word in _NEVER):
        return PermanentError(f"it refuses: {said} ({quoted(codes)})")
    return TransientError(f"it answers with a fault: {said} ({quoted(codes)})")

"""The seam for what platforms keep with us: one file and one line for each kind of object.

A file has a class that is an ``Intake``, and stands in ``alerts.viid.inbound.kinds``. The server does the
rest: who may call, bodies, lists, one status for each object whatever becomes of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from alerts.store import Store
from alerts.viid.answers import Status
from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.reach.networks import Network

OK = Status(0, "OK")
BUSY = Status(2, "busy, try again")
_OPERATION, _CONTENT = 4, 8


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an intake works with: the receiver that the platform is, and the parts of the service.

    ``config`` gives the configuration in force now. ``networks`` are where the receiver may be, besides
    public addresses. ``zone`` is what its times mean, ``device_code`` who we are there.
    """

    receiver: str
    device_code: str
    zone: ZoneInfo
    networks: Sequence[Network]
    store: Store
    clock: Clock
    config: Callable[[], Config]


class Intake(Protocol):
    """Objects of one kind. Its methods run in threads, and may wait for the store.

    They raise TransientError where that is away: the platform is told to come again (2, busy).
    """

    path: str
    """Where they are posted, such as ``Dispositions``."""
    name: str
    """What their keys begin with, such as ``Disposition``: …ListObject, …Object and …ID."""

    def take(self, body: Mapping[str, Any], *, anew: bool) -> Status:
        """Take one object (POST: ``anew``), or change one that is there (PUT); twice the same is as once.

        ``body`` is JSON that nobody has looked at; its id is a text, perhaps a wrong one.
        """
        ...

    def remove(self, object_id: str) -> Status:
        """Remove one (DELETE)."""
        ...

    def listed(self) -> Sequence[Mapping[str, Any]]:
        """Return all that are there (GET), as they are kept: without names of persons."""
        ...


def wrong(error: ValidationError) -> Status:
    """Return what is wrong with an object: the key, and what is allowed; never what was found."""
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(map(str, fault["loc"]))
    return content_fault(f"{where}: {fault['msg']}" if where else fault["msg"])


def content_fault(text: str) -> Status:
    """Return that an object is never taken as it is."""
    return Status(_CONTENT, text)


def operation_fault(text: str) -> Status:
    """Return that what is asked for cannot be done."""
    return Status(_OPERATION, text)

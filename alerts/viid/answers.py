"""What a view library answers: one status, or one for each object of a list."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from alerts.viid.codes import StatusCodes
from lianfang.errors import PermanentError, TransientError
from lianfang.redact import redact

_QUOTE = 200
_CODE = re.compile(r"[0-9]{1,9}", re.ASCII)


class UnknownObjectError(PermanentError):
    """The platform has no such object."""


@dataclass(frozen=True, slots=True)
class Status:
    """The word about one object: its code, and the platform's own text."""

    code: int
    text: str

    def check(self, codes: StatusCodes) -> None:
        """Return where the object was taken; raise what its code means otherwise."""
        if self.code in codes.taken:
            return
        said = f"the platform says {self.code}: {self.text}".removesuffix(": ")
        if self.code in codes.unknown:
            raise UnknownObjectError(said)
        if self.code in codes.refused:
            raise PermanentError(said)
        raise TransientError(said)  # a code that nobody knows may pass


def read(body: bytes) -> dict[str, Any]:
    """Return the JSON object of an answer; TransientError where it is none."""
    try:
        answer = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise TransientError("answered what is no JSON") from error
    if not isinstance(answer, dict):
        raise TransientError("answered JSON that is no object")
    return answer


def of_call(answer: Mapping[str, Any]) -> Status:
    """Return the status of a system call; TransientError where there is none."""
    found = next(iter(_statuses(answer)), None)
    if found is None:
        raise TransientError("answered without a ResponseStatusObject that has a number as its StatusCode")
    return found[1]


def of_objects(answer: Mapping[str, Any]) -> dict[str, Status]:
    """Return the status of each object by its id; of several about one the last."""
    return dict(_statuses(answer))


def _statuses(answer: Mapping[str, Any]) -> Iterable[tuple[str, Status]]:
    """Yield (id, status) of every status that is one."""
    inner = answer.get("ResponseStatusListObject", answer)
    found = inner.get("ResponseStatusObject", []) if isinstance(inner, dict) else []
    for status in found if isinstance(found, list) else [found]:
        if not isinstance(status, dict):
            continue
        code = str(status.get("StatusCode", "")).strip()  # a number or a text, as the platform likes it
        if _CODE.fullmatch(code):
            text = " ".join(str(status.get("StatusString", "")).split())[:_QUOTE]
            printable = "".join(c for c in text if c.isprintable())
            yield str(status.get("Id", "")), Status(int(code), redact(printable))

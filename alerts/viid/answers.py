"""What a view library answers: one status, or one for each object of a list."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from alerts.viid.codes import StatusCodes
from lianfang.errors import PermanentError, TransientError
from lianfang.redact import redact

_QUOTE = 200


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
        if self.code in codes.refused:
            raise PermanentError(said)
        raise TransientError(said)  # a code that nobody knows may pass


def read(body: bytes) -> dict[str, Any]:
    """Return the JSON object of an answer; TransientError where it is none."""
    try:
        answer = json.loads(body.decode("utf-8-sig"))
    except ValueError as error:
        raise TransientError("answered what is no JSON") from error
    if not isinstance(answer, dict):
        raise TransientError("answered JSON that is no object")
    return answer


def of_call(answer: Mapping[str, Any]) -> Status:
    """Return the status of a system call; TransientError where there is none."""
    found = next(iter(_statuses(answer)), None)
    if found is None:
        raise TransientError("answered without a ResponseStatusObject")
    return _status(found)


def of_objects(answer: Mapping[str, Any]) -> dict[str, Status]:
    """Return the status of each object by its id; of several about one the last."""
    return {str(found.get("Id", "")): _status(found) for found in _statuses(answer)}


def _statuses(answer: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    inner = answer.get("ResponseStatusListObject", answer)
    found = inner.get("ResponseStatusObject", []) if isinstance(inner, dict) else []
    listed = found if isinstance(found, list) else [found]
    return [status for status in listed if isinstance(status, dict)]


def _status(found: Mapping[str, Any]) -> Status:
    try:
        code = int(found["StatusCode"])
    except (KeyError, TypeError, ValueError) as error:
        raise TransientError("answered a status without a number as its StatusCode") from error
    text = " ".join(str(found.get("StatusString", "")).split())[:_QUOTE]
    return Status(code, redact("".join(c for c in text if c.isprintable())))

"""Numbers of a standard: a TOML file of the package, and what a site has corrected in one of its own."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from lianfang.config import Problem

_Codes = TypeVar("_Codes", bound=BaseModel)


class BadCodes(ValueError):  # noqa: N818 - reads as the fact it states
    """A file of codes that cannot be used: the file, the key, and what is wrong with it."""

    def __init__(self, found: str, allowed: str) -> None:
        super().__init__(f"{found}; allowed: {allowed}")
        self.found, self.allowed = found, allowed


def corrected(model: type[_Codes], package: str, path: Path | None) -> _Codes:
    """Return ``codes.toml`` of ``package``, with what the TOML file ``path`` says instead; BadCodes."""
    known = tomllib.loads(files(package).joinpath("codes.toml").read_text(encoding="utf-8"))
    if path is None:
        return model.model_validate(known)
    try:
        return model.model_validate(_merged(known, tomllib.loads(path.read_text(encoding="utf-8"))))
    except OSError as error:
        raise BadCodes(f"{path}: {error.strerror}", "a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadCodes(f"{path}: {error}", "a TOML file") from error
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        key = ".".join(map(str, fault["loc"]))
        raise BadCodes(f"{path}: {key}: found {fault['input']!r}", fault["msg"]) from error


def check_codes(read: Callable[[Path | None], object], path: Path | None) -> Iterator[Problem]:
    """Yield a problem of the key ``codes`` where ``path`` cannot be read."""
    try:
        read(path)
    except BadCodes as error:
        yield Problem(("codes",), error.found, error.allowed)


def _merged(known: Mapping[str, Any], corrected: Mapping[str, Any]) -> dict[str, Any]:
    whole = dict(known)
    for key, value in corrected.items():
        before = whole.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            whole[key] = _merged(before, value)
        else:
            whole[key] = value
    return whole

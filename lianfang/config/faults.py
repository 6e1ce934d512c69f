"""What is wrong with a configuration, said by file, line and key: what was found, what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from lianfang.config.model import Config
from lianfang.config.profiles import relative_paths, resolved
from lianfang.config.stanza import Key, Problem, Stanza
from lianfang.errors import ConfigError, ConfigProblem
from lianfang.redact import redact

S = TypeVar("S", bound=Stanza)


@dataclass
class Document:
    """A parsed file, maybe with its inventory: plain data, and the 1-based line of every key and item."""

    file: Path
    data: Any = None
    lines: dict[Key, int] = field(default_factory=dict)
    problems: list[ConfigProblem] = field(default_factory=list)
    files: dict[Key, Path] = field(default_factory=dict)
    """The file of each (section, id) that stands in another one: in the inventory."""

    def file_of(self, key: Key) -> Path:
        """Return the file in which a key stands."""
        return self.files.get(key[:2], self.file)

    def problem(self, key: Key, found: str, allowed: str) -> ConfigProblem:
        """Return what is wrong at a key, with its line or that of the nearest one above it."""
        line, at = 0, key
        while at and not line:
            line, at = self.lines.get(at, 0), at[:-1]
        return ConfigProblem(self.file_of(key), line, ".".join(map(str, key)), redact(found), allowed)


def validated(document: Document, stanza: type[S]) -> S:
    """Return the data as a stanza of which each key is good by itself; ConfigError where it is not."""
    context: dict[int, list[str]] = {}
    try:
        return stanza.model_validate(document.data, context=context)
    except ValidationError as error:
        found = [_explain(document, details, context) for details in _causes(error)]
        raise ConfigError(found) from None


def judge_all(document: Document, config: Config, warn: Callable[[ConfigProblem], None]) -> None:
    """Raise what is wrong with the whole of ``config``, and with what results from each of its profiles."""
    _judge(document, _check_all(config), warn)
    for name in config.profiles:
        _judge_profile(document, config, name)


def _judge(document: Document, found: Iterable[Problem], warn: Callable[[ConfigProblem], None]) -> None:
    """Raise the faults among ``found``, and tell of the others."""
    problems = []
    for problem in found:
        placed = document.problem(problem.key, problem.found, problem.allowed)
        if problem.warning:
            warn(placed)
        else:
            problems.append(placed)
    if problems:
        raise ConfigError(problems)


def _judge_profile(document: Document, config: Config, name: str) -> None:
    """Raise what is wrong with the configuration that results from a profile, at what the profile says."""
    resulting, wrong = resolved(config, name)
    if wrong:
        raise ConfigError([_explain(document, _under(details, name, key), {}) for key, details in wrong])
    for rule_id in config.profiles[name].rules:
        for key in relative_paths(resulting.rules[rule_id]):
            found = str(getattr(resulting.rules[rule_id], key))
            at = ("profiles", name, "rules", rule_id, key)
            raise ConfigError([document.problem(at, repr(found), "a path from the root")])
    problems = (problem.under("profiles", name) for problem in _check_all(resulting))
    _judge(document, problems, lambda _: None)  # what it may be warned of was said of the configuration


def _under(details: ErrorDetails, profile: str, key: Key) -> ErrorDetails:
    return {**details, "loc": ("profiles", profile, *key)}


def _causes(error: ValidationError) -> list[ErrorDetails]:
    """Return what is wrong, without the lists that pydantic finds too short only for their wrong items."""
    details = error.errors(include_url=False)
    below = {one["loc"][:n] for one in details for n in range(len(one["loc"]))}
    return [one for one in details if one["type"] != "too_short" or one["loc"] not in below]


def _explain(document: Document, details: ErrorDetails, context: Mapping[int, list[str]]) -> ConfigProblem:
    key: Key = tuple(part for part in details["loc"] if part != "[key]")
    kind, found = details["type"], _short(details["input"])
    allowed = details["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    if kind == "missing":
        return document.problem(key, "nothing", "a value: this key is required")
    if kind == "extra_forbidden":
        keys = context.get(id(_at(document.data, key[:-1])), [])
        close = difflib.get_close_matches(str(key[-1]), keys, n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        return document.problem(key, f"the unknown key {str(key[-1])!r}", f"{', '.join(keys)}{hint}")
    if kind == "plugin_kind":
        return document.problem((*key, "kind"), repr(details["ctx"]["found"]), allowed.removeprefix("kind: "))
    if kind == "string_pattern_mismatch" and "[key]" in details["loc"]:
        allowed = "an id: a lower-case letter, then a-z, 0-9 and _, 63 characters at most"
    return document.problem(key, found, allowed)


def _at(data: Any, key: Key) -> Any:  # noqa: ANN401
    for part in key:
        data = data[part]
    return data


def _short(value: object) -> str:
    text = repr(value)
    if "://" in text and "@" in text:
        # Credentials that are written wrongly are not found by a pattern: show none of it.
        return f"a {type(value).__name__} with an address in it"
    return text if len(text) <= 120 else f"{text[:117]}..."


def _check_all(config: Config) -> Iterator[Problem]:
    """Ask every stanza, from the top down, what is wrong with it in the whole."""
    yield from wrong_within(config, config, ())


def wrong_within(stanza: object, config: Config, under: Key) -> Iterator[Problem]:
    """Yield what is wrong with a stanza, and with those below it, in the light of the whole ``config``."""

    def visit(value: object, key: Key) -> Iterator[Problem]:
        if isinstance(value, Stanza):
            for problem in value.check(config):
                yield problem.under(*key)
            for name in type(value).model_fields:
                yield from visit(getattr(value, name), (*key, name))
        elif isinstance(value, Mapping):
            for name, item in value.items():
                yield from visit(item, (*key, name))
        elif isinstance(value, tuple):
            for i, item in enumerate(value):
                yield from visit(item, (*key, i))

    yield from visit(stanza, under)

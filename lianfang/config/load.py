"""Read a configuration file and say everything that is wrong with it, by file, line and key."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from lianfang.config.model import Config
from lianfang.config.profiles import relative_paths, resolved
from lianfang.config.stanza import Key, Problem, Secret, Stanza
from lianfang.errors import ConfigError, ConfigProblem
from lianfang.redact import redact


@dataclass
class _Document:
    """A parsed file: plain data, and the 1-based line of every key and item in it."""

    file: Path
    data: Any = None
    lines: dict[Key, int] = field(default_factory=dict)
    problems: list[ConfigProblem] = field(default_factory=list)

    def problem(self, key: Key, found: str, allowed: str) -> ConfigProblem:
        line, at = 0, key
        while at and not line:
            line, at = self.lines.get(at, 0), at[:-1]
        return ConfigProblem(self.file, line, ".".join(map(str, key)), redact(found), allowed)


def load(file: Path, warn: Callable[[ConfigProblem], None] = lambda _: None) -> Config:
    """Return the configuration in ``file``; ConfigError carries every problem found.

    Relative paths in it are taken from the folder that it stands in. ``warn`` is told what is no fault, yet
    hardly meant.
    """
    document = _parse(file)
    if document.problems:
        raise ConfigError(document.problems)
    context: dict[int, list[str]] = {}
    try:
        config = Config.model_validate(document.data, context=context)
    except ValidationError as error:
        found = [_explain(document, details, context) for details in _causes(error)]
        raise ConfigError(found) from None
    config = _anchor(config, file.resolve().parent)
    _judge(document, _check_all(config), warn)
    for name in config.profiles:
        _judge_profile(document, config, name)
    return config


def _judge(document: _Document, found: Iterable[Problem], warn: Callable[[ConfigProblem], None]) -> None:
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


def _judge_profile(document: _Document, config: Config, name: str) -> None:
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


def _parse(file: Path) -> _Document:
    document = _Document(file)
    try:
        node = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        if isinstance(node, yaml.MappingNode):
            document.data = _plain(document, node, ())
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        document.problems.append(ConfigProblem(file, 0, "", reason, "a readable UTF-8 YAML file"))
        return document
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        document.problems.append(ConfigProblem(file, line, "", error.problem or "no YAML", "valid YAML"))
        return document
    if not isinstance(node, yaml.MappingNode):
        document.problems.append(ConfigProblem(file, 1, "", "no mapping", "a mapping of sections"))
    return document


def _plain(document: _Document, node: yaml.Node, key: Key) -> Any:  # noqa: ANN401
    document.lines.setdefault(key, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return _plain_mapping(document, node, key)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(document, item, (*key, i)) for i, item in enumerate(node.value)]
    return yaml.SafeLoader("").construct_object(node)


def _plain_mapping(document: _Document, node: yaml.MappingNode, key: Key) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for name_node, value_node in node.value:
        name = str(name_node.value)
        here = (*key, name)
        line = name_node.start_mark.line + 1
        if name in mapping:
            first = document.lines[here]
            document.problems.append(
                ConfigProblem(
                    document.file,
                    line,
                    ".".join(map(str, here)),
                    f"a second {name!r} (the first is on line {first})",
                    "each key once",
                )
            )
            continue
        document.lines[here] = line
        mapping[name] = _plain(document, value_node, here)
    return mapping


def _causes(error: ValidationError) -> list[ErrorDetails]:
    """Return what is wrong, without the lists that pydantic finds too short only for their wrong items."""
    details = error.errors(include_url=False)
    below = {one["loc"][:n] for one in details for n in range(len(one["loc"]))}
    return [one for one in details if one["type"] != "too_short" or one["loc"] not in below]


def _explain(document: _Document, details: ErrorDetails, context: Mapping[int, list[str]]) -> ConfigProblem:
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

    yield from visit(config, ())


def _anchor(config: Config, folder: Path) -> Config:
    """Return ``config`` with every relative path made absolute from ``folder``."""

    def visit(value: Any) -> Any:  # noqa: ANN401
        if isinstance(value, Stanza):
            changed = {name: visit(getattr(value, name)) for name in type(value).model_fields}
            return value.model_copy(update={k: v for k, v in changed.items() if v is not getattr(value, k)})
        if isinstance(value, dict):
            return {name: visit(item) for name, item in value.items()}
        if isinstance(value, tuple):
            return tuple(visit(item) for item in value)
        if isinstance(value, Path):
            return folder / value.expanduser()
        return value

    anchored: Config = visit(config)
    return anchored


__all__ = ["Config", "Secret", "load"]

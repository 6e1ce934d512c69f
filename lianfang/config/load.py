"""Read a configuration file and say everything that is wrong with it, by file, line and key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from lianfang.config.faults import Document, judge_all, validated
from lianfang.config.model import Config
from lianfang.config.stanza import Key, Secret, Stanza
from lianfang.errors import ConfigError, ConfigProblem


def load(file: Path, warn: Callable[[ConfigProblem], None] = lambda _: None) -> Config:
    """Return the configuration in ``file``; ConfigError carries every problem found.

    Relative paths in it are taken from the folder that it stands in. ``warn`` is told what is no fault, yet
    hardly meant.
    """
    document = _parse(file)
    if document.problems:
        raise ConfigError(document.problems)
    config = _anchor(validated(document, Config), file.resolve().parent)
    judge_all(document, config, warn)
    return config


def _parse(file: Path) -> Document:
    document = Document(file)
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


def _plain(document: Document, node: yaml.Node, key: Key) -> Any:  # noqa: ANN401
    document.lines.setdefault(key, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return _plain_mapping(document, node, key)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(document, item, (*key, i)) for i, item in enumerate(node.value)]
    return yaml.SafeLoader("").construct_object(node)


def _plain_mapping(document: Document, node: yaml.MappingNode, key: Key) -> dict[str, Any]:
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


def _anchor(config: Config, folder: Path) -> Config:
    """Return ``config`` with every relative path made absolute from ``folder``."""

    def visit(value: Any) -> Any:  # noqa: ANN401
        if isinstance(value, Stanza):
            changed = {name: visit(getattr(value, name)) for name in type(value).model_fields}
            return value.model_copy(update={k: v for k, v in changed.items() if v is not getattr(value, k)})
        if isinstance(value, dict):
            items = {name: visit(item) for name, item in value.items()}
            return items if any(items[name] is not item for name, item in value.items()) else value
        if isinstance(value, tuple):
            entries = tuple(visit(item) for item in value)
            return entries if any(a is not b for a, b in zip(entries, value, strict=True)) else value
        if isinstance(value, Path):
            return folder / value.expanduser()
        return value

    anchored: Config = visit(config)
    return anchored


__all__ = ["Config", "Secret", "load"]

"""Read a configuration file and say everything that is wrong with it, by file, line and key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lianfang.config.faults import Document, judge_all, validated
from lianfang.config.model import Config
from lianfang.config.read import document_of
from lianfang.config.stanza import Secret, Stanza
from lianfang.errors import ConfigError, ConfigProblem


def load(file: Path, warn: Callable[[ConfigProblem], None] = lambda _: None) -> Config:
    """Return the configuration in ``file`` and its inventory; ConfigError carries every problem found.

    Relative paths are taken from the folder of the file that they stand in. ``warn`` is told what is no
    fault, yet hardly meant.
    """
    document = document_of(file)
    if document.problems:
        raise ConfigError(document.problems)
    return judged(document, warn)


def judged(document: Document, warn: Callable[[ConfigProblem], None] = lambda _: None) -> Config:
    """Return the configuration of a document without faults in its text; ConfigError as ``load``."""
    config = _anchor(validated(document, Config), document)
    judge_all(document, config, warn)
    return config


def _anchor(config: Config, document: Document) -> Config:
    """Return ``config`` with every relative path made absolute, from the folder of its file."""
    changed = {
        section: {
            name: _anchored(entry, document.file_of((section, name)).resolve().parent)
            for name, entry in getattr(config, section).items()
        }
        for section in sorted({str(section) for section, *_ in document.files})
    }
    anchored: Config = _anchored(config.model_copy(update=changed), document.file.resolve().parent)
    return anchored


def _anchored(value: Any, folder: Path) -> Any:  # noqa: ANN401
    """Return ``value`` with every relative path in it taken from ``folder``."""
    if isinstance(value, Stanza):
        changed = {name: _anchored(getattr(value, name), folder) for name in type(value).model_fields}
        return value.model_copy(update={k: v for k, v in changed.items() if v is not getattr(value, k)})
    if isinstance(value, dict):
        items = {name: _anchored(item, folder) for name, item in value.items()}
        return items if any(items[name] is not item for name, item in value.items()) else value
    if isinstance(value, tuple):
        entries = tuple(_anchored(item, folder) for item in value)
        return entries if any(a is not b for a, b in zip(entries, value, strict=True)) else value
    if isinstance(value, Path):
        return folder / value.expanduser()
    return value


__all__ = ["Config", "Secret", "judged", "load"]

"""The lists that rules go by: files that people keep, each known by its name."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from lianfang.config.model import Config


def lists(config: Config) -> dict[str, Path]:
    """Return every list that a rule names: the name of its file, or the whole path where two are alike."""
    named = (getattr(rule, "list", None) for rule in config.rules.values())
    files = list(dict.fromkeys(path for path in named if isinstance(path, Path)))
    alike = Counter(path.name for path in files)
    return {path.name if alike[path.name] == 1 else str(path): path for path in files}

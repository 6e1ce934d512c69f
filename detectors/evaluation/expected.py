"""What is said to happen in the clips of a folder: ``clips/events.jsonl``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TypeGuard

from lianfang.errors import ConfigError, ConfigProblem

_SHAPE = 'a line {"file": "a.mp4", "rule": "…", "start_s": 12.5, "end_s": 20}, 0 <= start_s <= end_s'


@dataclass(frozen=True)
class Expected:
    """One event of a clip, from ``start_s`` to ``end_s`` seconds after its first picture.

    ``line`` is where it stands in its file, from 1.
    """

    file: str
    rule: str
    start_s: float
    end_s: float
    line: int = 0


def events_file(data: Path) -> Path:
    """Return where ``data`` lists its events; it may not be there."""
    return data / "clips" / "events.jsonl"


def expected(file: Path) -> list[Expected]:
    """Return the events that ``file`` lists, none where there is no such file; further keys are let be.

    ConfigError names every line that is none, and what is allowed there.
    """
    if not file.is_file():
        return []
    events: list[Expected] = []
    problems: list[ConfigProblem] = []
    for number, text in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not text.strip():
            continue
        event = _event(text, number)
        if event is None:
            found = text if len(text) <= 120 else f"{text[:117]}..."
            problems.append(ConfigProblem(file, number, "", found, _SHAPE))
        else:
            events.append(event)
    if problems:
        raise ConfigError(problems)
    return events


def _event(text: str, line: int) -> Expected | None:
    try:
        row = json.loads(text)
    except ValueError:
        return None
    if not isinstance(row, dict):
        return None
    file, rule, start_s, end_s = (row.get(key) for key in ("file", "rule", "start_s", "end_s"))
    if not (isinstance(file, str) and isinstance(rule, str)):
        return None
    if not (_is_time(start_s) and _is_time(end_s) and 0 <= start_s <= end_s):
        return None
    return Expected(file, rule, float(start_s), float(end_s), line)


def _is_time(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)

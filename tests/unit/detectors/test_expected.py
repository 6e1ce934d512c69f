"""The list of events of a folder: what is read, and what is said of lines that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from detectors.evaluation.expected import Expected, events_file, expected
from lianfang.errors import ConfigError

GOOD = '{"file": "a.avi", "rule": "garbage", "start_s": 10, "end_s": 40.5, "seen_by": "somebody"}'


def listed(folder: Path, *lines: str) -> Path:
    file = folder / "events.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def test_empty_lines_and_further_keys_are_let_be(tmp_path: Path) -> None:
    assert expected(listed(tmp_path, "", GOOD, "  ")) == [Expected("a.avi", "garbage", 10, 40.5, line=2)]


def test_no_list_means_no_events(tmp_path: Path) -> None:
    assert expected(events_file(tmp_path)) == []


@pytest.mark.parametrize(
    "line",
    [
        "a.avi 10 40",
        "[1, 2]",
        "null",
        '{"file": "a.avi", "rule": "x", "start_s": 10}',  # no end
        '{"file": 7, "rule": "x", "start_s": 10, "end_s": 11}',
        '{"file": "a.avi", "rule": null, "start_s": 10, "end_s": 11}',
        '{"file": "a.avi", "rule": "x", "start_s": "10", "end_s": 11}',
        '{"file": "a.avi", "rule": "x", "start_s": true, "end_s": 11}',
        '{"file": "a.avi", "rule": "x", "start_s": 10, "end_s": NaN}',
        '{"file": "a.avi", "rule": "x", "start_s": 10, "end_s": Infinity}',
        '{"file": "a.avi", "rule": "x", "start_s": 12, "end_s": 11}',
        '{"file": "a.avi", "rule": "x", "start_s": -1, "end_s": 11}',
    ],
)
def test_a_line_that_is_none_is_named_with_what_is_allowed(line: str, tmp_path: Path) -> None:
    file = listed(tmp_path, GOOD, line, line)
    with pytest.raises(ConfigError) as caught:
        expected(file)
    assert [problem.line for problem in caught.value.problems] == [2, 3]
    text = str(caught.value)
    assert text.startswith(f'{file}:2: found {line}; allowed: a line {{"file": ')
    assert "0 <= start_s <= end_s" in text

"""How many, as a voice says it; and no more of a plate than its end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.wording import counted, plate_tail
from lianfang.config import Spoken


@pytest.mark.parametrize(
    ("n", "language", "people", "said"),
    [
        (1, "zh", True, "一个人"),
        (2, "zh", True, "两个人"),
        (2, "yue", False, "两件"),
        (10, "zh", True, "十个人"),
        (12, "zh", True, "十二个人"),
        (20, "zh", True, "二十个人"),
        (22, "zh", True, "二十二个人"),
        (99, "zh", False, "九十九件"),
        (100, "zh", True, "100个人"),
        (0, "zh", True, "零个人"),
        (1, "en", True, "one person"),
        (2, "en", True, "two people"),
        (1, "en", False, "one item"),
        (11, "en", False, "11 items"),
    ],
)
def test_counts(n: int, language: Spoken, people: bool, said: str) -> None:
    assert counted(n, language, people=people) == said


@pytest.mark.parametrize(
    ("plate", "tail"), [("粤T12345", "3 4 5"), ("粤BD12345", "3 4 5"), ("粤T1234学", "3 4 学"), ("", "")]
)
def test_the_end_of_a_plate(plate: str, tail: str) -> None:
    assert plate_tail(plate) == tail


@given(st.text(min_size=4, max_size=9))
def test_never_more_than_three_of_a_plate(plate: str) -> None:
    assert len(plate_tail(plate).split(" ")) <= 3 or " " in plate[-3:]

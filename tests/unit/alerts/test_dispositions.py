"""Plates that are looked for: found as in a list, for their receiver, their time and their tollgates."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from alerts.dispositions import NO_DISPOSITIONS, Disposition, Word
from lianfang.plates import folded, lookalikes, nearest
from tests.support.observations import at

_PLATES = ["粤T12345", "粤T1234S", "粤TI2345", "粤A98765", "京A8B0D1"]
_GATES = ["", "1" * 20, "2" * 20]
_WORDS = st.builds(
    lambda receiver, number, plate, gap, waits, lasts, gates, revoked: (
        gap,
        waits,
        lasts,
        Disposition(receiver, f"{number:033}", plate, at(0), at(0), frozenset(gates)),
        revoked,
    ),
    st.sampled_from(["library", "other"]),
    st.integers(0, 3),
    st.sampled_from(_PLATES),
    st.integers(1, 4),
    st.integers(0, 5),
    st.integers(1, 20),
    st.sets(st.sampled_from(_GATES[1:])),
    st.booleans(),
)


def said(drawn: list[Any]) -> list[Word]:
    """Return words one after the other, each some seconds after the one before."""
    words, now = [], 0
    for gap, waits, lasts, order, revoked in drawn:
        now += gap
        begin = now + waits
        wanted = None if revoked else replace(order, since=at(begin), until=at(begin + lasts))
        words.append(Word(order.receiver, order.number, at(now), wanted))
    return words


def standing(words: list[Word], moment: datetime) -> list[Disposition]:
    """Return what the last word about each number was at a moment, where that is an order in force."""
    last = {(word.receiver, word.number): word for word in words if word.since <= moment}
    return [w.wanted for w in last.values() if w.wanted and w.wanted.since <= moment < w.wanted.until]


@given(
    drawn=st.lists(_WORDS, max_size=12),
    cut=st.integers(0, 12),
    text=st.sampled_from([*_PLATES, "粤t·12345", "粤B00000"]),
    when=st.integers(0, 60),
    gate=st.sampled_from(_GATES),
)
def test_it_finds_what_looking_through_all_of_them_finds(
    drawn: list[Any], cut: int, text: str, when: int, gate: str
) -> None:
    words, moment = said(drawn), at(when)
    there = [
        one
        for one in standing(words, moment)
        if one.receiver == "library" and (not one.tollgates or gate in one.tollgates)
    ]
    known = nearest(text, (one.plate for one in there))
    dispositions = NO_DISPOSITIONS.after(words[:cut], 1).after(words[cut:], 2)
    assert dispositions.all == NO_DISPOSITIONS.after(words, 2).all, "in whatever pieces they are heard"
    found = dispositions.hit("library", text, moment, gate)
    if known is None:
        assert found is None
    else:
        assert found is not None
        assert found.exact is known.exact
        assert sorted(one.plate for one in found.dispositions) == sorted(known.plates)


@given(st.text(alphabet="粤T0DQB82Z5SA41", max_size=7), st.text(alphabet="粤T0DQB82Z5SA41", max_size=7))
def test_what_looks_like_a_plate_is_what_is_taken_for_it(one: str, other: str) -> None:
    assert (other in lookalikes(one)) is (folded(one) == folded(other))


def test_what_is_no_plate_is_taken_for_nothing_else() -> None:
    assert lookalikes("0" * 60) == ["0" * 60]

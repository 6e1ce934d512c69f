"""Each kind of plate, what is none, and which listed plate a text may be."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianfang.plates import (
    ALPHABET,
    CONFUSIONS,
    KINDS,
    PROVINCES,
    Colour,
    Hit,
    Kind,
    fitting,
    folded,
    matches,
    nearest,
    normalised,
)

SAMPLES = [
    ("粤T12345", "ordinary", "blue"),
    ("京AZ9Z9Z", "ordinary", "yellow"),
    ("粤BD12345", "new_energy_small", "green"),
    ("粤BFQ2345", "new_energy_small", "green"),
    ("粤B12345D", "new_energy_large", "green"),
    ("粤B12345F", "new_energy_large", "green"),
    ("京AA12345", "new_energy_small_widened", "green"),
    ("京AKX2345", "new_energy_small_widened", "green"),
    ("京A12345B", "new_energy_large_widened", "green"),
    ("苏E1A2B学", "learner", "yellow"),
    ("苏E1A2B挂", "trailer", "yellow"),
    ("皖A0123警", "police", "white"),
    ("皖AB123警", "police", "white"),
    ("224578使", "embassy", "black"),
    ("沪A0023领", "consulate", "black"),
    ("粤ZF123港", "hong_kong", "black"),
    ("粤Z12A4澳", "macau", "black"),
    ("WJ京12345", "armed_police", "white"),
    ("WJ1234X", "armed_police", "white"),
    ("VA12345", "military", "white"),
    ("KV01234", "military", "white"),
]


@pytest.mark.parametrize(("text", "name", "colour"), SAMPLES, ids=[text for text, _, _ in SAMPLES])
def test_every_kind(text: str, name: str, colour: Colour) -> None:
    assert [kind.name for kind in matches(text)] == [name]
    assert fitting(text, colour) is KINDS[name]
    assert set(text) <= set(ALPHABET)


def test_every_kind_has_a_sample_on_each_of_its_grounds_and_names() -> None:
    assert {name for _, name, _ in SAMPLES} == set(KINDS)
    assert {(name, colour) for _, name, colour in SAMPLES} == {
        (kind.name, colour) for kind in KINDS.values() for colour in kind.colours
    }
    assert all(re.search("[\u4e00-\u9fff]", kind.zh) and kind.en.isascii() for kind in KINDS.values())


def test_what_is_known_by_hearsay_only_says_so() -> None:
    assert [kind.name for kind in KINDS.values() if not kind.confirmed] == [
        "new_energy_small_widened",
        "new_energy_large_widened",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "粤",
        "粤T1234",  # a character lost
        "粤T123456",  # one too many, and no new energy
        "T粤12345",
        "粤112345",  # no letter after the province
        "港A12345",  # no province
        "粤BL12345",  # no letter of new energy
        "粤BD1234A",  # nor there: letters end after the fourth
        "粤B1234AD",
        "粤BD1234",  # the eighth lost: it reads as an ordinary plate; see the next test
        "皖AE123警",
        "皖A012警",
        "22457使",
        "京A00231领",
        "粤A1234港",  # only 粤Z crosses
        "苏E1A2B使",
        "WJ京1234",
        "WJ沪1234A",
        "WA12345",  # not a branch of the armed forces
        "VO12345",
        "粤T1234挂挂",
        "粤T12３45",
    ],
)
def test_what_is_no_plate(text: str) -> None:
    kinds = [kind.name for kind in matches(text)]
    assert kinds == (["ordinary"] if text == "粤BD1234" else [])


def test_colour_and_length_must_agree() -> None:
    """The seven characters that are left of a green plate are an ordinary plate's, but not on green."""
    assert matches("粤BD1234")
    assert fitting("粤BD1234", "green") is None
    assert fitting("粤BD12345", "blue") is None
    assert fitting("粤T12345", "white") is None
    assert fitting("粤T12345", None) is None


@pytest.mark.parametrize(("text", "name", "colour"), SAMPLES, ids=[text for text, _, _ in SAMPLES])
def test_neither_i_nor_o_is_on_any_plate(text: str, name: str, colour: Colour) -> None:
    del name, colour
    for i in range(len(text)):
        for wrong in "IO":
            assert matches(text[:i] + wrong + text[i + 1 :]) == ()


@given(
    st.text(ALPHABET, min_size=6, max_size=8), st.sampled_from(["blue", "yellow", "green", "white", "black"])
)
def test_no_text_on_a_ground_is_of_two_kinds(text: str, colour: Colour) -> None:
    assert len([kind for kind in matches(text) if colour in kind.colours]) <= 1


@given(st.sampled_from(list(KINDS.values())), st.data())
def test_all_that_a_pattern_makes_is_of_that_kind(kind: Kind, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(kind.regex, fullmatch=True, alphabet=st.sampled_from(ALPHABET)))
    assert kind in matches(text)
    assert normalised(text) == text
    assert len(text) in {7, 8}
    assert (len(text) == 8) == ("green" in kind.colours or text[2] in PROVINCES)


@pytest.mark.parametrize("written", ["粤t·12345", "粤T 123-45", "粤Ｔ１２３４５", " 粤T•12345"])
def test_plates_are_compared_without_dots_widths_and_case(written: str) -> None:
    assert normalised(written) == "粤T12345"
    assert nearest("粤T12345", ["京A00001", written]) == Hit((written,), exact=True)


@pytest.mark.parametrize(
    ("text", "listed", "hit"),
    [
        ("粤T12345", ["粤T12345", "粤T1234S"], Hit(("粤T12345",), exact=True)),  # exact first
        ("粤T1234S", ["粤T12345"], Hit(("粤T12345",), exact=False)),
        ("粤TQB2A5", ["粤TD8Z4S"], Hit(("粤TD8Z4S",), exact=False)),  # all five groups at once
        ("粤T0000Q", ["粤T00000", "粤T0000D", "粤T00001"], Hit(("粤T00000", "粤T0000D"), exact=False)),
        ("粤T12345", ["粤T12346", "粤T1234", "粤T123455"], None),
        ("粤T12345", [], None),
    ],
)
def test_a_listed_plate_is_found_exactly_or_by_confusion(
    text: str, listed: list[str], hit: Hit | None
) -> None:
    assert nearest(text, listed) == hit


def test_no_character_is_in_two_groups_of_confusions() -> None:
    together = "".join(CONFUSIONS)
    assert len(set(together)) == len(together)
    assert set(together) <= set(ALPHABET)


@given(st.text(ALPHABET))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert folded(folded(text)) == folded(text)
    assert len(folded(text)) == len(text)

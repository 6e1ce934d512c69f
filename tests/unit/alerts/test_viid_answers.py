"""Whatever a library answers is a word about an object, or trouble that may pass."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.viid import answers, codes
from alerts.viid.answers import Status
from lianfang.errors import PermanentError, TransientError

_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
_KEYS = st.sampled_from(
    ["ResponseStatusListObject", "ResponseStatusObject", "Id", "StatusCode", "StatusString", "x"]
)
_JSON = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.binary(max_size=60) | _JSON.map(lambda data: json.dumps(data).encode()))
def test_nothing_that_is_answered_breaks_anything(body: bytes) -> None:
    for read in (answers.of_call, answers.of_objects):
        try:
            found = read(answers.read(body))
        except TransientError:
            continue
        statuses = [found] if isinstance(found, Status) else list(found.values())
        for status in statuses:
            assert status.code >= 0
            assert len(status.text) <= 200
            assert status.text.isprintable()


def _one(code: Any) -> bytes:  # noqa: ANN401 - any JSON
    return json.dumps({"ResponseStatusObject": {"Id": "a", "StatusCode": code}}).encode()


@pytest.mark.parametrize("code", [0, "0", " 0 "])
def test_a_code_is_a_number_or_a_text(code: object) -> None:
    assert answers.of_call(answers.read(_one(code))) == Status(0, "")


@pytest.mark.parametrize("code", [True, False, None, 0.5, float("inf"), -1, "", "OK", "٠", [], {}, 10**12])
def test_what_is_no_code_is_never_taken_for_success(code: object) -> None:
    with pytest.raises(TransientError, match="StatusCode"):
        answers.of_call(answers.read(_one(code)))


def test_a_status_that_is_none_takes_no_other_along() -> None:
    listed = [
        {"Id": "a", "StatusCode": "0"},
        {"Id": "b"},
        "c",
        {"Id": "d", "StatusCode": 8, "StatusString": "no"},
    ]
    answer = {"ResponseStatusListObject": {"ResponseStatusObject": listed}}
    assert answers.of_objects(answer) == {"a": Status(0, ""), "d": Status(8, "no")}


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"1", b"null", b"[" * 60_000, b'{"a": NaN'])
def test_what_is_no_object_may_pass(body: bytes) -> None:
    with pytest.raises(TransientError):
        answers.read(body)


@pytest.mark.parametrize(
    ("code", "error"),
    [(0, None), (1, TransientError), (2, TransientError), (5, PermanentError), (42, TransientError)],
)
def test_what_a_code_means(code: int, error: type[Exception] | None) -> None:
    status, known = Status(code, "said so"), codes.read(None).status
    if error is None:
        status.check(known)
        return
    with pytest.raises(error, match=f"the platform says {code}: said so"):
        status.check(known)


def test_a_byte_order_mark_is_no_fault() -> None:
    assert answers.read(b"\xef\xbb\xbf{}") == {}

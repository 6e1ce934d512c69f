"""What a sensor's message says, as its stanza reads it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lianfang.biometrics import kept, without_biometrics
from lianfang.codec import decode_event, encode_event
from lianfang.config.payload import Payload
from lianfang.events import Reading
from lianfang.payloads import LONGEST, BadPayload, Measured, is_of, measured, parsed

ZONE = ZoneInfo("Asia/Shanghai")
SIX = datetime(2026, 7, 1, 10, tzinfo=UTC)


def read(raw: bytes, **keys: object) -> Measured:
    return measured(Payload.model_validate(keys), parsed(raw), ZONE)


VALUES: list[tuple[bytes, dict[str, Any], float]] = [
    (b"3.25", {}, 3.25),
    (b" 3.25\n", {}, 3.25),
    ("\ufeff3.25".encode(), {}, 3.25),
    (b'"3.25"', {}, 3.25),  # numbers that travel as text
    (b"-4e-1", {}, -0.4),
    (b"true", {}, 1),
    (b"OPEN", {}, 1),
    ("关闭".encode(), {}, 0),
    ('{"状态": "报警"}'.encode(), {"value": "/状态"}, 1),
    (b'{"d": [{"v": 5}, {"v": 7}]}', {"value": "/d/1/v"}, 7),
    (b'{"a/b": {"~": 2}}', {"value": "/a~1b/~0"}, 2),
    (b'{"mm": 2500}', {"value": "/mm", "factor": 0.001, "offset": -0.5}, 2.0),
    (b'{"free_cm": 40}', {"value": "/free_cm", "factor": -1, "offset": 120}, 80),  # fill from distance
    (b'{"s": "HIGH"}', {"value": "/s", "words": {"high": 3, "low": 1}}, 3),
    (b'{"s": true}', {"value": "/s", "words": {"true": 0, "false": 1}}, 0),  # a contact that is inverted
    (b'{"cardNo": "0412"}', {"constant": 1}, 1),
]


@pytest.mark.parametrize(("raw", "keys", "value"), VALUES)
def test_a_value(raw: bytes, keys: dict[str, Any], value: float) -> None:
    assert read(raw, **keys).value == pytest.approx(value)


TIMES: list[object] = [
    "2026-07-01T18:00:00",  # without an offset it is the community's
    "2026-07-01 18:00:00",
    "2026-07-01T10:00:00Z",
    1782900000,
    "1782900000",
    1782900000000,
]


@pytest.mark.parametrize("text", TIMES)
def test_a_time(text: object) -> None:
    said = read(json.dumps({"v": 1, "t": text}).encode(), value="/v", time="/t")
    assert said.device_time == SIX


def test_what_stands_beside_the_value() -> None:
    raw = b'{"v": 3, "u": "cm", "no": 17, "card": "0412", "way": {"x": 1}, "msg": null}'
    said = read(
        raw,
        value="/v",
        unit="/u",
        id="/no",
        attributes={"card": "/card", "direction": "/way", "text": "/msg", "plate": "/none"},
    )
    assert (said.unit, said.id) == ("cm", "17")
    assert said.attributes == {"card": "0412"}, "what is no text is none"


WRONG: list[tuple[bytes, dict[str, Any], str]] = [
    (b"", {}, "no JSON"),
    (b"{", {}, "no JSON"),
    (b"\xff\xfe", {}, "no UTF-8"),
    (b"[" * 100_000, {}, "no JSON"),
    (b"1" * (LONGEST + 1), {}, f"found {LONGEST + 1} bytes; allowed: {LONGEST}"),
    (b"nan", {}, "found 'nan'; allowed: a number"),
    (b"NaN", {}, "found nan; allowed: a number"),
    (b"1e999", {}, "found inf; allowed: a number"),
    (b"9" * 400, {}, "found 999"),
    (b"ajar", {}, "found 'ajar'; allowed: a number, true, false, or one of open"),
    (b'{"v": {"x": 1}}', {"value": "/v"}, "/v: found {'x': 1}; allowed: a number"),
    (b'{"level": 3}', {"value": "/v"}, "/v: found nothing; allowed: a value (there is /level)"),
    (b'{"v": null}', {"value": "/v"}, "/v: found nothing"),
    (b'{"v": 1, "t": "noon"}', {"value": "/v", "time": "/t"}, "/t: found 'noon'; allowed: a time such as"),
    (b'{"v": 1, "t": true}', {"value": "/v", "time": "/t"}, "/t: found True; allowed: a time"),
    (b'{"v": 1, "t": 1e30}', {"value": "/v", "time": "/t"}, "/t: found 1e+30; allowed: a time"),
    (b'{"v": 1}', {"value": "/v", "id": "/id"}, "/id: found nothing; allowed: an id"),
    (b'{"v": 1, "id": "%s"}' % (b"x" * 129), {"value": "/v", "id": "/id"}, "an id of 128 characters at most"),
]


@pytest.mark.parametrize(("raw", "keys", "said"), WRONG)
def test_what_says_nothing_is_named(raw: bytes, keys: dict[str, Any], said: str) -> None:
    with pytest.raises(BadPayload) as caught:
        read(raw, **keys)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 400


@given(st.binary(max_size=200))
def test_whatever_comes_is_a_reading_or_an_error(raw: bytes) -> None:
    try:
        said = read(raw, time="", id="")
    except BadPayload:
        return
    assert abs(said.value) < float("inf")


def test_what_no_store_takes_is_left_out() -> None:
    raw = rb'{"v": 1, "id": "a\u0000b", "msg": "x\ud800\ny\u202e", "\ud800": 2}'
    said = read(raw, value="/v", id="/id", attributes={"text": "/msg"})
    assert (said.id, said.attributes) == ("a b", {"text": "x  y"})
    with pytest.raises(BadPayload) as caught:
        read(raw, value="/none")
    assert str(caught.value).encode("utf-8")


@given(st.dictionaries(st.text(max_size=5), st.text() | st.floats() | st.booleans() | st.none(), max_size=4))
def test_whatever_is_kept_travels(data: dict[str, object]) -> None:
    raw = json.dumps({"text": "".join(map(str, data.values())), **data, "v": 1}).encode()
    said = read(raw, value="/v", attributes={"text": "/text"}, id=None)
    event = Reading(sensor_id="s", kind="k", value=said.value, at=SIX, attributes=dict(said.attributes))
    assert decode_event(*encode_event(event)) == event


def test_whose_message_it_is() -> None:
    payload = Payload(match={"/id": "A17", "/ch": "2", "/on": "true"})
    assert is_of(payload, {"id": "A17", "ch": 2, "on": True})
    assert not is_of(payload, {"id": "A17", "ch": 3, "on": True})
    assert not is_of(payload, {"id": "A17", "ch": 2})
    assert not is_of(payload, 3)


@pytest.mark.parametrize(
    "keys",
    [
        {"factor": 0},
        {"constant": 1, "value": "/v"},
        {"value": "level"},
        {"match": {"": "x"}},
        {"attributes": {"face": "/f"}},
        {"attributes": {"card": "/faceImage"}},
    ],
)
def test_what_cannot_be_meant_is_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Payload.model_validate(keys)


def test_nothing_of_a_body_is_kept() -> None:
    data = {
        "cardNo": "0412",
        "faceImage": "aGVsbG8=",
        "info": [{"人脸照片": "x", "door": 1, "note": "y" * 300, "verified": True, "faceDetected": True}],
        "enterPic": "aGVsbG8=",
        "picUrl": "http://10.0.0.9/1.jpg",
        "a/b": {"fingerprintTemplate": "q"},
        "topic": "gate",
    }
    clean, dropped = without_biometrics(data)
    assert clean == {
        "cardNo": "0412",
        "info": [{"door": 1, "note": None, "verified": True, "faceDetected": True}],
        "a/b": {},
        "topic": "gate",
    }
    places = {"/faceImage", "/info/0/人脸照片", "/info/0/note", "/picUrl", "/enterPic"}
    assert set(dropped) == places | {"/a~1b/fingerprintTemplate"}
    assert b"aGVsbG8" not in kept(data)

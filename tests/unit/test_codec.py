from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianfang import codec
from lianfang.errors import DecodeError
from lianfang.events import (
    CameraCondition,
    CameraState,
    DetectedObject,
    Frame,
    FrameReference,
    Observation,
    Reading,
)

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)
MOMENTS = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=8))]),
)
UNIT = st.floats(0, 1)

frames = st.builds(
    Frame,
    camera_id=NAMES,
    epoch=NAMES,
    seq=st.integers(0, 2**40),
    captured_at=MOMENTS,
    published_at=MOMENTS,
    width=st.integers(1, 8000),
    height=st.integers(1, 8000),
    encoding=st.sampled_from(["jpeg", "bgr24"]),
    pixels=st.binary(max_size=200),
    camera_time=st.none() | MOMENTS,
)
references = st.builds(
    FrameReference,
    topic=NAMES,
    partition=st.integers(0, 99),
    offset=st.integers(0, 2**62),
    camera_id=NAMES,
    epoch=NAMES,
    seq=st.integers(0, 2**40),
)
objects = st.builds(
    DetectedObject,
    track_id=st.none() | NAMES,
    label=st.text(min_size=1, max_size=8),
    confidence=UNIT,
    xyxyn=st.tuples(UNIT, UNIT, UNIT, UNIT),
    attributes=st.dictionaries(NAMES, st.text(max_size=5) | st.booleans() | UNIT, max_size=2),
)
observations = st.builds(
    Observation,
    camera_id=NAMES,
    track_epoch=NAMES,
    frame=references,
    captured_at=MOMENTS,
    published_at=MOMENTS,
    detected_at=MOMENTS,
    width=st.integers(1, 8000),
    height=st.integers(1, 8000),
    objects=st.lists(objects, max_size=3).map(tuple),
    models=st.lists(NAMES, max_size=2).map(tuple),
)


@given(frames)
def test_a_frame_survives(frame: Frame) -> None:
    assert codec.decode_frame(*codec.encode_frame(frame)) == frame


@given(observations)
def test_an_observation_survives(observation: Observation) -> None:
    assert codec.decode_event(*codec.encode_event(observation)) == observation


STATE = CameraState(
    camera_id="a",
    condition=CameraCondition.OFFLINE,
    captured_at=datetime(2026, 1, 1, tzinfo=UTC),
    reason="断线",
    detail="no packet for 5 s",
    faults=("covered", "one of a newer writer"),
)


def test_a_camera_state_survives() -> None:
    assert codec.decode_event(*codec.encode_event(STATE)) == STATE


@pytest.mark.parametrize("value", [0.0, -3.25, None])
def test_a_reading_survives(value: float | None) -> None:
    reading = Reading(
        sensor_id="gauge", kind="water_level", value=value, unit="m", at=STATE.captured_at, epoch="c"
    )
    assert codec.decode_event(*codec.encode_event(reading)) == reading


def test_fields_of_a_newer_writer_are_kept() -> None:
    value, _ = codec.encode_event(STATE)
    newer = json.dumps({**json.loads(value), "tilt_deg": 3}).encode()
    read = codec.decode_event(newer, {"schema": "camera-state/1.7"})
    assert json.loads(codec.encode_event(read)[0])["tilt_deg"] == 3


@pytest.mark.parametrize(
    ("value", "schema", "says"),
    [
        (b"{}", "camera-state/2.0", "knows major 1"),
        (b"{}", "", "knows major 1"),
        (b"{}", "camera-state", "knows major 1"),
        (
            b"{}",
            "weather/1.0",
            "'weather' is not one of camera-state, canary, observation, reading, speaker-state",
        ),
        (b'{"sensor_id": "s", "kind": "k", "value": NaN}', "reading/1.0", "reading: value"),
        (b"{", "observation/1.0", "observation: value"),
        (b"\xff\xfe", "observation/1.0", "observation: value"),
        (b"[]", "observation/1.0", "observation"),
        (b"{}", "observation/1.0", "camera_id"),
        (codec.encode_event(STATE)[0].replace(b"Z", b""), "camera-state/1.0", "captured_at"),
        (codec.encode_event(STATE)[0].replace(b"offline", b"asleep"), "camera-state/1.0", "condition"),
    ],
)
def test_a_record_that_is_no_event_says_why(value: bytes, schema: str, says: str) -> None:
    with pytest.raises(DecodeError, match=says):
        codec.decode_event(value, {"schema": schema})


@pytest.mark.parametrize(
    ("header", "value", "says"),
    [
        ("epoch", None, "header 'epoch' is missing"),
        ("seq", "one", "invalid literal"),
        ("seq", "-1", "counts nothing"),
        ("captured_at", "2026-01-01T00:00:00", "has no offset"),
        ("captured_at", "yesterday", "isoformat"),
        ("encoding", "png", "'png' is not jpeg or bgr24"),
        ("schema", "observation/1.0", "is not frame"),
        ("schema", "frame/9.0", "knows major 1"),
    ],
)
def test_a_record_that_is_no_frame_says_why(header: str, value: str | None, says: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    pixels, headers = codec.encode_frame(Frame("a", "e", 0, now, now, 4, 4, "jpeg", b"x"))
    headers.pop(header)
    if value is not None:
        headers[header] = value
    with pytest.raises(DecodeError, match=says):
        codec.decode_frame(pixels, headers)


@pytest.mark.parametrize("bad", [-0.1, 1.1, float("nan"), float("inf")])
def test_boxes_are_0_to_1(bad: float) -> None:
    with pytest.raises(ValueError, match="xyxyn"):
        DetectedObject(track_id=None, label="person", confidence=0.5, xyxyn=(0, 0, bad, 1))

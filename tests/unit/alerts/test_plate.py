"""Plates against lists: exactly, by what is taken for what, for a time, or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from lianfang.config import Config
from lianfang.errors import ConfigError
from lianfang.events import Observation
from tests.support.configs import loaded
from tests.support.observations import observation
from tests.unit.alerts.test_incidents import OUT, A, B, Play

LISTED, LOOKS_LIKE, OTHER = "粤T12345", "粤T1234S", "粤A98765"


def config(folder: Path, text: str | None = f"plate,from,until\n{LISTED},,\n", **keys: object) -> Config:
    stanza = {
        "kind": "plate",
        "name": "布控车辆",
        "cameras": ["cam"],
        "zones": ["water"],
        "report": "listed",
        "labels": ["car"],
        **keys,
    }
    if text is not None:
        (folder / "black.csv").write_text(text, encoding="utf-8")
        stanza["list"] = "black.csv"
    stage = {"kind": "objects", "engine": {"kind": "onnx"}, "labels": ["car"]}
    return loaded(
        folder,
        ("detectors.objects", stage),
        ("detectors.plates", {"kind": "plate"}),
        ("cameras.cam.detectors", ["objects", "plates"]),
        ("rules.entry", stanza),
    )


def car(
    seconds: float,
    plate: str | None,
    *,
    sure: bool = True,
    track: int = 1,
    where: tuple[float, float] = A,
) -> Observation:
    attributes = {} if plate is None else {"plate": plate, "plate_accepted": sure}
    return observation(seconds, {track: where}, label="car", attributes=attributes)


def changes(config: Config, events: Iterable[Observation]) -> list[tuple[float, str]]:
    return Play(config)(events).changes


def test_a_listed_plate_is_one_alert_however_often_it_is_read(tmp_path: Path) -> None:
    play = Play(config(tmp_path))
    play(car(t * 0.9, LISTED) for t in range(200))
    assert play.changes == [(0, "opened")]
    assert (play.only.subject, play.only.review) == (LISTED, False)


def test_what_only_looks_like_a_listed_plate_is_for_a_person_to_look_at(tmp_path: Path) -> None:
    play = Play(config(tmp_path))
    play(car(t, LOOKS_LIKE) for t in range(5))
    assert (play.only.subject, play.only.review) == (LOOKS_LIKE, True)


def test_an_unsure_read_of_a_listed_plate_too(tmp_path: Path) -> None:
    play = Play(config(tmp_path))
    play(car(t, LISTED, sure=False) for t in range(5))
    assert (play.only.subject, play.only.review) == (LISTED, True)


def test_an_unsure_read_of_what_looks_like_one_is_nothing(tmp_path: Path) -> None:
    assert changes(config(tmp_path), (car(t, LOOKS_LIKE, sure=False) for t in range(5))) == []


def test_other_plates_and_places_are_nothing(tmp_path: Path) -> None:
    assert changes(config(tmp_path), (car(t, OTHER) for t in range(5))) == []
    assert changes(config(tmp_path), (car(t, LISTED, where=OUT) for t in range(5))) == []


def test_two_listed_plates_at_one_place_are_two_incidents(tmp_path: Path) -> None:
    play = Play(config(tmp_path, f"plate,from,until\n{LISTED},,\n{OTHER},,\n"))
    play([*(car(t, LISTED) for t in range(3)), *(car(t, OTHER, track=2, where=B) for t in range(3, 6))])
    assert sorted(i.subject for i in play.incidents.values()) == [OTHER, LISTED]
    assert [kind for _, kind in play.changes] == ["opened", "opened", "cleared"]


def test_a_plate_stands_on_the_list_until_its_time_is_over(tmp_path: Path) -> None:
    """The script begins at 14:00 in Shanghai."""
    until = config(tmp_path, f"plate,from,until,reason\n{LISTED},,2026-07-01T14:01,布控\n")
    assert changes(until, [car(59, LISTED), car(61, LISTED)])[:1] == [(59, "opened")]
    assert changes(until, [car(60, LISTED)]) == []
    later = config(tmp_path, f"plate,from,until\n{LISTED},2026-07-01T14:01+08:00,\n")
    assert changes(later, [car(59, LISTED), car(60, LISTED)]) == [(60, "opened")]


def test_plates_that_are_not_on_the_list(tmp_path: Path) -> None:
    white = config(tmp_path, report="unlisted")
    assert changes(white, [car(0, LISTED), car(1, LOOKS_LIKE), car(2, OTHER, sure=False)]) == []
    assert changes(white, [car(0, OTHER)]) == [(0, "opened")]


def test_vehicles_without_a_readable_plate(tmp_path: Path) -> None:
    unread = config(tmp_path, None, report="unread", unread_s=10)
    assert changes(unread, (car(t, None) for t in range(15))) == [(10, "opened")]
    assert (
        changes(
            unread, [*(car(t, None) for t in range(9)), car(9, OTHER), *(car(t, None) for t in range(10, 19))]
        )
        == []
    )


def test_the_list_is_compared_as_plates_are_written_everywhere(tmp_path: Path) -> None:
    written = config(tmp_path, "\ufeffplate,from,until\n粤t·123 45,,\n")
    assert changes(written, [car(0, LISTED)]) == [(0, "opened")]


@pytest.mark.parametrize(
    ("text", "found", "allowed"),
    [
        ("plate,until\n", "black.csv:1: no column from", "plate,from,until and any others"),
        (
            "plate,from,until\n粤T12345,,\n粤O1234,,\n",
            "black.csv:3: plate: found '粤O1234'",
            "a plate such as",
        ),
        ("plate,from,until\n粤T12345,soon,\n", "black.csv:2: from: found 'soon'", "a time such as"),
        (
            "plate,from,until\n粤T12345,2026-07-02,2026-07-01\n",
            "black.csv:2: until",
            "a time after '2026-07-02'",
        ),
    ],
)
def test_a_list_that_is_wrong_is_named_with_its_line(
    tmp_path: Path, text: str, found: str, allowed: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        config(tmp_path, text)
    said = str(caught.value)
    assert "rules.entry.list: found " in said
    assert found in said
    assert f"allowed: {allowed}" in said


@pytest.mark.parametrize(
    ("text", "keys", "message"),
    [
        (None, {}, "a 'list' for listed and unlisted, and none for unread"),
        ("plate,from,until\n", {"report": "unread"}, "a 'list' for listed and unlisted, and none for unread"),
        (None, {"list": "gone.csv"}, "gone.csv: No such file or directory; allowed: a CSV file"),
        (
            None,
            {"report": "unread", "dispositions": "police"},
            "'dispositions' only with 'report: listed'",
        ),
        (
            None,
            {"dispositions": "police"},
            "'police'; allowed: a receiver with 'answers': nothing: none is configured",
        ),
        ("", {"cameras": ["cam", "cam2"]}, "'plate' at camera cam2, none of whose detectors reads plates"),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, text: str | None, keys: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        config(tmp_path, text, **keys)

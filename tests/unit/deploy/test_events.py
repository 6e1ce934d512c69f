"""Expected events against what was raised, worked out by hand; and one real clip through the real chain."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import av
import pytest
import yaml

from alerts.incidents.model import ChangeKind
from deploy.evaluation import site
from deploy.evaluation.events import Played, evaluate, names_of, report
from deploy.evaluation.rules import NAMES, RULES, STAGES
from deploy.replay import Alarm
from detectors.evaluation.base import Figure
from detectors.evaluation.expected import Expected
from detectors.evaluation.media import sample
from detectors.models.store import verify
from lianfang.config import load
from lianfang.errors import ConfigError, ModelError


def alarm(rule: str, at_s: float, kind: ChangeKind = ChangeKind.OPENED) -> Alarm:
    return Alarm(rule, "zone_0", site.START + timedelta(seconds=at_s), kind)


@pytest.mark.parametrize(
    ("raised", "found", "false"),
    [
        ([alarm("person", 12)], 1, 0),
        ([], 0, 0),
        ([alarm("person", 9)], 1, 0),  # a second before what a person wrote down
        ([alarm("person", 8.9)], 0, 1),
        ([alarm("person", 25)], 1, 0),  # five after its end
        ([alarm("person", 25.1)], 0, 1),
        ([alarm("car", 12)], 0, 1),  # another rule
        # One who joins an incident of before is told of as well.
        ([alarm("person", 2), alarm("person", 12, ChangeKind.RAISED)], 1, 1),
        ([alarm("person", 2), alarm("person", 12, ChangeKind.RETURNED)], 1, 1),
        # Two alarms about one event are not one too many, nor is one more in an incident that is counted.
        ([alarm("person", 12), alarm("person", 18)], 1, 0),
        ([alarm("person", 30), alarm("person", 31, ChangeKind.RAISED)], 0, 1),
    ],
)
def test_what_is_found_and_what_is_false(raised: list[Alarm], found: int, false: int) -> None:
    wanted = [Expected("a.mp4", "zone_entry", 10, 20)]
    figures = report([Played("a.mp4", 60, tuple(raised))], wanted).figures
    assert (figures["events.found"].value, figures["events.false"].value) == (found, false)


def test_a_left_thing_may_be_late_and_a_clip_knows_only_its_own_events() -> None:
    wanted = [Expected("a.mp4", "garbage", 10, 20), Expected("b.mp4", "river", 0, 5)]
    played = [
        Played("a.mp4", 60, (alarm("left_object", 49), alarm("person", 3))),
        Played("b.mp4", 60, (alarm("left_object", 15), alarm("person", 1))),
    ]
    result = report(played, wanted)
    assert {name: (figure.value, figure.count) for name, figure in result.figures.items()} == {
        "events.found": (1, 2),
        "events.found_left_object": (1, 1),
        "events.found_person": (1, 1),
        "events.false": (2, 2),
        "events.false_left_object": (1, 2),
        "events.false_person": (1, 2),
        "events.delay_s": (20, 2),
    }
    assert [note for note in result.notes if note.startswith("false")] == [
        "false: a.mp4: person at 3.0 s",
        "false: b.mp4: left_object at 15.0 s",
    ]


def test_without_any_of_them_found_there_is_no_delay() -> None:
    result = report([Played("a.mp4", 60, ())], [Expected("a.mp4", "person", 10, 20)])
    assert "events.delay_s" not in result.figures
    assert result.figures["events.false"] == Figure(0, 1)
    assert "missed: a.mp4: person, 10 to 20 s" in result.notes


def test_an_unknown_rule_is_named_with_its_line_and_the_known_ones() -> None:
    wanted = [Expected("a.mp4", "garbage", 0, 1, line=1), Expected("a.mp4", "garbbage", 0, 1, line=4)]
    with pytest.raises(
        ConfigError, match=r"events\.jsonl:4: rule: found 'garbbage'; allowed: one of .*river"
    ):
        names_of(wanted, Path("events.jsonl"))
    assert names_of(wanted[:1], Path("events.jsonl")) == ["left_object"]
    assert set(NAMES.values()) == set(RULES)


def test_a_site_that_nothing_is_known_of_passes_every_check(tmp_path: Path) -> None:
    """All rules at once, through a file: each finds its zones, and its labels among what the stages give."""
    site_file = tmp_path / "site.yaml"
    data = site.unknown_site(RULES, None).model_dump(mode="json")
    (tmp_path / "clip").touch()
    site_file.write_text(yaml.safe_dump(data))
    config = load(site_file)
    assert set(config.rules) == set(RULES)
    assert config.cameras[site.CAMERA].detectors == tuple(STAGES)


def test_a_folder_that_says_nothing_of_events_is_not_measured(tmp_path: Path) -> None:
    assert evaluate(tmp_path, None) is None
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a.mp4").touch()
    assert evaluate(tmp_path, None) is None


def test_a_real_clip_through_the_real_chain(tmp_path: Path) -> None:
    """Four seconds of a street: people are there from the beginning, and no boat is."""
    if not sample().is_file():
        pytest.skip("the sample video is not on this machine")
    try:
        verify("nanodet-g", None)
    except ModelError as error:
        pytest.skip(str(error))
    clips = tmp_path / "clips"
    clips.mkdir()
    cut(sample(), clips / "street.avi", pictures=40)
    lines = [
        {"file": "street.avi", "rule": "zone_entry", "start_s": 0, "end_s": 2},
        {"file": "street.avi", "rule": "boat", "start_s": 0, "end_s": 2},
        {"file": "gone.avi", "rule": "zone_entry", "start_s": 0, "end_s": 2},
    ]
    (clips / "events.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    result = evaluate(tmp_path, None)
    assert result is not None
    assert result.figures["events.found_person"].value == 1
    assert result.figures["events.found_boat"].value == 0
    assert (result.figures["events.found"].value, result.figures["events.found"].count) == (0.5, 2)
    assert result.figures["events.false"].value == 0
    assert 0.3 <= result.figures["events.delay_s"].value < 2  # a tracker's and a rule's first pictures
    assert "gone.avi is not there: its events are not counted" in result.notes


def cut(video: Path, to: Path, pictures: int) -> None:
    """Write the first ``pictures`` of ``video``, as they are."""
    with av.open(str(video)) as given, av.open(str(to), "w") as written:
        stream = written.add_stream_from_template(given.streams.video[0])
        for i, packet in enumerate(given.demux(video=0)):
            if i >= pictures or packet.dts is None:
                return
            packet.stream = stream
            written.mux(packet)

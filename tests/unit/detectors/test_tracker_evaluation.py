"""Measuring a tracker: what is counted worked out by hand, streets made up, chains of a clip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from detectors.engines.base import Detections
from detectors.evaluation import followers, tracker
from detectors.evaluation.identities import Follow, Tally
from detectors.evaluation.links import chained, found_in, some
from detectors.evaluation.scenes import HIDDEN, Seen, street
from tests.support.video import read_number, write_clip

Box = tuple[float, float, float, float]


def boxes(*rows: Box) -> Detections:
    count = len(rows)
    sides = np.array(rows, np.float32).reshape(-1, 4)
    return Detections(sides, np.full(count, 0.8, np.float32), np.zeros(count, np.int64))


def scene(owners: Sequence[Sequence[int]]) -> list[Seen]:
    """Return one picture for each of ``owners``, with a box for each of them."""
    return [
        Seen(float(i), boxes(*[(0.1, 0.1, 0.2, 0.2)] * len(row)), np.array(row, np.int64))
        for i, row in enumerate(owners)
    ]


def told(numbers: Sequence[Mapping[int, int]]) -> Follow:
    """Return a tracker that says ``numbers``, one after the other."""
    left: Iterator[Mapping[int, int]] = iter(numbers)
    return lambda _found, _at_s: next(left)


@pytest.mark.parametrize(
    ("owners", "numbers", "switches", "fragments", "idf1"),
    [
        # One person under one number.
        ([[0], [0], [0]], [{0: 1}, {0: 1}, {0: 1}], 0, 0, 1.0),
        # Another number from the second of four pictures on: half of them are right at best.
        ([[0], [0], [0], [0]], [{0: 1}, {0: 1}, {0: 2}, {0: 2}], 1, 0, 0.5),
        # Unconfirmed at first is no fragment; two pictures without a number are one.
        ([[0], [0], [0], [0], [0]], [{}, {0: 1}, {}, {}, {0: 1}], 0, 1, 2 * 2 / (2 + 5)),
        # Not found is nobody's fault.
        ([[0], [], [0]], [{0: 1}, {}, {0: 1}], 0, 0, 1.0),
        # Two people swap their numbers.
        ([[0, 1], [1, 0]], [{0: 1, 1: 2}, {0: 1, 1: 2}], 2, 0, 0.5),
        # A newcomer under the number of one who left: no switch, and yet half are wrong.
        ([[0], [1]], [{0: 1}, {0: 1}], 0, 0, 0.5),
        # A box of nobody that gets a number.
        ([[0, -1]], [{0: 1, 1: 2}], 0, 0, 2 / 3),
    ],
)
def test_what_is_counted(
    owners: list[list[int]], numbers: list[dict[int, int]], switches: int, fragments: int, idf1: float
) -> None:
    tally = Tally()
    tally.add(scene(owners), told(numbers))
    assert (tally.switches, tally.fragments) == (switches, fragments)
    assert tally.idf1 == pytest.approx(idf1)


def test_scenes_add_up_and_share_no_numbers() -> None:
    tally = Tally()
    for number in (1, 2):
        tally.add(scene([[0], [0]]), told([{0: number}, {0: number}]))
    assert (tally.switches, tally.idf1) == (0, 1.0)
    with pytest.raises(ValueError, match="nothing was seen"):
        _ = Tally().idf1


@pytest.mark.parametrize("fps", [2, 10])
def test_a_street_is_the_same_every_time(fps: float) -> None:
    first, again = (list(street(3, fps, seconds=5)) for _ in range(2))
    assert len(first) == 5 * fps
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one.found.xyxyn, other.found.xyxyn)
        assert np.array_equal(one.owner, other.owner)
        assert (np.diff(one.found.confidence) <= 0).all()
        people = one.owner[one.owner >= 0]
        assert len(set(people.tolist())) == len(people)


def test_one_street_is_the_same_at_every_frame_rate() -> None:
    """Only what the model adds differs: the people are in the same places."""

    def places(fps: float) -> dict[tuple[float, int], float]:
        return {
            (round(seen.at_s, 3), owner): float(box[0])
            for seen in street(1, fps, seconds=20)
            for owner, box in zip(seen.owner.tolist(), seen.found.xyxyn, strict=True)
            if owner >= 0
        }

    slow, fast = places(2), places(10)
    common = slow.keys() & fast.keys()
    assert len(common) > 150
    assert np.median([abs(slow[key] - fast[key]) for key in common]) < 0.01


def test_people_hide_each_other() -> None:
    """In a crowd some are seldom found, those in front are: nobody is found who is hidden."""
    crowd = [len(seen.found) for seen in street(0, 5, people=40, seconds=20)]
    few = [len(seen.found) for seen in street(0, 5, people=4, seconds=20)]
    assert np.mean(crowd) / 40 < 0.8 * np.mean(few) / 4
    for seen in street(0, 5, people=40, seconds=5):
        own = seen.found.xyxyn[seen.owner >= 0]
        lower = own[:, 3]
        width = np.minimum(own[:, None, 2], own[:, 2]) - np.maximum(own[:, None, 0], own[:, 0])
        height = np.minimum(own[:, None, 3], own[:, 3]) - np.maximum(own[:, None, 1], own[:, 1])
        covered = (
            np.maximum(width, 0) * np.maximum(height, 0) / np.prod(own[:, 2:] - own[:, :2], axis=1)[:, None]
        )
        nearer = lower[None] > lower[:, None] + 0.03  # more than the boxes tremble
        assert (np.where(nearer, covered, 0) < HIDDEN + 0.15).all()


def test_chains_end_where_it_is_doubtful_who_is_who() -> None:
    """Two walk towards each other and meet at 2 s; a third box is there for half a second only."""

    def at(at_s: float) -> list[Box]:
        left, right = 0.2 + 0.1 * at_s, 0.6 - 0.1 * at_s
        found = [(left, 0.2, left + 0.1, 0.5), (right, 0.2, right + 0.1, 0.5)]
        return [*found, (0.8, 0.8, 0.9, 0.9)] if 1 < at_s < 1.5 else found

    seen = chained([(i / 10, boxes(*at(i / 10))) for i in range(41)])
    first, last = seen[0].owner.tolist(), seen[-1].owner.tolist()
    assert len({*first, *last}) == 4  # before and after they met
    assert -1 not in {*first, *last}
    assert all(s.owner[2] == -1 for s in seen if len(s.owner) == 3)
    for one in seen[:10]:
        assert one.owner.tolist() == first
    assert [s.at_s for s in some(seen, 5)][:3] == pytest.approx([0.0, 0.2, 0.4])


def test_the_walkers_are_always_the_same_and_the_tracker_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracker, "FRAMES", 20)
    monkeypatch.setattr(tracker, "ROUNDS", 2)
    monkeypatch.setattr(tracker, "SCENES", range(1))
    monkeypatch.setattr(tracker, "RATES", {"": 2.0})
    monkeypatch.setattr(followers, "is_installed", lambda: False)
    first, second = (list(tracker.walkers(3)) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(one.xyxyn, other.xyxyn)
        assert (np.diff(one.confidence) <= 0).all()
    report = tracker.evaluate(Path(), None)
    assert report is not None
    assert set(report.figures) == {
        f"tracker.{n}" for n in ("ms_per_frame", "id_switches", "fragments", "idf1")
    }
    figure = report.figures["tracker.ms_per_frame"]
    assert figure.interval is not None
    assert 0 < figure.interval[0] <= figure.value <= figure.interval[1]
    assert any("not installed" in note for note in report.notes)


def test_the_median_and_its_interval() -> None:
    figure = tracker.median([float(n) for n in range(100, 0, -1)])
    assert (figure.value, figure.count, figure.interval) == (50.5, 100, (41.0, 60.0))


@pytest.mark.skipif(not followers.is_installed(), reason="the package trackers is not installed (extra eval)")
@pytest.mark.parametrize("fps", [2.0, 5.0])
def test_ours_tears_no_more_tracks_than_the_reference(fps: float) -> None:
    tallies = []
    for begin in (followers.ours, lambda: followers.reference("ByteTrackTracker", fps)):
        tally = Tally()
        for seed in range(20, 22):
            tally.add(street(seed, fps), begin())
        tallies.append(tally)
    ours, reference = tallies
    assert ours.switches + ours.fragments <= reference.switches + reference.fragments
    assert reference.idf1 > 0.5  # it was given what it needs


class Moving:
    """An engine that finds a car that is called a lorry too, and a boat; it keeps the pictures' numbers."""

    labels = ("car", "truck", "boat")
    model_id = "moving@0"

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def detect(self, image_bgr: np.ndarray) -> Detections:
        self.numbers.append(read_number(image_bgr[..., ::-1]))
        car, lorry, boat = (0.1, 0.1, 0.3, 0.3), (0.1, 0.1, 0.3, 0.31), (0.6, 0.6, 0.8, 0.8)
        return Detections(
            np.array([car, lorry, boat], np.float32), np.array([0.8, 0.7, 0.6], np.float32), np.arange(3)
        )


@pytest.mark.parametrize(("fps", "every"), [(10, 1), (25, 2), (30, 3)])
def test_a_clip_is_looked_at_ten_times_a_second(tmp_path: Path, fps: int, every: int) -> None:
    clip = write_clip(tmp_path / "clip.mp4", count=fps * 2, fps=fps)
    engine = Moving()
    seen = found_in(clip, engine, ("car", "truck"))
    assert engine.numbers == list(range(0, fps * 2, every))
    assert [round(at_s * fps) for at_s, _ in seen] == engine.numbers
    # The boat is not asked for, and the lorry is the car.
    assert all(len(found) == 1 and found.confidence[0] == np.float32(0.8) for _, found in seen)
    (owner,) = {one.owner.tolist()[0] for one in chained(seen)}
    assert owner >= 0

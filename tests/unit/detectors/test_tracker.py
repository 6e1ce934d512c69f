"""Tracking: who keeps a number, and who never gets one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.engines.base import Detections
from detectors.tracking import Config, Track, Tracker

Box = tuple[float, float, float, float]
Seen = tuple[Box, float, int]  # box, confidence, class

LABELS = ("person", "car", "truck", "dog")
PERSON, CAR, TRUCK, DOG = range(4)


def detections(seen: Iterable[Seen]) -> Detections:
    rows = sorted(seen, key=lambda one: -one[1])
    return Detections(
        np.array([box for box, _, _ in rows], np.float32).reshape(-1, 4),
        np.array([confidence for _, confidence, _ in rows], np.float32),
        np.array([class_id for _, _, class_id in rows], np.int64),
    )


def person(x: float, y: float = 0.5, height: float = 0.2) -> Box:
    """A standing person of 0.4 times the height, whose centre is at x, y."""
    width = height * 0.4
    return (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def play(
    scene: Callable[[float], Sequence[Seen]], until_s: float, fps: float, tracker: Tracker | None = None
) -> list[tuple[float, list[Track]]]:
    """Show what ``scene`` says at each frame's time, from 0, and return the tracks with their times."""
    tracker = tracker or Tracker(labels=LABELS)
    times = [round(frame / fps, 6) for frame in range(int(until_s * fps) + 1)]
    return [(at_s, tracker.update(detections(scene(at_s)), at_s)) for at_s in times]


def numbers(played: list[tuple[float, list[Track]]]) -> set[int | None]:
    return {track.n for _, tracks in played for track in tracks}


@pytest.mark.parametrize("fps", [2, 5, 10])
def test_one_who_stands_keeps_the_number_although_the_box_trembles(fps: float) -> None:
    rng = np.random.default_rng(1)

    def scene(at_s: float) -> list[Seen]:
        x, y, height = rng.normal((0.5, 0.5, 0.2), (0.004, 0.008, 0.012))
        return [(person(x, y, height), 0.3 if at_s % 3 > 2 else 0.7, PERSON)]

    assert numbers(play(scene, until_s=60, fps=fps)) == {1}


@pytest.mark.parametrize("fps", [2, 3, 5, 10])
@pytest.mark.parametrize("speed", [0.05, 0.12, 0.2])
def test_one_who_walks_keeps_the_number_even_where_boxes_never_overlap(fps: float, speed: float) -> None:
    """0.2 a second at 2 fps is 1.25 box widths from frame to frame."""
    played = play(lambda at_s: [(person(0.05 + speed * at_s), 0.7, PERSON)], until_s=4, fps=fps)
    assert numbers(played) == {1}


@pytest.mark.parametrize("fps", [5, 10])
@pytest.mark.parametrize("hidden", [False, True], ids=["both seen", "one hidden behind the other"])
def test_people_who_cross_keep_their_numbers(fps: float, hidden: bool) -> None:
    """They meet at 2.5 s; the farther one is hidden while less than half a width is free."""

    def scene(at_s: float) -> list[Seen]:
        left, right = 0.25 + 0.1 * at_s, 0.75 - 0.1 * at_s
        near = (person(left, 0.52), 0.8, PERSON)
        far = (person(right, 0.49), 0.7, PERSON)
        return [near] if hidden and abs(left - right) < 0.04 else [near, far]

    played = play(scene, until_s=5, fps=fps)
    start = {t.n: t.xyxyn[0] for t in played[0][1]}
    end = {t.n: t.xyxyn[0] for t in played[-1][1]}
    assert set(start) == set(end) == {1, 2}
    assert all((start[n] < 0.5) == (end[n] > 0.5) for n in start)


@pytest.mark.parametrize("fps", [2, 5, 10])
@pytest.mark.parametrize("speed", [0.0, 0.04], ids=["standing", "walking"])
def test_two_seconds_of_occlusion_are_survived(fps: float, speed: float) -> None:
    def scene(at_s: float) -> list[Seen]:
        return [] if 3 < at_s < 5 else [(person(0.2 + speed * at_s), 0.7, PERSON)]

    assert numbers(play(scene, until_s=8, fps=fps)) == {1}


def test_one_who_was_gone_for_longer_is_somebody_new() -> None:
    def scene(at_s: float) -> list[Seen]:
        return [] if 3 < at_s < 7 else [(person(0.2), 0.7, PERSON)]

    played = play(scene, until_s=9, fps=5)
    assert numbers(played) == {1, None, 2}  # and unconfirmed in the frame of the return


def test_how_long_is_a_setting() -> None:
    def scene(at_s: float) -> list[Seen]:
        return [] if 3 < at_s < 7 else [(person(0.2), 0.7, PERSON)]

    assert numbers(play(scene, until_s=9, fps=5, tracker=Tracker(Config(lost_s=5)))) == {1}


def test_a_ghost_of_one_frame_gets_no_number() -> None:
    def scene(at_s: float) -> list[Seen]:
        ghost = [(person(0.8), 0.9, PERSON)] if at_s in (1.0, 2.0, 3.0) else []
        late = [(person(0.3), 0.7, PERSON)] if at_s >= 4 else []
        return ghost + late

    played = play(scene, until_s=5, fps=5)
    ghosts = [t for _, tracks in played for t in tracks if t.xyxyn[0] > 0.5]
    assert [t.n for t in ghosts] == [None, None, None]
    assert numbers(played) == {None, 1}


def test_the_first_frame_of_an_epoch_counts_at_once_strongest_first() -> None:
    tracks = Tracker().update(
        detections([(person(0.2), 0.6, PERSON), (person(0.5), 0.9, PERSON), (person(0.8), 0.3, PERSON)]), 0.0
    )
    assert [(t.n, round(t.confidence, 3)) for t in tracks] == [(1, 0.9), (2, 0.6)]


@pytest.mark.parametrize(
    ("hits", "expected"),
    [(1, [1, 1, 1, 1]), (2, [None, 1, 1, 1]), (4, [None, None, None, 1])],
)
def test_confirmation_takes_frames_in_a_row(hits: int, expected: list[int | None]) -> None:
    tracker = Tracker(Config(confirm_hits=hits))
    tracker.update(Detections.empty(), 0.0)
    frames = [tracker.update(detections([(person(0.5), 0.7, PERSON)]), 1 + i / 5) for i in range(4)]
    assert [track.n for tracks in frames for track in tracks] == expected


def test_a_weak_box_prolongs_a_track_and_never_starts_one() -> None:
    def scene(at_s: float) -> list[Seen]:
        known = (person(0.3), 0.7 if at_s < 2 else 0.22, PERSON)
        return [known, (person(0.8), 0.3, PERSON)]

    played = play(scene, until_s=20, fps=5)
    assert numbers(played) == {1}
    assert all(len(tracks) == 1 and tracks[0].xyxyn[0] < 0.5 for _, tracks in played)


def test_classes_never_mix() -> None:
    """A dog where a person was is not that person."""
    played = play(lambda at_s: [(person(0.5), 0.8, PERSON if at_s < 2 else DOG)], until_s=4, fps=5)
    by_class = {c: {t.n for _, ts in played for t in ts if t.class_id == c} for c in (PERSON, DOG)}
    assert by_class == {PERSON: {1}, DOG: {None, 2}}


def test_grouped_classes_are_one_object_and_the_class_seen_most_wins() -> None:
    """The model says truck for one frame in four, and both names at once in another."""

    def scene(at_s: float) -> list[Seen]:
        box = (0.2 + 0.02 * at_s, 0.4, 0.5 + 0.02 * at_s, 0.6)
        frame = round(at_s * 5) % 4
        seen: list[Seen] = [(box, 0.7, TRUCK if frame == 3 else CAR)]
        return [*seen, (box, 0.5, TRUCK)] if frame == 1 else seen

    played = play(scene, until_s=4, fps=5)
    assert numbers(played) == {1}
    assert all(len(tracks) == 1 and tracks[0].class_id == CAR for _, tracks in played)


def test_without_groups_they_are_two() -> None:
    tracks = Tracker(Config(class_groups=()), labels=LABELS).update(
        detections([((0.2, 0.4, 0.5, 0.6), 0.7, CAR), ((0.2, 0.4, 0.5, 0.6), 0.6, TRUCK)]), 0.0
    )
    assert [t.class_id for t in tracks] == [CAR, TRUCK]


def test_the_age_is_in_seconds() -> None:
    played = play(lambda at_s: [] if 0.5 < at_s < 1.5 else [(person(0.5), 0.7, PERSON)], until_s=3, fps=2)
    assert [[t.age_s for t in tracks] for _, tracks in played] == [
        [0.0],
        [0.5],
        [],
        [1.5],
        [2.0],
        [2.5],
        [3.0],
    ]


def test_frames_without_anything_are_fine() -> None:
    assert numbers(play(lambda _: [], until_s=10, fps=5)) == set()


@pytest.mark.parametrize("at_s", [1.0, 0.9, -5.0, math.nan, math.inf])
def test_time_that_does_not_go_forward_is_refused_and_harms_nothing(at_s: float) -> None:
    tracker = Tracker()
    seen = detections([(person(0.5), 0.7, PERSON)])
    tracker.update(seen, 1.0)
    with pytest.raises(ValueError, match="not later"):
        tracker.update(seen, at_s)
    assert [t.n for t in tracker.update(seen, 1.2)] == [1]


def crowd(seed: int, frames: int = 60) -> list[Detections]:
    """People who walk about, are missed one time in five and come with false boxes."""
    rng = np.random.default_rng(seed)
    position, velocity = rng.uniform(0.1, 0.9, (8, 2)), rng.normal(0, 0.08, (8, 2))
    result = []
    for frame in range(frames):
        people = [
            (
                person(*(position[i] + velocity[i] * frame / 5).tolist()),
                float(rng.uniform(0.2, 0.95)),
                int(i % 2),
            )
            for i in range(8)
            if rng.random() > 0.2
        ]
        false = [(person(*rng.uniform(0, 1, 2).tolist()), float(rng.uniform(0.2, 0.5)), 0) for _ in range(2)]
        result.append(detections(people + false))
    return result


@pytest.mark.parametrize("epoch_s", [0.0, 1.7e9], ids=["from zero", "seconds since 1970"])
def test_a_replay_gives_the_same(epoch_s: float) -> None:
    frames = crowd(seed=3)
    first, again = Tracker(labels=LABELS), Tracker(labels=LABELS)
    for i, frame in enumerate(frames):
        left = first.update(frame, i / 5)
        right = again.update(frame, epoch_s + i / 5)
        assert [(t.n, t.xyxyn, t.class_id) for t in left] == [(t.n, t.xyxyn, t.class_id) for t in right]


def test_the_order_of_the_boxes_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    first, again = Tracker(), Tracker()
    for i, frame in enumerate(crowd(seed=5)):
        order = rng.permutation(len(frame))
        shuffled = Detections(frame.xyxyn[order], frame.confidence[order], frame.class_id[order])
        assert first.update(frame, i / 5) == again.update(shuffled, i / 5)


boxes = st.tuples(st.floats(0, 0.9), st.floats(0, 0.9), st.floats(0.01, 0.5), st.floats(0.01, 0.5)).map(
    lambda b: (b[0], b[1], min(b[0] + b[2], 1.0), min(b[1] + b[3], 1.0))
)
frames_of_boxes = st.lists(
    st.lists(st.tuples(boxes, st.floats(0.05, 1), st.integers(0, 3)), max_size=6), min_size=1, max_size=12
)


@settings(max_examples=60, deadline=None)
@given(frames=frames_of_boxes, steps=st.lists(st.floats(0.05, 3), min_size=12, max_size=12))
def test_whatever_comes(frames: list[list[Seen]], steps: list[float]) -> None:
    """Numbers run from 1 without a gap, none twice in a frame, and every track is a box that was given."""
    tracker = Tracker(labels=LABELS)
    at_s, given_out = 0.0, 0
    for seen, step in zip(frames, steps, strict=False):
        at_s += step
        found = detections(seen)
        tracks = tracker.update(found, at_s)
        named = [t.n for t in tracks if t.n is not None]
        assert len(named) == len(set(named))
        new = sorted(n for n in named if n > given_out)
        assert new == list(range(given_out + 1, given_out + 1 + len(new)))
        given_out += len(new)
        assert {t.xyxyn for t in tracks} <= {tuple(box) for box in found.xyxyn.tolist()}
        assert all(0 <= t.age_s <= at_s for t in tracks)
        assert [t.confidence for t in tracks] == sorted((t.confidence for t in tracks), reverse=True)

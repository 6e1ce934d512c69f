"""Looks at one plate, good and bad, and what they come to."""

from __future__ import annotations

import itertools
import random

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.plates.reading import Candidate, Reading
from detectors.plates.votes import Sureness, Verdict, Votes, weigh
from lianfang.plates import Colour, fitting

SURE = Sureness(min_looks=2, min_share=0.75)
CORNERS = np.array([(10, 10), (106, 10), (106, 40), (10, 40)], np.float32)


def reading(
    text: str,
    confidence: float = 0.95,
    colour: Colour | None = "blue",
    accepted: bool | None = None,
    doubts: dict[int, str] | None = None,
    corners: NDArray[np.float32] = CORNERS,
) -> Reading:
    """Return a reading sure of each character alike; ``doubts``: what else a place may be, with the rest."""
    characters = tuple(
        (Candidate(c, confidence), *(Candidate(other, 1 - confidence) for other in (doubts or {}).get(i, "")))
        for i, c in enumerate(text)
    )
    kind = fitting(text, colour)
    if accepted is None:
        accepted = confidence >= 0.9 and kind is not None
    return Reading(corners, text, characters, confidence, colour, kind.name if kind else None, accepted)


def vote(*looks: tuple[float, Reading], sureness: Sureness = SURE) -> Verdict:
    votes = Votes()
    for weight, look in looks:
        votes.cast(look, weight)
    verdict = votes.verdict(sureness)
    assert verdict is not None
    return verdict


def test_without_looks_there_is_no_verdict() -> None:
    votes = Votes()
    assert votes.verdict(SURE) is None
    votes.cast(reading("粤T12345"), 0.0)
    assert votes.verdict(SURE) is None


def test_looks_that_agree_are_accepted_once_there_are_enough() -> None:
    one = vote((0.5, reading("粤T12345")))
    assert (one.text, one.kind, one.colour, one.accepted) == ("粤T12345", "ordinary", "blue", False)
    two = vote((0.5, reading("粤T12345")), (0.2, reading("粤T12345")))
    assert two.accepted
    assert two.confidence == pytest.approx(0.95)
    assert [c for c, _ in two.characters[0]] == ["粤"]
    assert vote((0.5, reading("粤T12345")), sureness=Sureness(1, 0.75)).accepted


def test_each_character_is_voted_for_by_itself() -> None:
    """No look is right as a whole, yet the plate is read; no look said just this, so a person decides."""
    said = vote(
        (0.5, reading("粤T12S45", 0.8)), (0.5, reading("粤T72345", 0.8)), (0.5, reading("皖T12345", 0.8))
    )
    assert said.text == "粤T12345"
    assert not said.accepted
    assert said.confidence == pytest.approx(0.8 * 2 / 3)


def test_a_clear_look_outweighs_blurred_ones_and_ambiguity_is_kept() -> None:
    said = vote(
        (0.9, reading("粤T12345")),
        (0.1, reading("粤T1234S", 0.6, doubts={6: "5"})),
        (0.1, reading("粤T1234S", 0.6, doubts={6: "5"})),
    )
    assert said.text == "粤T12345"
    assert said.accepted
    assert [c for c, _ in said.characters[6]] == ["5", "S"]
    five, other = said.characters[6]
    assert five.confidence == pytest.approx((0.9 * 0.95 + 0.2 * 0.4) / 1.1)
    assert other.confidence == pytest.approx(0.2 * 0.6 / 1.1)


def test_the_commonest_length_votes_and_others_do_not() -> None:
    """A green plate whose eighth character was lost in one look."""
    long, short = reading("粤BD12345", colour="green"), reading("粤BD1234", 0.7, colour="green")
    said = vote((0.6, long), (0.1, short), (0.6, long))
    assert (said.text, said.kind, said.accepted) == ("粤BD12345", "new_energy_small", True)
    torn = vote((0.5, long), (0.4, short), (0.5, short))
    assert torn.text == "粤BD1234"
    assert torn.kind is None, "seven characters on green"
    assert not torn.accepted


def test_two_plates_on_one_track_are_not_accepted() -> None:
    """Whatever is behind it: a wrong track, or a recogniser that is sure and wrong."""
    said = vote((0.5, reading("粤T12345")), (0.5, reading("粤T12345")), (0.4, reading("粤T12346")))
    assert said.text == "粤T12345"
    assert not said.accepted


def test_a_single_weak_slip_does_not_undo_what_all_others_say() -> None:
    good = [(0.6, reading("粤T12345"))] * 4
    assert vote(*good, (0.3, reading("粤T1234S"))).accepted


def test_many_unsure_looks_do_not_make_a_sure_one() -> None:
    """Frames of one pass share their faults."""
    assert not vote(*[(0.5, reading("粤T12345", 0.89))] * 12).accepted


def test_colour_and_grammar_must_agree() -> None:
    on_green = reading("粤T12345", colour="green", accepted=True)
    assert not vote((0.5, on_green), (0.5, on_green)).accepted
    unknown = reading("粤T12345", colour=None, accepted=True)
    said = vote((0.5, unknown), (0.5, unknown))
    assert (said.colour, said.kind, said.accepted) == (None, None, False)


def test_kinds_by_hearsay_go_to_a_person() -> None:
    widened = reading("京AA12345", colour="green", accepted=True)
    said = vote((0.5, widened), (0.5, widened))
    assert said.kind == "new_energy_small_widened"
    assert not said.accepted


def test_only_the_best_looks_are_kept_and_a_replay_says_the_same() -> None:
    rng = random.Random(5)  # noqa: S311 - nothing secret
    texts = ["粤T12345", "粤T1234S", "粤T12346", "粤T1234"]
    looks = [(rng.random(), reading(rng.choice(texts), rng.uniform(0.5, 1))) for _ in range(300)]
    votes, again = Votes(), Votes()
    for weight, look in looks:
        votes.cast(look, weight)
    for weight, look in looks:
        again.cast(look, weight)
    best = sorted(looks, key=lambda look: -look[0])[:12]
    assert votes.verdict(SURE) == again.verdict(SURE) == vote(*best)
    assert len(votes._looks) == 12


def picture(scale: float, blur_px: float) -> NDArray[np.uint8]:
    """Return white strokes on dark, a plate of 100 × 32 pixels at scale 1, whole picture."""
    image = np.full((32, 100), 60, np.uint8)
    for x in range(8, 96, 8):
        image[6:26, x : x + 3] = 220
    size = (round(100 * scale), round(32 * scale))
    image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    if blur_px:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), blur_px), np.uint8)
    return np.ascontiguousarray(np.repeat(image[..., None], 3, axis=2))


def weight(scale: float = 1.0, blur_px: float = 0.0, confidence: float = 0.9) -> float:
    image = picture(scale, blur_px)
    height, width = image.shape[:2]
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    return weigh(image, reading("粤T12345", confidence, corners=corners))


def test_larger_sharper_and_surer_looks_weigh_more() -> None:
    assert weight(confidence=0.5) == pytest.approx(weight() * 5 / 9)
    sizes = [weight(scale) for scale in (0.5, 0.75, 1.0, 1.4)]
    assert all(a < b for a, b in itertools.pairwise(sizes))
    assert weight(3.0) == pytest.approx(weight(4.0), rel=0.1), "no better than it is read"
    blurred = [weight(blur_px=px) for px in (0, 2, 4, 8)]
    assert all(a > b for a, b in itertools.pairwise(blurred))
    assert 0 <= blurred[-1] < blurred[0] <= 1


def test_a_plate_half_out_of_the_picture_has_a_weight_too() -> None:
    image = picture(1.0, 0.0)
    for shift in ((-60, -10), (80, 20), (300, 300), (-300, 0)):
        corners = np.array([(0, 0), (100, 0), (100, 32), (0, 32)], np.float32) + np.array(shift, np.float32)
        assert 0 <= weigh(image, reading("粤T12345", corners=corners)) <= 1

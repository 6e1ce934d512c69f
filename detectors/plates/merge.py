"""One text out of several recognisers' opinions, with what else may stand at each of its places.

Texts that a recogniser proposes, and all that are one character away from them, are judged by every one: a
text's score is the weighed mean of the logarithms of its likelihoods, less what the grammar, the ground's
colour and a site's prior hold against it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from detectors.plates.ctc import Steps, best_path, likelihoods
from detectors.plates.reading import Candidate
from lianfang.plates import ALPHABET, PROVINCES, Colour, matches

Text = tuple[int, ...]
Prior = Mapping[str, float]
"""Shares, 0-1, of the plates at a site that begin so: ``{"皖A": 0.7, "皖": 0.15}``; the rest is anybody's."""

# Natural logarithms: a text must be that much likelier to be believed all the same.
_UNCONFIRMED, _WRONG_COLOUR, _NO_PLATE = 1.0, 3.0, 6.0
_LIKELY = 0.02  # a character that no recogniser gives this much anywhere stands nowhere
_CANDIDATES = 5  # kept at a place
_LEAST = 0.005  # of a candidate's probability
_LONGEST = 9  # characters of a plate, and one more


@dataclass(frozen=True)
class Merged:
    """The text that all opinions together find likeliest."""

    text: str
    characters: tuple[tuple[Candidate, ...], ...]
    score: float
    """Mean logarithm of the likelihood per character, less objections: compares ways to cut out one plate."""
    agreed: bool
    """Whether each recogniser alone reads this text."""


def merge(
    opinions: Sequence[Steps],
    weights: Sequence[float],
    colours: Sequence[Colour],
    prior: Prior | None = None,
) -> Merged:
    """Return the likeliest text of a plate whose ground may have any of ``colours``; "" where there is none.

    ``weights`` are the shares of the opinions, adding up to 1.
    """
    proposed = [best_path(steps)[:_LONGEST] for steps in opinions]
    likely = np.flatnonzero(np.max([steps[:, 1:].max(axis=0) for steps in opinions], axis=0) > _LIKELY)
    texts = sorted(set(proposed))
    if len(texts) > 1 or _objection(_text(texts[0]), colours):
        near = {edit for text in texts for edit in _edits(text, likely)}
        texts += sorted(text for text in near - set(texts) if _objection(_text(text), colours) < _NO_PLATE)
    held = np.array([_objection(_text(text), colours) + _rarity(_text(text), prior) for text in texts])
    scores = np.tensordot(weights, [likelihoods(steps, texts) for steps in opinions], 1) - held
    best = texts[int(scores.argmax())]
    if not best:
        return Merged("", (), float(scores.max()), False)
    characters = _characters(best, likely, opinions, weights, colours, prior)
    text = "".join(place[0].character for place in characters)
    agreed = all(_text(one) == text for one in proposed)
    return Merged(text, characters, float(scores.max()) / len(best), agreed)


def _characters(
    text: Text,
    likely: NDArray[np.intp],
    opinions: Sequence[Steps],
    weights: Sequence[float],
    colours: Sequence[Colour],
    prior: Prior | None,
) -> tuple[tuple[Candidate, ...], ...]:
    """Return the candidates at each place of ``text``, given the others: the mean of all opinions of it."""
    choices = np.union1d(likely, np.array(text))
    texts = [(*text[:i], int(c), *text[i + 1 :]) for i in range(len(text)) for c in choices]
    held = np.array([_objection(_text(one), colours) + _rarity(_text(one), prior) for one in texts])
    shares = np.zeros((len(text), len(choices)))
    for steps, weight in zip(opinions, weights, strict=True):
        likelihood = (likelihoods(steps, texts) - held).reshape(shares.shape)
        each = np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
        shares += weight * each / each.sum(axis=1, keepdims=True)
    places = []
    for place in shares:
        strongest = np.argsort(-place, kind="stable")[:_CANDIDATES]
        kept = [c for c in strongest if place[c] >= _LEAST] or [strongest[0]]
        places.append(tuple(Candidate(ALPHABET[choices[c]], round(float(place[c]), 4)) for c in kept))
    return tuple(places)


def _edits(text: Text, likely: NDArray[np.intp]) -> set[Text]:
    """Return the texts with one character less, more, or another."""
    ends = [(text[:i], text[i:]) for i in range(len(text) + 1)]
    found = {head + tail[1:] for head, tail in ends if tail}
    for character in map(int, likely):
        found |= {(*head, character, *tail) for head, tail in ends}
        found |= {(*head, character, *tail[1:]) for head, tail in ends if tail}
    return found


def _objection(text: str, colours: Sequence[Colour]) -> float:
    """Return what the grammar and the colour hold against a text, as a logarithm."""
    kinds = matches(text)
    if not kinds:
        return _NO_PLATE
    return min(
        (0 if kind.confirmed else _UNCONFIRMED) + (0 if set(colours) & set(kind.colours) else _WRONG_COLOUR)
        for kind in kinds
    )


def _rarity(text: str, prior: Prior | None) -> float:
    """Return how rare the beginning of a text is at the site, as a logarithm of at least 0."""
    if not prior:
        return 0.0
    begin = max((begin for begin in prior if text.startswith(begin)), key=len, default=None)
    rest = max(1 - sum(prior.values()), 0.01) / len(PROVINCES)
    return -log(min(1.0, max(rest, prior[begin] if begin else rest)))


def _text(indices: Text) -> str:
    return "".join(ALPHABET[i] for i in indices)

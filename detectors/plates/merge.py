"""One text out of several recognisers' opinions, with what else may stand at each of its places.

Texts that a recogniser proposes, and all that are one character away from them, are judged by every one: a
text's score is the weighed mean of the logarithms of its likelihoods, less what the grammar, the ground's
colour and a site's prior hold against it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log

import numpy as np
from numpy.typing import NDArray

from detectors.plates.ctc import Steps, best_path, likelihoods
from detectors.plates.reading import Candidate
from lianfang.plates import ALPHABET, DIGITS, LETTERS, PROVINCES, Colour, matches

Text = tuple[int, ...]
Prior = Mapping[str, float]
"""Shares, 0-1, of the plates at a site that begin so: ``{"皖A": 0.7, "皖": 0.15}``; the rest is anybody's."""

# Natural logarithms: a text must be that much likelier to be believed all the same.
_UNCONFIRMED, _WRONG_COLOUR, _NO_PLATE = 1.0, 4.0, 8.0
_LIKELY = 0.02  # a character that no recogniser gives this much anywhere stands nowhere
_MOST = 16  # of those: bounds the time that noise takes
_CANDIDATES = 5  # kept at a place
_LEAST = 0.005  # of a candidate's probability
_LONGEST = 9  # characters of a plate, and one more
WORDS = "".join(c for c in ALPHABET if c not in PROVINCES + LETTERS + DIGITS)
"""What ends a plate of a special kind: 学, 挂, 警 and others."""
_WORD_INDICES = [ALPHABET.index(word) for word in WORDS]


@dataclass(frozen=True, eq=False)
class Opinion:
    """What one recogniser makes of a plate, its share of the say, and characters that it cannot judge."""

    steps: Steps
    weight: float
    unknown: str = ""

    def open_minded(self) -> Steps:
        """Return the steps with every unknown character as likely as the likeliest at that step."""
        steps = self.steps.copy()
        steps[:, [1 + ALPHABET.index(c) for c in self.unknown]] = steps[:, 1:].max(axis=1, keepdims=True)
        return steps


@dataclass(frozen=True)
class Merged:
    """The text that all opinions together find likeliest."""

    text: str
    characters: tuple[tuple[Candidate, ...], ...]
    score: float
    """Mean logarithm of the likelihood per character, less objections: to compare cuts of one plate."""
    support: float
    """0-1: how likely the text is to each beside what it reads by itself; 1 where all read this."""


def merge(opinions: Sequence[Opinion], colours: Sequence[Colour], prior: Prior | None = None) -> Merged:
    """Return the likeliest text of a plate whose ground may have any of ``colours``; "" where there is none.

    The weights of the opinions add up to 1.
    """
    jury = _Jury(opinions, colours, prior)
    proposed = [best_path(opinion.steps)[:_LONGEST] for opinion in opinions]
    texts = sorted(set(proposed))
    if len(texts) > 1 or jury.objections(texts)[0] > 0:
        texts += jury.near(texts)
    each = jury.likelihoods(texts)
    scores = jury.weights @ each - jury.objections(texts)
    first = int(scores.argmax())
    best = texts[first]
    if not best:
        return Merged("", (), float(scores[first]), 0.0)
    own = np.array([one[texts.index(text)] for one, text in zip(each, proposed, strict=True)])
    support = float(jury.weights @ np.exp(np.minimum(0, each[:, first] - own)))
    characters = jury.characters(best)
    # Place by place the mean is less swayed by one who is very sure than the text's likelihood is.
    text = "".join(place[0].character for place in characters)
    return Merged(text, characters, float(scores[first]) / len(best), support)


class _Jury:
    """All opinions of one plate, and what is held against texts beside."""

    def __init__(self, opinions: Sequence[Opinion], colours: Sequence[Colour], prior: Prior | None) -> None:
        self.weights = np.array([opinion.weight for opinion in opinions])
        self._opinions, self._colours, self._prior = opinions, colours, prior
        self._steps = [opinion.open_minded() for opinion in opinions]
        highest = np.max([opinion.steps[:, 1:].max(axis=0) for opinion in opinions], axis=0)
        strongest = np.argsort(-highest, kind="stable")[:_MOST]
        self._likely = np.sort(strongest[highest[strongest] > _LIKELY])

    def likelihoods(self, texts: Sequence[Text]) -> NDArray[np.float64]:
        """Return the logarithms (opinions, N) of the likelihoods of ``texts``."""
        return likelihoods(self._steps, texts)

    def objections(self, texts: Sequence[Text]) -> NDArray[np.float64]:
        """Return what is held against each of ``texts``, (N,), as a logarithm."""
        return np.array([_objection(_text(t), self._colours) + _rarity(_text(t), self._prior) for t in texts])

    def near(self, texts: Sequence[Text]) -> list[Text]:
        """Return the plates that are one character away from ``texts``."""
        edits = {edit for text in texts for edit in _edits(text, self._likely)} - set(texts)
        # The colour may ask for a word at the end that nobody could read.
        edits |= {(*text[:length], word) for text in texts for length in (6, 7) for word in _WORD_INDICES}
        return [edit for edit in sorted(edits) if _kinds(_text(edit))]

    def characters(self, text: Text) -> tuple[tuple[Candidate, ...], ...]:
        """Return the candidates at each place of ``text``, given the others: the mean of all opinions."""
        choices = np.union1d(self._likely, np.array(text))
        texts = [(*text[:i], int(c), *text[i + 1 :]) for i in range(len(text)) for c in choices]
        logarithms = (self.likelihoods(texts) - self.objections(texts)).reshape(-1, len(text), len(choices))
        shares = np.exp(logarithms - logarithms.max(axis=2, keepdims=True))
        shares /= shares.sum(axis=2, keepdims=True)
        return tuple(self._place(ALPHABET[c], shares[:, i], choices) for i, c in enumerate(text))

    def _place(
        self, best: str, shares: NDArray[np.float64], choices: NDArray[np.intp]
    ) -> tuple[Candidate, ...]:
        """Return the candidates at a place from ``shares`` (opinions, choices) of who knows its best."""
        known = np.array([[ALPHABET[c] not in one.unknown for c in choices] for one in self._opinions])
        judged = shares * known + 1e-12
        judged /= judged.sum(axis=1, keepdims=True)
        weights = self.weights * [best not in one.unknown for one in self._opinions]
        mean = weights @ judged / weights.sum()
        strongest = np.argsort(-mean, kind="stable")[:_CANDIDATES]
        kept = [c for c in strongest if mean[c] >= _LEAST] or [strongest[0]]
        return tuple(Candidate(ALPHABET[choices[c]], round(float(mean[c]), 4)) for c in kept)


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
    return (
        min(
            (0 if kind.confirmed else _UNCONFIRMED)
            + (0 if set(colours) & set(kind.colours) else _WRONG_COLOUR)
            for kind in _kinds(text)
        )
        if _kinds(text)
        else _NO_PLATE
    )


# The same plate is seen in many pictures.
_kinds = lru_cache(maxsize=8192)(matches)


def _rarity(text: str, prior: Prior | None) -> float:
    """Return how rare the beginning of a text is at the site, as a logarithm of at least 0."""
    if not prior:
        return 0.0
    begin = max((begin for begin in prior if text.startswith(begin)), key=len, default=None)
    rest = max(1 - sum(prior.values()), 0.01) / len(PROVINCES)
    return -log(min(1.0, max(rest, prior[begin] if begin else rest)))


def _text(indices: Text) -> str:
    return "".join(ALPHABET[i] for i in indices)

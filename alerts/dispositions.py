"""Plates that the police look for (布控), each for a time and perhaps at some tollgates only. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from lianfang.plates import folded, normalised


@dataclass(frozen=True, slots=True)
class Disposition:
    """What the platform of ``receiver`` ordered under ``number``, as it stood for a time.

    ``plate`` is normalised. It stands from ``since`` on until before ``until``: not before it was received,
    and not after it was changed or revoked. ``tollgates`` are codes; without one it is for everywhere.
    ``priority`` and ``address`` are the platform's own; the texts are not for everybody.
    """

    receiver: str
    number: str
    plate: str
    since: datetime
    until: datetime
    tollgates: frozenset[str] = frozenset()
    title: str = ""
    reason: str = ""
    priority: int = 0
    address: str = ""

    def stands(self, at: datetime, tollgate: str) -> bool:
        """Say whether it stood at ``at`` where ``tollgate`` is the code, "" for none."""
        return self.since <= at < self.until and (not self.tollgates or tollgate in self.tollgates)


@dataclass(frozen=True, slots=True)
class Word:
    """What a platform said about a number from ``since`` on: look for this, or (None) for nothing more."""

    receiver: str
    number: str
    since: datetime
    wanted: Disposition | None


@dataclass(frozen=True, slots=True)
class Ordered:
    """Those that a plate is wanted by. Unless ``exact`` it only looks like theirs: a person must decide."""

    dispositions: tuple[Disposition, ...]
    exact: bool


_Known = Mapping[tuple[str, str], tuple[Disposition, ...]]


@dataclass(frozen=True)
class Dispositions:
    """All that matter to what is in the log, by receiver.

    ``revision`` is the store's, of the last word; up to ``loaded`` they were read from there as a whole.
    """

    revision: int = 0
    loaded: int = 0
    by_number: _Known = field(default_factory=dict)
    by_looks: _Known = field(default_factory=dict)
    """By what their plates may be taken for."""

    @property
    def all(self) -> tuple[Disposition, ...]:
        """Every one of them, the oldest first."""
        return _sorted(one for those in self.by_number.values() for one in those)

    def after(self, words: Iterable[Word], revision: int) -> Dispositions:
        """Return them after more ``words``, in their order; what stood before stood until then."""
        by_number, by_looks = dict(self.by_number), dict(self.by_looks)
        for word in words:
            key = word.receiver, word.number
            before = by_number.pop(key, ())
            ended = [replace(one, until=min(one.until, word.since)) for one in before]
            stood = (*ended, *((word.wanted,) if word.wanted is not None else ()))
            for one in before:
                _without(by_looks, one)
            if now := tuple(one for one in stood if one.since < one.until):
                by_number[key] = now
            for one in now:
                looks = _looks(one)
                by_looks[looks] = (*by_looks.get(looks, ()), one)
        return Dispositions(revision, self.loaded, by_number, by_looks)

    def hit(self, receiver: str, text: str, at: datetime, tollgate: str) -> Ordered | None:
        """Return by which of a receiver's ``text`` was wanted, exactly or else perhaps; None for none."""
        plate = normalised(text)
        alike = self.by_looks.get((receiver, folded(plate)), ())
        wanted = _sorted(one for one in alike if one.stands(at, tollgate))
        exact = tuple(one for one in wanted if one.plate == plate)
        return Ordered(exact or wanted, bool(exact)) if wanted else None


def _looks(one: Disposition) -> tuple[str, str]:
    return one.receiver, folded(one.plate)


def _without(by_looks: dict[tuple[str, str], tuple[Disposition, ...]], gone: Disposition) -> None:
    if left := tuple(one for one in by_looks[_looks(gone)] if one is not gone):
        by_looks[_looks(gone)] = left
    else:
        del by_looks[_looks(gone)]


def _sorted(those: Iterable[Disposition]) -> tuple[Disposition, ...]:
    return tuple(sorted(those, key=lambda one: (one.since, one.number)))


NO_DISPOSITIONS = Dispositions()

"""Plates that the police look for (布控), each for a time and perhaps at some tollgates only. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

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
class Ordered:
    """Those that a plate is wanted by. Unless ``exact`` it only looks like theirs: a person must decide."""

    dispositions: tuple[Disposition, ...]
    exact: bool


@dataclass(frozen=True)
class Dispositions:
    """All that matter to what is in the log; ``revision`` is the store's."""

    all: tuple[Disposition, ...] = ()
    revision: int = 0

    def hit(self, receiver: str, text: str, at: datetime, tollgate: str) -> Ordered | None:
        """Return by which of a receiver's ``text`` was wanted, exactly or else perhaps; None for none."""
        plate = normalised(text)
        for exact, seen_as, index in ((True, plate, self._exact), (False, folded(plate), self._blurred)):
            wanted = [one for one in index.get((receiver, seen_as), ()) if one.stands(at, tollgate)]
            if wanted:
                return Ordered(tuple(wanted), exact)
        return None

    @cached_property
    def _exact(self) -> Mapping[tuple[str, str], list[Disposition]]:
        return _indexed(((one.receiver, one.plate), one) for one in self.all)

    @cached_property
    def _blurred(self) -> Mapping[tuple[str, str], list[Disposition]]:
        return _indexed(((one.receiver, folded(one.plate)), one) for one in self.all)


def _indexed(
    those: Iterable[tuple[tuple[str, str], Disposition]],
) -> Mapping[tuple[str, str], list[Disposition]]:
    index: dict[tuple[str, str], list[Disposition]] = {}
    for key, one in those:
        index.setdefault(key, []).append(one)
    return index


NO_DISPOSITIONS = Dispositions()

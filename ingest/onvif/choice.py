"""Which of the streams of a device are a camera's main and its sub-stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ingest.onvif.answers import Profile
from lianfang.errors import UnknownName

_NARROWEST = 640
"""Width in pixels that sub-streams have where nothing else is said (`sub_width` of a camera)."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the configuration says: tokens, and how wide the main stream has to be, in pixels."""

    lens: str | None = None
    main: str | None = None
    sub: str | None = None
    min_width: int | None = None


def chosen(profiles: Sequence[Profile], wanted: Wanted) -> tuple[Profile, Profile | None]:
    """Return the profile of the main stream and that of the sub-stream, None if it has no smaller one.

    Without a token the main is the smallest that is ``min_width`` wide, the largest if none is or nothing is
    said; the sub-stream is the smallest of the same lens. UnknownName says which profiles there are.
    """
    of_lens = _of_lens(profiles, wanted.lens)
    main = _named(profiles, wanted.main) if wanted.main else _main(of_lens, wanted.min_width)
    if wanted.sub:
        return main, _named(profiles, wanted.sub)
    same = [p for p in profiles if p.source == main.source and p.width >= _NARROWEST]
    return main, min((p for p in same if p.pixels < main.pixels), key=_size, default=None)


def _main(profiles: Sequence[Profile], min_width: int | None) -> Profile:
    wide = [p for p in profiles if min_width is not None and p.width >= min_width]
    return min(wide, key=_size) if wide else max(profiles, key=lambda p: p.pixels)


def _size(profile: Profile) -> tuple[int, float]:
    return profile.pixels, profile.fps


def _of_lens(profiles: Sequence[Profile], lens: str | None) -> Sequence[Profile]:
    if not profiles:
        raise UnknownName("it has no profile with video")
    asked = profiles[0].source if lens is None else lens
    found = [p for p in profiles if p.source == asked]
    if not found:
        known = ", ".join(dict.fromkeys(p.source for p in profiles))
        raise UnknownName(f"it has no lens {asked!r}, only {known}")
    return [p for p in found if p.encoding.startswith("H26")] or found


def _named(profiles: Sequence[Profile], token: str) -> Profile:
    for profile in profiles:
        if profile.token == token:
            return profile
    raise UnknownName(f"it has no profile {token!r}, only {', '.join(p.token for p in profiles)}")

"""What the stanzas of receivers of notices have in common."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, model_validator

from alerts.channels.base import ChannelConfig, Role
from alerts.links import PictureLinks
from alerts.signatures import SigningKeys, check_keys
from lianfang.config import Config, Problem, Stanza
from lianfang.config.tls import Tls
from lianfang.reach.networks import Reached


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("an IANA time zone such as Asia/Shanghai")
    return name


ZoneName = Annotated[str, AfterValidator(_zone)]
"""The time zone of a receiver that is told local times."""


Clips = Literal["none", "told", "inline"]


class Retry(Stanza):
    """How often a notice is tried, and for how long. Pauses double; each is at random from 0 to its limit."""

    first_s: float = Field(default=5, ge=0.1, le=3600)
    """Limit of the first pause, in seconds."""
    longest_s: float = Field(default=36_000, ge=1, le=86_400)
    """Limit of any pause, in seconds."""
    give_up_h: float = Field(default=72, gt=0, le=720)
    """Hours after which it is a dead letter, which a person can send again."""

    @model_validator(mode="after")
    def _grows(self) -> Self:
        if self.longest_s < self.first_s:
            raise ValueError("a 'longest_s' that is not below 'first_s'")
        return self


class Backfill(Stanza):
    """After an outage: from when a notice is late, and how much of what is late goes out."""

    after_s: float = Field(default=600, ge=10, le=86_400)
    """Seconds after what it is about was seen; a live one goes as `backfill` if its incident is over then."""
    per_s: float = Field(default=2, ge=0.01, le=1000)
    """So many late ones a second, after what is new; those of incidents that are not over do not wait."""

    def is_late(self, captured_at: datetime, now: datetime) -> bool:
        """Say whether what is about something seen then is late now."""
        return captured_at <= self.late_until(now)

    def late_until(self, now: datetime) -> datetime:
        """Return the time up to which what was seen is late now."""
        return now - timedelta(seconds=self.after_s)


class Receipts(Stanza):
    """A receiver lets us know what it makes of an incident: it posts to /api/receivers/{its id}/receipts."""

    secrets: SigningKeys
    """The key that it signs with; while that is being changed, the old and the new one: either counts."""

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield keys that nobody can sign with."""
        yield from super().check(config)
        yield from check_keys(("secrets",), self.secrets)


class NoticeConfig(Reached, ChannelConfig):
    """What the stanzas of all receivers of notices have: where they may be, and our patience."""

    role: ClassVar[Role] = "notice"
    timeout_s: float = Field(default=10, gt=0, le=60)
    """Seconds until one attempt counts as failed."""
    retry: Retry = Retry()
    """What happens where it does not answer."""
    backfill: Backfill = Backfill()
    """How what is late goes out."""
    receipts: Receipts | None = None
    """What it lets us know; nothing is taken from it where not given."""


class PictureNoticeConfig(NoticeConfig):
    """What the stanzas of those have that are given pictures: how many, and how."""

    max_body_bytes: int = Field(default=8 * 1024 * 1024, ge=64 * 1024, le=64 * 1024 * 1024)
    """The largest message that it takes; pictures for which there is no room are left out."""
    picture_links: PictureLinks | None = None
    """Pictures as signed links that expire; within the message where not given. Clips, too."""
    clips: Clips | None = None
    """``told``: once an incident's clip is made, one more message brings its link, or says where it is;
    ``inline``: it brings the film, which is megabytes. Where not given, ``told`` if pictures are links."""

    @property
    def takes_clips(self) -> bool:
        """Whether one more message says that a clip is made."""
        return self.clips in ("told", "inline") or (self.clips is None and self.picture_links is not None)

    @property
    def brings_films(self) -> bool:
        """Whether messages bring the film itself."""
        return self.clips == "inline"

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield links that are over before the last attempt, or that nothing is left for."""
        yield from super().check(config)
        if self.picture_links is not None and self.brings_films:
            yield Problem(("clips",), "inline", "none or told: with 'picture_links' a clip is behind a link")
        if self.picture_links is not None and self.picture_links.valid_h < self.retry.give_up_h:
            allowed = f"at least retry.give_up_h ({self.retry.give_up_h:g}): the last attempt carries them"
            yield Problem(("picture_links", "valid_h"), f"{self.picture_links.valid_h:g}", allowed)


class TlsNoticeConfig(PictureNoticeConfig):
    """What the stanzas of those have that we speak to over TLS ourselves: how we know each other."""

    ca_file: Path | None = None
    """Certificates to trust instead of the system's, for a platform with an authority of its own."""
    cert_file: Path | None = None
    """Our own certificate with its chain (PEM), where it asks for one."""
    key_file: Path | None = None
    """The key of our own certificate (PEM)."""

    @property
    def tls(self) -> Tls:
        """How it is spoken to over TLS."""
        return Tls(ca_file=self.ca_file, cert_file=self.cert_file, key_file=self.key_file)

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield certificates and keys that cannot be used."""
        yield from super().check(config)
        yield from self.tls.check(config)

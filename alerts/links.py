"""Links that are signed, and over after a while. Who has one gets what it leads to and nothing else."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

from pydantic import Field

from lianfang.config import Secret, Stanza

CLIP = "clip"
_ENDINGS = {CLIP: "mp4"}


class PictureLinks(Stanza):
    """Pictures and clips as links to this installation, in place of what they lead to."""

    base_url: str = Field(pattern=r"^https?://[^\s@?#]+$")
    """What the receiver calls the API, such as https://lianfang.example."""
    secret: Secret
    """Signs the links; whoever has it can make links to every picture and clip."""
    valid_h: float = Field(default=168, gt=0, le=2160)
    """Hours after which a link is over."""

    def link(self, evidence_id: str, kind: str, since: datetime) -> tuple[str, datetime]:
        """Return the link to a picture or ``clip``, and when it is over: ever the same for ``since``."""
        until = datetime.fromtimestamp(int((since + timedelta(hours=self.valid_h)).timestamp()), UTC)
        query = signed(self._key, f"{evidence_id}/{kind}", until)
        ending = _ENDINGS.get(kind, "jpg")
        return f"{self.base_url.rstrip('/')}/pictures/{evidence_id}/{kind}.{ending}?{query}", until

    def opens(self, evidence_id: str, kind: str, until: str, signature: str, now: datetime) -> bool:
        """Say whether it is a link of ours that is not over."""
        return opens(self._key, f"{evidence_id}/{kind}", until, signature, now)

    @property
    def _key(self) -> bytes:
        return self.secret.read().encode()


def signed(key: bytes, what: str, until: datetime) -> str:
    """Return the query of a link to ``what`` that is over at the second of ``until``."""
    end = str(int(until.timestamp()))
    return f"until={end}&signature={_signature(key, what, end)}"


def opens(key: bytes, what: str, until: str, signature: str, now: datetime) -> bool:
    """Say whether a link to ``what`` was signed with ``key``, and is not over."""
    right = hmac.compare_digest(_signature(key, what, until).encode(), signature.encode())
    return right and now.timestamp() < int(until)


def _signature(key: bytes, what: str, until: str) -> str:
    return hmac.new(key, f"{what}\n{until}".encode(), hashlib.sha256).hexdigest()

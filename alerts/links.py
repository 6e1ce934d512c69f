"""Links to pictures: signed, and over after a while. Who has one sees that picture and nothing else."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

from pydantic import Field

from lianfang.config import Secret, Stanza


class PictureLinks(Stanza):
    """Pictures as links to this installation, in place of the pictures themselves."""

    base_url: str = Field(pattern=r"^https?://[^\s@?#]+$")
    """What the receiver calls the API, such as https://lianfang.example."""
    secret: Secret
    """Signs the links; whoever has it can make links to every picture."""
    valid_h: float = Field(default=168, gt=0, le=2160)
    """Hours after which a link is over."""

    def link(self, evidence_id: str, kind: str, since: datetime) -> tuple[str, datetime]:
        """Return the link to a picture, and when it is over. The same ``since`` gives the same link."""
        until = int((since + timedelta(hours=self.valid_h)).timestamp())
        signature = self._sign(evidence_id, kind, str(until))
        path = f"/pictures/{evidence_id}/{kind}.jpg?until={until}&signature={signature}"
        return self.base_url.rstrip("/") + path, datetime.fromtimestamp(until, UTC)

    def opens(self, evidence_id: str, kind: str, until: str, signature: str, now: datetime) -> bool:
        """Say whether it is a link of ours that is not over."""
        right = hmac.compare_digest(self._sign(evidence_id, kind, until).encode(), signature.encode())
        return right and now.timestamp() < int(until)

    def _sign(self, evidence_id: str, kind: str, until: str) -> str:
        said = f"{evidence_id}/{kind}\n{until}".encode()
        return hmac.new(self.secret.read().encode(), said, hashlib.sha256).hexdigest()

"""A notice as a message by mail (RFC 5322): the same bytes whenever it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from typing import Any, Protocol

from alerts.channels.base import Delivery, Picture
from alerts.links import CLIP, PictureLinks
from alerts.notice_body import with_room
from alerts.payload import Notice, notice_of
from lianfang.config.community import Language

_LONGEST_SUBJECT = 150  # characters
_CLIPS: Mapping[Language, str] = {
    "zh": "录像（{until:%Y-%m-%d %H:%M} UTC 前有效）：{url}",
    "en": "Clip (until {until:%Y-%m-%d %H:%M} UTC): {url}",
}
_MISSING: Mapping[Language, str] = {"zh": "缺少图片：", "en": "Pictures missing: "}
_LINKED: Mapping[Language, str] = {
    "zh": "图片（{until:%Y-%m-%d %H:%M} UTC 前有效）：{url}",
    "en": "Picture (until {until:%Y-%m-%d %H:%M} UTC): {url}",
}


class _Policy(EmailPolicy):
    """That of the standard library, which in Python 3.11 loses spaces where it breaks an encoded line."""

    def fold_binary(self, name: str, value: Any) -> bytes:  # noqa: ANN401 - as there
        """Return a header as it is sent."""
        if name != "Subject":
            return super().fold_binary(name, value)
        folded = Header(str(value), "utf-8", header_name=name).encode(linesep=self.linesep)
        return f"{name}: {folded}{self.linesep}".encode("ascii")


class Letter(Protocol):
    """What is told of a notice: its subject and its text, in a language."""

    @property
    def language(self) -> Language:
        """The language."""
        ...

    def subject_of(self, notice: Notice) -> str:
        """Return the subject."""
        ...

    def text_of(self, notice: Notice) -> str:
        """Return the text."""
        ...


@dataclass(frozen=True, slots=True)
class Mail:
    """Makes messages from ``sender`` to all of ``to``, addresses of ASCII; ``links`` as in the stanza."""

    letter: Letter
    sender: str
    to: Sequence[str]
    links: PictureLinks | None

    def message(self, delivery: Delivery, max_bytes: int) -> bytes:
        """Return the message with the pictures for which there is room; PermanentError where it has none.

        Its Message-ID is made of the delivery's id: who gets it twice can tell. All that is said about an
        incident refers to the same one, so that it stands together.
        """

        def make(pictures: Sequence[Picture], missing: str) -> bytes:
            return self._message(delivery, pictures, missing).as_bytes()

        return with_room(delivery, max_bytes, make)

    def _message(self, delivery: Delivery, pictures: Sequence[Picture], missing: str) -> EmailMessage:
        notice = notice_of(delivery.payload)
        domain = self.sender.rpartition("@")[2]
        message = EmailMessage(policy=_Policy(linesep="\r\n"))
        message["From"] = Address(addr_spec=self.sender)
        message["To"] = [Address(addr_spec=address) for address in self.to]
        message["Subject"] = _line(self.letter.subject_of(notice))[:_LONGEST_SUBJECT]
        message["Date"] = delivery.created_at
        message["Message-ID"] = f"<{delivery.id}@{domain}>"
        message["References"] = f"<{delivery.incident_id}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday note comes back
        lines = [self.letter.text_of(notice)]
        if missing:
            lines.append(f"{_MISSING[self.letter.language]}{missing}")
        if self.links is not None:
            since, language = delivery.created_at, self.letter.language
            for picture in pictures:
                url, until = self.links.link(picture.evidence, picture.kind, since)
                lines.append(_LINKED[language].format(until=until, url=url))
            if notice.clip is not None and notice.clip.state == "kept":
                url, until = self.links.link(notice.clip.id, CLIP, since)
                lines.append(_CLIPS[language].format(until=until, url=url))
        message.set_content("\n\n".join(lines) + "\n", cte="base64")
        if self.links is None and pictures:
            for picture in pictures:
                name = f"{picture.kind}-{picture.captured_at:%Y%m%dT%H%M%SZ}.jpg"
                message.add_attachment(picture.jpeg, maintype="image", subtype="jpeg", filename=name)
            message.set_boundary(f"=_{delivery.id}")  # "=_" is in no base64
        return message


def _line(text: str) -> str:
    """Return ``text`` as one line: whatever a name or a title holds, it makes no header of its own."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())

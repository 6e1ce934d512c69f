"""The XML in the messages of GB/T 28181 (MANSCDP): small flat documents in GB18030.

What the standard of 2011 and 2016 calls GB2312 is declared as that by most devices and platforms, whatever
they write in it; GB18030 holds all of it, and every other character, too.
"""

from __future__ import annotations

import re
from typing import Literal
from xml.etree import ElementTree as ET

MEDIA = "Application/MANSCDP+xml"
Declared = Literal["GB18030", "GB2312"]
_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>", re.ASCII)
_ENCODING = re.compile(rb"^\s*<\?xml[^>]{0,100}encoding\s*=\s*[\"']([\w.-]{1,20})[\"']")
# What XML 1.0 has no way to write, not even as a number; surrogates have no bytes either.
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class BadXml(ValueError):  # noqa: N818 - reads as the fact it states
    """A body that is no such document, and why."""


def document(root: str, *children: ET.Element) -> ET.Element:
    """Return an element with children."""
    made = ET.Element(root)
    made.extend(children)
    return made


def element(name: str, text: object) -> ET.Element:
    """Return an element with a text; what XML cannot write is left out."""
    made = ET.Element(name)
    made.text = _UNWRITABLE.sub("", str(text))
    return made


def write(root: ET.Element, declared: Declared) -> bytes:
    """Return the document in GB18030, declared as ``declared``."""
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="{declared}"?>\n{text}'.encode("gb18030")


def read(body: bytes) -> ET.Element:
    """Return the root of a document in GB18030 or UTF-8; BadXml.

    A declaration that is not true is not believed. Entities and document types are refused: they are in no
    message of the standard, and make a small document large.
    """
    text = _DECLARATION.sub("", _decoded(body), count=1)
    if "<!" in text:
        raise BadXml("a document type or a comment, which no message has")
    try:
        return ET.fromstring(text)  # noqa: S314 - it has no entities, and is as long as a datagram
    except ET.ParseError as error:
        raise BadXml(f"no XML: {error}") from error


def _decoded(body: bytes) -> str:
    found = _ENCODING.search(body)
    claims_utf_8 = found is not None and found[1].lower().startswith(b"utf")
    for encoding in ("utf-8-sig", "gb18030") if claims_utf_8 or found is None else ("gb18030", "utf-8-sig"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadXml("a body in neither GB18030 nor UTF-8")

"""Documents in GB18030: every character survives, and nothing that comes makes us fall over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.gb28181.xml import BadXml, document, element, read, write
from deploy.simulators import gb28181_documents as theirs

# In GB 2312, in GBK only, in four bytes of GB18030, beyond the first plane, and what XML has marks for.
RARE = "萳㙍䶮𠮷🛶<&>\"'河岸"
WRITABLE = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"))


def told(text: str) -> bytes:
    return write(
        document(
            "Notify",
            element("CmdType", "Alarm"),
            element("SN", 7),
            element("DeviceID", "44200000001190000001"),
            element("AlarmDescription", text),
        ),
        "GB18030",
    )


def test_rare_characters_survive() -> None:
    body = told(RARE)
    assert theirs.read(body).findtext("AlarmDescription") == RARE
    assert read(body).findtext("AlarmDescription") == RARE
    assert "萳".encode("gbk") in body
    assert "㙍".encode("gb18030") in body
    assert len("㙍".encode("gb18030")) == 4


@given(WRITABLE)
def test_every_character_survives(text: str) -> None:
    assert (theirs.read(told(text)).findtext("AlarmDescription") or "") == text
    assert (read(told(text)).findtext("AlarmDescription") or "") == text


@given(st.text(st.characters()))
def test_what_xml_cannot_write_is_left_out(text: str) -> None:
    left = theirs.read(told(text)).findtext("AlarmDescription") or ""
    assert set(left) <= set(text) | {"\n"}  # a reader makes every end of a line one of these


@pytest.mark.parametrize("declared", ["GB2312", "gb2312", "GB18030", "GBK"])
def test_what_others_declare_and_write(declared: str) -> None:
    text = (
        f'<?xml version="1.0" encoding="{declared}" standalone="yes" ?>\r\n<Response><R>萳㙍䶮</R></Response>'
    )
    assert read(text.encode("gb18030")).findtext("R") == "萳㙍䶮"


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ("", "utf-8"),
        ("", "gb18030"),
        ('<?xml version="1.0"?>', "utf-8"),
        ('<?xml version="1.0" encoding="UTF-8"?>\n', "utf-8"),
        ('<?xml version="1.0" encoding="utf-8"?>\n', "gb18030"),  # not true
        ("<?xml version='1.0' encoding='gb2312'?>", "utf-8-sig"),  # nor this
    ],
)
def test_a_declaration_is_not_believed_against_the_bytes(head: str, encoding: str) -> None:
    text = f"{head}<Response><R>河岸有人</R></Response>"
    assert read(text.encode(encoding)).findtext("R") == "河岸有人"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<Response>",
        b"<Response></Notify>",
        b"\xff\xff\xff",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<?xml version="1.0"?><!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b"<a>&undefined;</a>",
        b"<a>\x00</a>",
    ],
)
def test_what_is_no_document(body: bytes) -> None:
    with pytest.raises(BadXml):
        read(body)


@given(st.data())
def test_no_bytes_make_it_fall_over(data: st.DataObject) -> None:
    good = told(RARE)
    noise = data.draw(st.binary(max_size=60))
    at = data.draw(st.integers(0, len(good)))
    until = data.draw(st.integers(at, len(good)))
    for body in (noise, good[:at] + noise + good[until:]):
        try:
            read(body).findtext("SN")
        except BadXml:
            continue

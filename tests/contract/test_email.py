"""Notices by mail: what a real mail server gets, and what each of its answers means."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.channels import email
from alerts.channels.base import Delivery, Receipt
from alerts.notice_mail import Mail
from lianfang.clock import SystemClock
from lianfang.errors import LianfangError, PermanentError, TransientError
from tests.support.certificates import self_signed
from tests.support.channels import TIMEOUT_S, delivery_of, picture, secret_in_env, send
from tests.support.outbox import notice
from tests.support.smtp import MailServer, read

SENDER, ONE, TWO, THREE = "alarm@town.example", "a@town.example", "b@town.example", "c@town.example"
UNREAD: Any = None


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls"))


def tls_of(certificate: Path) -> ssl.SSLContext:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    return tls


def stanza(port: int, **changed: object) -> email.Config:
    """Return the settings of a receiver at a mail server on this machine, in clear."""
    return email.Config.model_validate(
        {
            "kind": "email",
            "host": "127.0.0.1",
            "port": port,
            "encryption": "none",
            "sender": SENDER,
            "to": [ONE],
            "networks": ["127.0.0.0/8"],
            "timeout_s": TIMEOUT_S,
            **changed,
        }
    )


def told(server: MailServer, *deliveries: Delivery, **changed: object) -> list[Receipt | Exception]:
    """Hand the deliveries to the server; return what came of each."""

    async def run() -> list[Receipt | Exception]:
        async with server:
            return await send(email.build(stanza(server.port, **changed), SystemClock()), *deliveries)

    return asyncio.run(run())


def of(**changed: object) -> Delivery:
    return delivery_of(notice("incident-1", 3, **changed))


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return "\n".join(str(body.get_content()).splitlines())


def test_a_message() -> None:
    server = MailServer(ONE, TWO)
    pictures = (picture("annotated"), picture("original"))
    delivery = replace(of(change="confirmed"), pictures=pictures)
    (got,) = told(server, delivery, to=[ONE, TWO])
    assert got == Receipt("250", "2.0.0 queued as 4711")
    (mail,) = server.mails.values()
    assert mail["Subject"] == "【演练】已确认：有人下到河边 北桥 河岸（重要）"
    assert mail["From"] == SENDER
    assert mail["To"] == f"{ONE}, {TWO}"
    assert mail["Message-ID"] == "<delivery-1@town.example>"
    assert mail["References"] == "<incident-1@town.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime == delivery.created_at
    assert text_of(mail).splitlines()[:3] == [
        "【演练】已确认：有人下到河边",
        "地点：东升社区 北桥 河岸（北桥 1 号）",
        "时间：06-01 16:00:00",
    ]
    attached = {part.get_filename(): part.get_content() for part in mail.iter_attachments()}
    assert list(attached) == ["original-20250601T080000Z.jpg", "annotated-20250601T080000Z.jpg"]
    assert list(attached.values()) == [picture("original").jpeg, picture("annotated").jpeg]
    assert server.boxes == {ONE: ["<delivery-1@town.example>"], TWO: ["<delivery-1@town.example>"]}


def test_in_english_and_in_ones_own_words() -> None:
    server = MailServer(ONE)
    told(server, of(mode="task"), language="en", timezone="UTC", subject="{point}: {change}")
    (mail,) = server.mails.values()
    assert mail["Subject"] == "北桥: Found"
    assert "When: 06-01 08:00:00\nPeople: 1\nSeverity: high\nNumber: incident" in text_of(mail)


def test_pictures_as_links(monkeypatch: pytest.MonkeyPatch) -> None:
    links = {"base_url": "https://us.example/", "secret": secret_in_env(monkeypatch, "k"), "valid_h": 72}
    server = MailServer(ONE)
    told(server, replace(of(), pictures=(picture(),)), picture_links=links)
    (mail,) = server.mails.values()
    assert (
        "图片（2025-06-04 08:00 UTC 前有效）：https://us.example/pictures/evidence-1/original.jpg?"
        in text_of(mail)
    )
    assert not list(mail.iter_attachments())
    server = MailServer(ONE)
    clip = {"id": "clip-1", "state": "kept"}
    told(server, of(change="clip", clip=clip), picture_links=links)
    (mail,) = server.mails.values()
    assert "\n录像（2025-06-04 08:00 UTC 前有效）：https://us.example/" in text_of(mail)


@pytest.mark.parametrize("largest", [0, 80_000])
def test_pictures_for_which_there_is_no_room_are_left_out(largest: int) -> None:
    """The room is what is configured, or less where the server says so (SIZE)."""
    server = MailServer(ONE, largest=largest)
    large = replace(picture("annotated"), jpeg=bytes(64 * 1024))
    room = 8 * 1024 * 1024 if largest else 64 * 1024
    told(server, replace(of(), pictures=(large, picture())), max_body_bytes=room)
    (mail,) = server.mails.values()
    assert [part.get_filename() for part in mail.iter_attachments()] == ["original-20250601T080000Z.jpg"]
    assert "缺少图片：1 left out: the message would have had more than" in text_of(mail)


def test_a_server_that_takes_less_than_the_notice() -> None:
    (got,) = told(MailServer(ONE, largest=100), of())
    assert str(got) == "the notice has more than 100 bytes"
    assert isinstance(got, PermanentError)


def test_no_header_is_anybody_elses() -> None:
    server = MailServer(ONE)
    evil = "河边\r\nBcc: x@evil.example\r\n\r\nno\x00body"
    place = notice("incident-1", 3)["place"] | {"point_name": evil, "camera_name": evil}
    (got,) = told(server, of(title=evil, community=evil, place=place))
    assert isinstance(got, Receipt)
    (mail,) = server.mails.values()  # the server refuses headers that it does not expect
    assert (
        mail["Subject"]
        == "【演练】发现：河边 Bcc: x@evil.example nobody 河边 Bcc: x@evil.example nobody 河岸（重要）"
    )
    assert mail["From"].addresses[0].addr_spec == SENDER
    assert server.boxes == {ONE: ["<delivery-1@town.example>"]}


@given(
    title=st.text(max_size=200).filter(
        lambda text: text.isascii() or text.encode(errors="replace").decode() == text
    )
)
def test_whatever_a_title_holds_it_is_one_message(title: str) -> None:
    settings = stanza(25)
    mail = Mail(settings, settings.sender, settings.to, None)
    message = mail.message(of(title=title), 1_000_000)
    assert MailServer()._judge(message) == ""
    assert read(message)["Subject"].startswith("【演练】发现：")
    assert message == mail.message(of(title=title), 1_000_000), "the same on every attempt"


@pytest.mark.parametrize(
    ("faults", "kind", "said"),
    [
        (["451 4.3.0 try later"], TransientError, "answered 451 4.3.0 try later"),
        (["452 4.3.1 disk full"], TransientError, "answered 452 4.3.1 disk full"),
        (["421 4.3.2 going down"], TransientError, "answered 421 4.3.2 going down"),
        (["554 5.7.1 spam"], PermanentError, "answered 554 5.7.1 spam"),
        (["552 5.3.4 too big"], PermanentError, "answered 552 5.3.4 too big"),
        (["drop"], TransientError, "the connection broke: "),
        (["lost"], TransientError, "the connection broke: "),
    ],
)
def test_answers(faults: list[str], kind: type[Exception], said: str) -> None:
    server = MailServer(ONE, faults=faults)
    got, again = told(server, of(), of())
    assert type(got) is kind
    assert str(got).startswith(said)
    assert isinstance(again, Receipt)
    assert len(server.mails) == 1, "a repeat has the same Message-ID"
    assert len(server.boxes[ONE]) == (2 if faults == ["lost"] else 1)


def test_a_server_that_hangs() -> None:
    (got,) = told(MailServer(ONE, faults=["hang"]), of(), timeout_s=0.5)
    assert isinstance(got, TransientError)
    assert str(got) == "no answer within 0.5 s"


def test_one_bad_address_of_three() -> None:
    server = MailServer(ONE, THREE)
    (got,) = told(server, of(), to=[ONE, TWO, THREE])
    assert got == Receipt("250", f"2.0.0 queued as 4711; refused: {TWO} 550 5.1.1 no such mailbox")
    assert all(server.boxes.values())


def test_nobody_takes_it() -> None:
    (got,) = told(MailServer(), of(), to=[ONE, TWO])
    assert isinstance(got, PermanentError)
    no = "550 5.1.1 no such mailbox"
    assert str(got) == f"taken for nobody: {ONE} {no}, {TWO} {no}"


def test_who_has_it_does_not_get_it_again() -> None:
    server = MailServer(ONE, TWO, refusals={TWO: ["450 4.2.0 greylisted", "450 4.2.0 greylisted"]})
    first, second, third = told(server, of(), of(), of(), to=[ONE, TWO, THREE])
    for got in (first, second):
        assert isinstance(got, TransientError)
        assert str(got) == f"not taken yet: {TWO} 450 4.2.0 greylisted"
    assert third == Receipt("250", f"2.0.0 queued as 4711; refused: {THREE} 550 5.1.1 no such mailbox")
    assert server.boxes == {ONE: ["<delivery-1@town.example>"], TWO: ["<delivery-1@town.example>"]}


@pytest.mark.parametrize("encryption", ["starttls", "tls"])
@pytest.mark.parametrize(
    ("password", "trusted", "said"),
    [
        ("right", True, ""),
        ("wrong", True, "does not let us in: 535 "),
        ("right", False, "no TLS connection: "),
    ],
)
def test_tls_and_login(
    monkeypatch: pytest.MonkeyPatch,
    certificate: Path,
    encryption: str,
    password: str,
    trusted: bool,
    said: str,
) -> None:
    server = MailServer(ONE, tls=tls_of(certificate), implicit=encryption == "tls", login=("us", "right"))
    login = {"username": "us", "password": secret_in_env(monkeypatch, password)}
    trust = {"ca_file": certificate} if trusted else {}
    (got,) = told(server, of(), encryption=encryption, **login, **trust)
    if said:
        assert isinstance(got, TransientError)  # somebody will put it right
        assert said in str(got)
        assert password not in str(got)
        assert not server.mails
    else:
        assert isinstance(got, Receipt)


def test_no_message_without_tls(certificate: Path) -> None:
    """A server that offers none, and one that asks for it."""
    plain = MailServer(ONE)
    (got,) = told(plain, of(), encryption="starttls")
    assert isinstance(got, TransientError)
    assert str(got).startswith("does not let us in: ")
    (got,) = told(MailServer(ONE, tls=tls_of(certificate)), of())
    assert isinstance(got, PermanentError)
    assert str(got).startswith("answered 530 ")
    assert not plain.mails


def test_a_login_that_the_server_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    password = secret_in_env(monkeypatch, "geheim")
    (got,) = told(MailServer(ONE), of(), username="us", password=password)
    assert isinstance(got, TransientError)
    assert str(got).startswith("does not let us in: ")


@pytest.mark.parametrize(
    ("networks", "said"),
    [
        (["10.0.0.0/8"], "no connection: 127.0.0.1 is no public address"),
        ([], "no connection: 127.0.0.1 is no"),
    ],
)
def test_a_server_that_may_not_be_there_is_not_called(networks: list[str], said: str) -> None:
    server = MailServer(ONE)
    (got,) = told(server, of(), host="localhost", networks=networks)
    assert isinstance(got, TransientError)
    assert str(got).startswith(said)
    assert server.connections == 0


def test_nobody_listens() -> None:
    (got,) = asyncio.run(send(email.build(stanza(1), SystemClock()), of()))
    assert isinstance(got, TransientError)
    assert str(got).startswith("no connection: ")


def test_few_connections_at_once() -> None:
    async def run() -> None:
        async with MailServer(ONE) as server:
            channel = email.build(stanza(server.port), SystemClock())
            await asyncio.gather(*(channel.send(replace(of(), id=f"d{i}")) for i in range(12)))
            assert len(server.boxes[ONE]) == server.connections == 12
            assert server.open_at_most <= 4

    asyncio.run(run())


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"host": "10.1.1.1"}, "host"),
        ({"username": "us"}, "password"),
        ({"to": [ONE, ONE.upper()]}, "to"),
        ({"networks": [], "host": "mail.example"}, "encryption"),
        ({"clips": "inline"}, "clips"),
    ],
)
def test_what_is_wrong_with_a_stanza(changed: dict[str, Any], key: str) -> None:
    assert [problem.key for problem in stanza(25, **changed).check(UNREAD)] == [(key,)]


def test_a_password_in_clear_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    login = {"username": "us", "password": secret_in_env(monkeypatch, "x")}
    (problem,) = stanza(25, **login).check(UNREAD)
    assert problem.warning


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "a@",
        "@b.example",
        "a b@c.example",
        "a@b.example\nBcc: c@d",
        "a@b.example\n",
        "张@x.cn",
        "a@-b.cn",
        "a..b@c.cn",
    ],
)
def test_what_is_no_address(address: str) -> None:
    for changed in ({"sender": address}, {"to": [address]}):
        with pytest.raises(ValueError, match="should match pattern"):
            stanza(25, **changed)


def test_every_error_is_one_that_delivery_knows() -> None:
    """Garbage instead of SMTP."""

    async def babble(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x16\x03\x01 this is no SMTP\r\n\r\n")
        await writer.drain()
        writer.close()

    async def run() -> LianfangError:
        server = await asyncio.start_server(babble, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            (got,) = await send(email.build(stanza(port), SystemClock()), of())
        assert isinstance(got, TransientError)
        return got

    assert str(asyncio.run(run())).startswith("does not let us in: ")


def test_a_withdrawal_has_the_number_of_what_it_withdraws() -> None:
    server = MailServer(ONE)
    told(server, of(change="confirmed"), replace(of(change="false_alarm"), id="delivery-2"))
    first, last = server.mails.values()
    assert first["References"] == last["References"] == "<incident-1@town.example>"
    assert last["Subject"].startswith("【演练】误报，已撤销：")
    assert all("编号：incident" in text_of(mail) for mail in (first, last))

"""Cameras of guests through the API: invited, joined, paused, withdrawn, and who looked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select, text

from alerts.guests.book import GuestBook
from alerts.guests.consent import words
from alerts.settings import Settings
from alerts.store import Store
from alerts.store.clips import ClipRow
from alerts.store.exports import ExportRow
from alerts.store.guests import GuestRow, InvitationRow, LookRow
from alerts.store.schema import EvidenceRow, VersionRow
from lianfang.bus.embedded import EmbeddedBus
from lianfang.clock import ManualClock
from lianfang.reach.guests import GuestSource
from lianfang.reach.shared import FRESH_S, QUESTION
from lianfang.sealing import Seal
from tests.support import guests
from tests.support.api import START, Client, Data, Reply, Site, serving
from tests.support.configs import SECRETS
from tests.support.guests import LOGIN, asked, invited, offer, source
from tests.support.live import jpeg, running

URL = "rtsp://127.0.0.1:8554/stream"
PICTURE = b"\xff\xd8\xff\xd9"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Client]]:
    """One site for all of these tests: to begin one takes a second."""
    folder = tmp_path_factory.mktemp("guests")
    store = Store(f"sqlite:///{folder}/store.db")
    with pytest.MonkeyPatch.context() as environment:
        for name, value in SECRETS.items():
            environment.setenv(name, value)
        with closing(EmbeddedBus.own(folder / "bus")) as bus:
            site = Site(guests.config(folder), store, clock=ManualClock(START), live=bus)
            with serving(site.app(static=folder)) as port:
                yield site, Client(port)
    store.close()


@pytest.fixture
def site(whole: tuple[Site, Client]) -> Site:
    whole[0].clear()
    return whole[0]


@pytest.fixture
def client(site: Site, whole: tuple[Site, Client]) -> Client:
    assert isinstance(site.clock, ManualClock)
    tomorrow = site.clock.now() + timedelta(days=1)  # each test begins at the same time of day
    site.clock.advance_to(tomorrow.replace(hour=START.hour, minute=0, second=0, microsecond=0))
    whole[1].login()
    return whole[1]


def later(site: Site, seconds: float) -> None:
    assert isinstance(site.clock, ManualClock)
    site.clock.advance_to(site.clock.now() + timedelta(seconds=seconds))


def seal(site: Site) -> Seal:
    assert site.config.guests is not None
    return Seal(site.config.guests.secrets)


def seen(site: Site, token: str, url: str = URL) -> str:
    """Return what a preview gives, without one being taken."""
    with site.store.read() as session:
        rows = session.scalars(select(InvitationRow)).all()
    (row,) = [r for r in rows if r.digest == hashlib.sha256(token.encode()).hexdigest()]
    mark = GuestSource.model_validate(source(url)).model_dump_json()
    return seal(site).close([row.id, hashlib.sha256(mark.encode()).hexdigest()])


def joined(site: Site, client: Client, **other: Data) -> tuple[str, str]:
    """Return the id of a camera that has joined, and what stands in its owner's link."""
    token = invited(client)
    reply = asked(Client(client.port), "POST", "join", token, offer(seen(site, token), URL, **other))
    assert reply.status == HTTPStatus.CREATED, reply.json
    with site.store.read() as session:
        newest = session.scalars(select(GuestRow).order_by(GuestRow.consented_at.desc())).first()
    assert newest is not None
    return newest.id, reply.json["link"].partition("#")[2]


def readers(site: Site, client: Client) -> Data:
    """Return what ingest hears."""
    reply = client.send("POST", "/share/readers", seal(site).close(QUESTION).encode(), "text/plain")
    assert reply.status == HTTPStatus.OK
    return seal(site).open(reply.body.decode(), FRESH_S)["guests"]


def told(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.json["code"]


def test_a_camera_joins_with_consent_and_nothing_tells_its_password(site: Site, client: Client) -> None:
    token = invited(client)
    stranger = Client(client.port)
    shown = asked(stranger, "GET", "invitation", token).json
    assert (shown["name"], [rule["id"] for rule in shown["rules"]]) == ("便民超市门口", ["stay"])
    assert shown["consent"]["zh"] == words("zh", "测试社区")
    guest, owner = joined(site, client)
    later(site, 1)
    cameras = {camera["id"]: camera for camera in client.get("/api/cameras").json}
    assert cameras[guest]["name"] == "便民超市门口"
    read = readers(site, client)[guest]
    assert (read["source"], read["networks"]) == (source(URL), ["127.0.0.0/8"])
    assert (read["camera"]["fps"], "source" in read["camera"]) == (2, False)
    own = asked(stranger, "GET", "camera", owner).json["camera"]
    assert own["consent"]["text"] == words("zh", "测试社区")
    assert (own["consent"]["name"], own["consent"]["version"], len(own["consent"]["sha256"])) == (
        "陈老板",
        "1",
        64,
    )
    listed = client.get("/api/guests")
    with site.store.read() as session:
        settings = [row.changes for row in session.scalars(select(VersionRow))]
        tables = [f"SELECT * FROM {table}" for table in ("guests", "versions")]  # noqa: S608 - ours
        dump = "".join(str(row) for table in tables for row in session.execute(text(table)))
    assert settings[-1]["guests"][guest]["rules"] == ["stay"]
    for secret in (LOGIN[1], LOGIN[0], "8554"):
        assert secret not in dump + listed.body.decode() + str(own)


def test_an_invitation_is_good_once_and_for_its_time(site: Site, client: Client) -> None:
    stranger = Client(client.port)
    used = invited(client)
    proof = seen(site, used)
    assert asked(stranger, "POST", "join", used, offer(proof, URL)).status == HTTPStatus.CREATED
    late, revoked = invited(client), invited(client)
    (row,) = [r for r in client.get("/api/guests").json["invitations"] if r["state"] == "open"][:1]
    assert {r["state"] for r in client.get("/api/guests").json["invitations"]} == {"open", "used"}
    assert told(asked(stranger, "POST", "join", used, offer(proof, URL))) == (404, "no_invitation")
    with site.store.read() as session:
        rows = {r.digest: r.id for r in session.scalars(select(InvitationRow))}
    number = rows[hashlib.sha256(revoked.encode()).hexdigest()]
    assert client.request("DELETE", f"/api/guests/invitations/{number}").json["state"] == "ended"
    assert told(asked(stranger, "GET", "invitation", revoked)) == (404, "no_invitation")
    assert asked(stranger, "GET", "invitation", late).status == HTTPStatus.OK
    later(site, 72 * 3600 + 1)
    assert told(asked(stranger, "GET", "invitation", late)) == (404, "no_invitation")
    assert told(asked(stranger, "GET", "invitation", "")) == (404, "no_invitation")
    assert row["author_name"] == "王芳"


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({"installed": "toilet"}, (422, "forbidden_place")),
        ({"agreed": False}, (422, "invalid_request")),
        ({"consent_version": "0"}, (409, "other_words")),
        ({"rules": ["entry"]}, (422, "refused")),
        ({"hours": {"windows": [{"begin": "25:00"}]}}, (422, "invalid_request")),
        ({"masks": [[[0, 0], [1, 1]]]}, (422, "invalid_request")),
        ({"preview": "made up"}, (409, "no_preview")),
        ({"source": {**source(URL), "password": "another"}}, (409, "no_preview")),
        ({"source": source("rtsp://u:p@127.0.0.1:8554/")}, (422, "address_credentials")),
        ({"source": source("rtsp://169.254.169.254/latest")}, (422, "address_host")),
        ({"source": source("rtsp://100.100.100.200/")}, (422, "address_host")),
        ({"source": source("rtsp://10.0.0.1/")}, (422, "address_host")),
        ({"source": source("rtsp://0x7f.1/")}, (422, "address_host")),
        ({"source": source("rtsp://[::1]/")}, (422, "address_host")),
        ({"source": source("rtsp://127.0.0.1:22/")}, (422, "address_port")),
        ({"source": source("file:///etc/passwd")}, (422, "address_scheme")),
        ({"source": {**source("rtmp://127.0.0.1:8554/"), "kind": "rtmp"}}, (422, "address_kind")),
    ],
)
def test_what_is_not_allowed_is_refused(
    site: Site, client: Client, change: Data, answer: tuple[int, str]
) -> None:
    token = invited(client)
    reply = asked(Client(client.port), "POST", "join", token, {**offer(seen(site, token), URL), **change})
    assert told(reply) == answer
    assert LOGIN[1] not in reply.body.decode()
    assert readers(site, client) == {}


def test_what_is_forbidden_cannot_be_invited_and_workers_invite_nobody(client: Client) -> None:
    reply = client.post("/api/guests/invitations", {"name": "女更衣室"})
    assert told(reply) == (422, "refused")
    assert "更衣" in reply.json["detail"]
    assert told(client.post("/api/guests/invitations", {"name": "门口", "near": "moon"})) == (422, "refused")
    client.login("walker")
    assert told(client.post("/api/guests/invitations", {"name": "门口"})) == (403, "not_yours")


def test_outside_its_hours_paused_and_withdrawn_it_is_not_read(site: Site, client: Client) -> None:
    begin, end = "16:00", "17:00"  # in Shanghai it is 16:00 at the start
    guest, owner = joined(site, client, hours={"windows": [{"begin": begin, "end": end}]})
    stranger = Client(client.port)
    later(site, 1)
    assert list(readers(site, client)) == [guest]
    later(site, 3600)
    assert readers(site, client) == {}
    assert asked(stranger, "GET", "camera", owner).json["camera"]["open_now"] is False
    later(site, 23 * 3600)
    assert list(readers(site, client)) == [guest]
    assert asked(stranger, "POST", "camera/pause", owner).json["camera"]["state"] == "paused"
    assert readers(site, client) == {}
    later(site, 2)
    client.login()
    (camera,) = [c for c in client.get("/api/cameras").json if c["id"] == guest]
    assert camera["condition"] == "disabled"
    asked(stranger, "POST", "camera/resume", owner)
    later(site, 2)
    assert list(readers(site, client)) == [guest]
    gone = asked(stranger, "POST", "camera/withdraw", owner).json["camera"]
    assert (gone["state"], gone["ended_by"]) == ("withdrawn", "owner")
    assert readers(site, client) == {}
    with site.store.read() as session:
        assert session.get_one(GuestRow, guest).sealed == ""
    later(site, 2)
    assert guest not in {c["id"] for c in client.get("/api/cameras").json}
    assert told(asked(stranger, "POST", "camera/resume", owner)) == (404, "no_camera")
    assert client.post(f"/api/guests/{guest}/resume", {"reason": "x"}).status == HTTPStatus.NOT_FOUND


def test_nobody_takes_a_withdrawal_back_by_an_older_version(site: Site, client: Client) -> None:
    guest, owner = joined(site, client)
    asked(Client(client.port), "POST", "camera/withdraw", owner)
    state = client.get("/api/settings").json
    body = {"reason": "zurück", "based_on": state["newest"]}
    assert client.post("/api/settings/1/restore", body).status == HTTPStatus.OK
    later(site, 2)
    assert guest not in {c["id"] for c in client.get("/api/cameras").json}
    assert readers(site, client) == {}


def evidence(site: Site, guest: str, n: int, **incident: Data) -> tuple[str, Path, Path]:
    """Keep a picture and a clip of an incident of a guest's camera; return its id and their files."""
    at = site.clock.now()
    number = site.open_incident(n, at, camera=guest, place=guest, point=guest, rule="stay", **incident)
    folder = site.evidence_dir / "day"
    folder.mkdir(parents=True, exist_ok=True)
    files = folder / f"{n}.jpg", folder / f"{n}.mp4"
    for file in files:
        file.write_bytes(PICTURE)
    with site.store.write() as session:
        names = {"original": f"day/{n}.jpg", "annotated": f"day/{n}.jpg"}
        session.add(
            EvidenceRow(
                id=f"picture-{n}", incident_id=number, state="kept", camera=guest, captured_at=at,
                reference={}, boxes=[], zone="view", decided_at=at, **names,
            )
        )  # fmt: skip
        session.add(
            ClipRow(
                id=f"clip-{n}", incident_id=number, state="kept", camera=guest, since=at, until=at,
                begins_at=at, file=f"day/{n}.mp4", vital=False, decided_at=at,
            )
        )  # fmt: skip
    return number, *files


@pytest.mark.parametrize(
    ("legal", "incident", "why"),
    [
        ("venue", {}, None),
        ("venue", {"state": "closed"}, None),
        ("venue", {"state": "acknowledged"}, "handling"),
        ("venue", {"state": "closed", "confirmed_by": "duty", "confirmed_at": START}, "police"),
        ("public_place", {"state": "closed"}, "public_place"),
    ],
)
def test_a_withdrawal_deletes_what_need_not_be_kept_and_says_what_is(
    site: Site, client: Client, legal: str, incident: Data, why: str | None
) -> None:
    guest, owner = joined(site, client, legal_class=legal)
    _, picture, clip = evidence(site, guest, 1, **incident)
    report = asked(Client(client.port), "POST", "camera/withdraw", owner).json["camera"]["report"]
    deleted = 0 if why else 1
    assert (report["pictures_deleted"], report["clips_deleted"]) == (deleted, deleted)
    assert report["kept"] == ({why: 1} if why else {})
    assert (picture.exists(), clip.exists()) == (bool(why), bool(why))
    shown = client.get("/api/evidence/picture-1/original.jpg")
    assert shown.status == (HTTPStatus.OK if why else HTTPStatus.NOT_FOUND)
    if why == "public_place":
        later(site, 30 * 86400 + 1)
        settings = Settings(site.config, site.store, site.clock)
        GuestBook(site.store, settings, site.clock, site.evidence_dir).purge_later()
        assert (picture.exists(), clip.exists()) == (False, False)
        after = asked(Client(client.port), "GET", "camera", owner).json["camera"]["report"]
        assert (after["pictures_deleted"], after["kept"]) == (1, {})


def test_the_owner_reads_who_looked_when_and_why(site: Site, client: Client) -> None:
    guest, owner = joined(site, client)
    evidence(site, guest, 1)
    later(site, 60)
    assert client.get("/api/evidence/picture-1/original.jpg?reason=%E6%8E%A5%E8%AD%A6").body == PICTURE
    assert client.get("/api/clips/clip-1.mp4").body == PICTURE
    assert client.get("/api/evidence/nothing/original.jpg").status == HTTPStatus.NOT_FOUND
    looks = asked(Client(client.port), "GET", "camera", owner).json["looks"]
    assert [(look["by_name"], look["what"], look["reason"]) for look in looks] == [
        ("王芳", "clip", ""),
        ("王芳", "original", "接警"),
    ]
    assert looks[0]["captured_at"] < looks[0]["at"]
    assert client.get(f"/api/guests/{guest}/looks").json == looks
    preview = client.get(f"/api/guests/{guest}/preview.jpg?reason=x")
    assert told(preview) == (404, "no_picture")  # nothing was given, and nothing is written down
    assert client.get(f"/api/guests/{guest}/preview.jpg").status == HTTPStatus.UNPROCESSABLE_ENTITY
    with site.store.read() as session:
        assert len(session.scalars(select(LookRow)).all()) == 2


def test_the_owner_reads_who_took_a_case_out_and_why(site: Site, client: Client) -> None:
    guest, owner = joined(site, client)
    incident, _, _ = evidence(site, guest, 1)
    export = client.post(f"/api/incidents/{incident}/exports", {"reason": "派出所调取"}).json["id"]
    with site.store.write() as session:
        session.get_one(ExportRow, export).state = "approved"
    assert client.get(f"/api/exports/{export}.zip").status == HTTPStatus.OK
    (look,) = asked(Client(client.port), "GET", "camera", owner).json["looks"]
    assert (look["by_name"], look["what"], look["reason"]) == ("王芳", "export", "派出所调取")


def test_a_link_of_the_owner_is_replaced_and_the_old_one_is_worthless(site: Site, client: Client) -> None:
    guest, owner = joined(site, client)
    link = client.post(f"/api/guests/{guest}/link").json["link"]
    stranger = Client(client.port)
    assert told(asked(stranger, "GET", "camera", owner)) == (404, "no_link")
    assert told(asked(stranger, "POST", "camera/withdraw", owner)) == (404, "no_link")
    assert asked(stranger, "GET", "camera", link.partition("#")[2]).json["camera"]["id"] == guest


def test_an_operator_withdraws_for_an_owner_and_says_why(site: Site, client: Client) -> None:
    guest, owner = joined(site, client)
    assert (
        client.post(f"/api/guests/{guest}/withdraw", {"reason": "店主来电"}).status == HTTPStatus.NO_CONTENT
    )
    own = asked(Client(client.port), "GET", "camera", owner).json["camera"]
    assert (own["state"], own["ended_by"], own["ended_why"]) == ("withdrawn", "王芳", "店主来电")


def test_an_operator_pauses_for_an_owner_who_reads_why(site: Site, client: Client) -> None:
    guest, owner = joined(site, client)
    stranger = Client(client.port)
    for doing, who, why in (("pause", "王芳", "镜头转向了邻居"), ("resume", "", "")):
        assert (
            client.post(f"/api/guests/{guest}/{doing}", {"reason": why or "好了"}).status
            == HTTPStatus.NO_CONTENT
        )
        own = asked(stranger, "GET", "camera", owner).json["camera"]
        assert (own["ended_by"], own["ended_why"]) == (who, why)


def test_what_may_be_read_is_said_only_to_who_has_the_key(site: Site, client: Client) -> None:
    joined(site, client)
    other = Seal([Fernet.generate_key().decode()])
    for body in ("", "x", other.close(QUESTION), seal(site).close("?")):
        assert (
            client.send("POST", "/share/readers", body.encode(), "text/plain").status == HTTPStatus.NOT_FOUND
        )


def test_the_bus_forgets_what_is_not_shared(site: Site, client: Client) -> None:
    guest, owner = joined(site, client)
    forgotten: list[str] = []
    settings = Settings(site.config, site.store, site.clock)
    book = GuestBook(site.store, settings, site.clock, site.evidence_dir, forgotten.append)
    book.forget_unshared()
    assert forgotten == []
    asked(Client(client.port), "POST", "camera/pause", owner)
    later(site, 11)
    book.forget_unshared()
    book.withdraw(guest, "owner", "")
    assert forgotten == [guest, guest]


def test_whoever_looks_live_says_why_and_its_owner_reads_it(site: Site, client: Client) -> None:
    guest, _ = joined(site, client)
    later(site, 1)
    bus = site.live
    assert bus is not None
    for path in ("live.mjpeg", "picture.jpg"):
        assert told(client.get(f"/api/cameras/{guest}/{path}"))[1] == "reason_missing"
    with running(bus, guest, guest):
        with client.connection("GET", f"/api/cameras/{guest}/live.mjpeg?reason=lost+child") as stream:
            assert jpeg() in stream.read(2 * len(jpeg()) + 500)
            owner_reads = client.get(f"/api/guests/{guest}/looks").json
            assert [(look["what"], look["reason"]) for look in owner_reads] == [("live", "lost child")]
            client.post(f"/api/guests/{guest}/pause", {"reason": "x"})
            later(site, 2)
            stream.read()  # ends by itself: it is not shared any more
        assert told(client.get(f"/api/cameras/{guest}/picture.jpg?reason=x")) == (409, "camera_off")

"""What could not be delivered: shown, sent again, receivers enabled; pictures by signed links."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

import pytest
from sqlalchemy import select

from alerts import delivery_command
from alerts.channels.base import ChannelConfig
from alerts.links import PictureLinks
from alerts.notice_settings import PictureNoticeConfig
from alerts.store import Store, receivers, subscriptions
from alerts.store.schema import OutboxRow
from alerts.store.subscriptions import Wanted
from lianfang.config import Secret
from tests.support.api import START, Client, Site, config, serving

REPLAY = "/api/deliveries/replay"


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("site")
    store = Store(f"sqlite:///{folder}/store.db")
    yield Site(config(folder), store)
    store.close()


def rows(site: Site) -> dict[str, OutboxRow]:
    with site.store.read() as session:
        return {row.id: row for row in session.scalars(select(OutboxRow))}


def states(site: Site) -> list[str]:
    return [row.state for row in rows(site).values()]


def three(site: Site) -> None:
    """Owe the police a dead letter and a delivered notice, an hour later another dead letter."""
    for n, (outcome, hours) in enumerate((("dead", 0), ("200", 0), ("dead", 1))):
        at = START + timedelta(hours=hours)
        site.tell(site.open_incident(n, at), outcome, at=at)


def test_dead_letters_are_listed_without_their_secrets(site: Site, client: Client) -> None:
    three(site)
    letters = client.get("/api/dead-letters?receiver=police").json
    assert [letter["receiver"] for letter in letters] == ["police", "police"]
    assert letters[0]["created_at"] > letters[1]["created_at"]
    assert "hunter2" not in letters[0]["last_error"]
    assert client.get("/api/dead-letters?receiver=grid_app").json == []
    assert [letter["may_go_again"] for letter in letters] == [True, True]


@pytest.mark.parametrize(("query", "n"), [("from", -1), ("to", 0)])
def test_dead_letters_of_a_time(site: Site, client: Client, query: str, n: int) -> None:
    three(site)
    at = (START + timedelta(hours=1)).isoformat().replace("+", "%2B")
    found = client.get(f"/api/dead-letters?{query}={at}").json
    assert [letter["id"] for letter in found] == [list(rows(site))[n]]


def test_a_command_whose_time_is_over_may_not_go_again(site: Site, client: Client) -> None:
    site.tell(site.open_incident(1), "dead")
    with site.store.write() as session:
        row = session.scalars(select(OutboxRow)).one()
        row.valid_until = START
    assert [letter["may_go_again"] for letter in client.get("/api/dead-letters").json] == [False]


def test_what_a_receiver_does_not_take_is_said(site: Site, client: Client) -> None:
    for n in (1, 2):
        site.tell(site.open_incident(n, START + timedelta(minutes=n)), at=START + timedelta(minutes=n))
    with site.store.write() as session:
        for row in session.scalars(select(OutboxRow)):
            row.attempts, row.last_error = 3, "HTTP 503 from http://user:hunter2@receiver/"
    shown = {r["id"]: r for r in client.get("/api/receivers").json}
    assert shown["police"]["failing_since"] == rows(site)[
        next(iter(rows(site)))
    ].created_at.isoformat().replace("+00:00", "Z")
    assert shown["police"]["trouble"] == "HTTP 503 from http://user:***@receiver/"
    assert (shown["grid_app"]["failing_since"], shown["grid_app"]["trouble"]) == (None, "")


def test_a_dead_letter_is_sent_again_by_its_id(site: Site, client: Client) -> None:
    three(site)
    dead, delivered, _ = rows(site)
    assert client.post(REPLAY, {"ids": [dead, delivered]}).json == {"count": 2}
    assert states(site) == ["pending", "pending", "dead"]
    row = rows(site)[dead]
    assert (row.attempts, row.owed_since is not None) == (0, True)


@pytest.mark.parametrize(("delivered", "after"), [(False, ["pending", "delivered"]), (True, ["pending"] * 2)])
def test_a_time_is_sent_again(site: Site, client: Client, after: list[str], *, delivered: bool) -> None:
    three(site)
    end = START + timedelta(hours=1)
    span = {"receiver": "police", "from": START.isoformat(), "to": end.isoformat(), "delivered": delivered}
    assert client.post(REPLAY, span).json == {"count": after.count("pending")}
    assert states(site) == [*after, "dead"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, HTTPStatus.UNPROCESSABLE_ENTITY),
        ({"receiver": "police"}, HTTPStatus.UNPROCESSABLE_ENTITY),
        ({"ids": ["nothing"]}, HTTPStatus.NOT_FOUND),
        (
            {"receiver": "nobody", "from": "2026-07-01T00:00:00Z", "to": "2026-07-02T00:00:00Z"},
            HTTPStatus.NOT_FOUND,
        ),
        (
            {"receiver": "police", "from": "2026-07-02T00:00:00Z", "to": "2026-07-01T00:00:00Z"},
            HTTPStatus.UNPROCESSABLE_ENTITY,
        ),
    ],
)
def test_what_is_no_replay(client: Client, body: dict[str, object], status: HTTPStatus) -> None:
    assert client.post(REPLAY, body).status == status


def test_all_or_nothing_is_sent_again(site: Site, client: Client) -> None:
    three(site)
    site.tell(site.open_incident(9))
    dead, *_, pending = rows(site)
    answer = client.post(REPLAY, {"ids": [dead, pending]})
    assert (answer.status, answer.json["code"]) == (HTTPStatus.CONFLICT, "not_again")
    assert states(site) == ["dead", "delivered", "dead", "pending"]


def test_a_receiver_that_wanted_no_more_calls_is_shown_and_enabled(site: Site, client: Client) -> None:
    three(site)
    with site.store.write() as session:
        receivers.disable(session, "police", now=START, reason="answered 410: gone")
    shown = {r["id"]: r for r in client.get("/api/receivers").json}
    assert shown["police"]["reason"] == "answered 410: gone"
    assert (shown["police"]["pending"], shown["police"]["dead"]) == (0, 2)
    assert shown["grid_app"]["disabled_at"] is None
    assert client.post("/api/receivers/police/enable").status == HTTPStatus.NO_CONTENT
    assert client.post("/api/receivers/police/enable").status == HTTPStatus.CONFLICT
    assert client.post("/api/receivers/nobody/enable").status == HTTPStatus.NOT_FOUND


def test_who_subscribes_is_shown_by_the_title_and_enabled(site: Site, client: Client) -> None:
    name = subscriptions.name_of("police", "442000000000032026070100000000001")
    wanted = Wanted("卡口过车", [13], [], "", START, START + timedelta(days=1), "http://there.test/", 0)
    with site.store.write() as session:
        subscriptions.put(session, "police", name.partition(":")[2], wanted, START)
        receivers.disable(session, name, now=START, reason="answered 410: gone")
    (shown,) = (r for r in client.get("/api/receivers").json if r["id"] == name)
    assert shown["receiver"]["name"]["zh"].endswith("：卡口过车")
    assert shown["reason"] == "answered 410: gone"
    assert client.post(f"/api/receivers/{name}/enable").status == HTTPStatus.NO_CONTENT
    assert client.post("/api/receivers/nobody:1/enable").status == HTTPStatus.NOT_FOUND


def test_workers_send_nothing_again(site: Site, client: Client) -> None:
    three(site)
    worker = Client(client.port)
    worker.login("walker")
    for path, body in ((REPLAY, {"ids": list(rows(site))[:1]}), ("/api/receivers/police/enable", None)):
        assert worker.post(path, body).status == HTTPStatus.FORBIDDEN
    assert states(site) == ["dead", "delivered", "dead"]


def test_a_linked_picture_needs_no_login_and_nothing_else_opens(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_LINKS", "key")
    links = PictureLinks(base_url="http://us", secret=Secret(env="TEST_LINKS"))
    known = {"police": PictureNoticeConfig(picture_links=links), "grid_app": ChannelConfig()}
    there = Site(site.config.model_copy(update={"receivers": known}), site.store)
    evidence = there.picture(there.open_incident(1), b"original", b"annotated")
    path = links.link(evidence, "original", there.clock.now())[0].removeprefix("http://us")
    old = links.link(evidence, "original", START - timedelta(days=3000))[0].removeprefix("http://us")
    with serving(there.app()) as port:
        anybody = Client(port)
        shown = anybody.get(path)
        assert (shown.status, shown.body) == (HTTPStatus.OK, b"original")
        assert shown.headers["Cache-Control"] == "private, no-store"
        for wrong in (
            path.replace("original", "annotated"),
            f"{path[:-1]}{'0' if path[-1] != '0' else '1'}",
            old,
        ):
            assert anybody.get(wrong).status == HTTPStatus.NOT_FOUND
        assert anybody.get(f"/api/evidence/{evidence}/original.jpg").status == HTTPStatus.UNAUTHORIZED
        assert anybody.get(path.partition("?")[0]).status == HTTPStatus.UNPROCESSABLE_ENTITY


def test_the_command_line_does_the_same(
    site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    three(site)
    with site.store.write() as session:
        receivers.disable(session, "police", now=START, reason="answered 410: gone")
    monkeypatch.setattr(delivery_command, "load", lambda _file: site.config)
    monkeypatch.setattr(delivery_command, "open_store", lambda _config: Store(str(site.store.engine.url)))

    def run(*arguments: str) -> tuple[int, str]:
        code = delivery_command.main(["site.yaml", *arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    code, said = run("list")
    assert code == 0
    assert said.splitlines()[0] == (
        "police: 0 pending, 2 dead; disabled since 2026-07-01T16:00:00+08:00: answered 410: gone"
    )
    assert len(said.splitlines()) == 3
    assert run("enable", "police") == (0, "police is called again\n")
    span = ("--from", "2026-07-01T16:00", "--to", "2026-07-01T16:30")
    assert run("again", "--receiver", "police", *span) == (0, "1 to be sent again\n")
    assert run("again", list(rows(site))[2]) == (0, "1 to be sent again\n")
    assert states(site) == ["pending", "delivered", "pending"]
    for wrong, named in (
        (("enable", "nobody"), "found 'nobody'; allowed: one of bank_speaker, grid_app, police"),
        (("again",), "allowed: ids, or --receiver"),
        (("again", "--receiver", "police"), "allowed: with --from and --to"),
        (("again", "nothing"), "no delivery nothing"),
    ):
        code, said = run(*wrong)
        assert code == 2
        assert named in said

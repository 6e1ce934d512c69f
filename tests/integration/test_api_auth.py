"""Who gets in, for how long, and that nobody else gets anything."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from alerts.api import passwords
from alerts.store import Store
from lianfang.clock import ManualClock
from lianfang.config import Config, Secret
from lianfang.config.api import Api, Operator
from lianfang.errors import ConfigError
from tests.support.api import HASHER, PASSWORD, START, Client, Data, Reply, Site, config, serving

# What somebody without a session may ask for, and what it answers. Every other route is closed.
OPEN = {
    ("POST", "/api/login"): HTTPStatus.UNPROCESSABLE_ENTITY,  # reached, and it wants a body
    ("GET", "/healthz"): HTTPStatus.OK,
    ("GET", "/readyz"): HTTPStatus.OK,
    ("GET", "/metrics"): HTTPStatus.OK,
    ("GET", "/pictures/{evidence_id}/{kind}.jpg"): HTTPStatus.UNPROCESSABLE_ENTITY,  # it wants a signature
    ("GET", "/pictures/{clip_id}/clip.mp4"): HTTPStatus.UNPROCESSABLE_ENTITY,
    ("POST", "/api/receivers/{receiver_id}/receipts"): HTTPStatus.UNAUTHORIZED,  # it was not signed
    ("POST", "/api/gateways/{gateway_id}/readings"): HTTPStatus.UNAUTHORIZED,  # it wants a token
    ("POST", "/api/sensors/{sensor_id}/readings"): HTTPStatus.UNAUTHORIZED,
    # They want the key of a link, or the word of a media server: test_api_guests.py gives wrong ones.
    **dict.fromkeys(
        [
            ("GET", "/share/invitation"),
            ("POST", "/share/push"),
            ("POST", "/share/preview"),
            ("POST", "/share/join"),
            ("GET", "/share/camera"),
            ("POST", "/share/camera/{doing}"),
            ("POST", "/share/hooks/{hook}"),
        ],
        HTTPStatus.UNPROCESSABLE_ENTITY,
    ),
    ("POST", "/share/readers"): HTTPStatus.NOT_FOUND,
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    yield Site(config(tmp_path), store, ManualClock(START))
    store.close()


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_HASHER", HASHER)


@pytest.fixture
def app(site: Site, tmp_path: Path) -> FastAPI:
    return site.app(static=tmp_path / "none")


def test_every_route_is_closed(site: Site, app: FastAPI) -> None:
    incident = site.open_incident(1)
    evidence = site.picture(incident, b"\xff\xd8", b"\xff\xd8")
    values = {
        "{incident_id}": incident,
        "{action}": "acknowledge",
        "{evidence_id}": evidence,
        "{kind}": "original",
    }
    routes = {
        (method, str(route.path))
        for route in iter_route_contexts(app.routes)
        for method in (route.methods or ())
        if route.path != "/" and method != "HEAD"
    }
    assert routes > set(OPEN), "what is open is there"
    with serving(app) as port:
        for method, route in sorted(routes):
            status, path = OPEN.get((method, route), HTTPStatus.UNAUTHORIZED), route
            for name, value in values.items():
                path = path.replace(name, value)
            reply = Client(port).request(method, path, headers={"cookie": "lianfang_session=guess"})
            assert reply.status == status, path
            if (method, route) not in OPEN:
                assert reply.json == {"detail": "log in first", "code": "not_logged_in"}


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "//api/incidents", "/api/x/y"])
def test_what_is_no_route_shows_nothing_either(app: FastAPI, path: str) -> None:
    with serving(app) as port:
        assert Client(port).get(path).status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND}


def test_login_session_logout(app: FastAPI, site: Site) -> None:
    with serving(app) as port:
        client = Client(port)
        reply = client.login()
        assert reply.status == HTTPStatus.OK
        assert reply.json["operator"] == "duty"
        assert reply.json["name"] == "王芳"
        flags = reply.headers["set-cookie"].lower().split("; ")
        assert {"httponly", "samesite=strict", "path=/"} <= set(flags)
        assert "secure" not in flags
        assert client.get("/api/session").json == reply.json
        file = site.config.data_dir / "sessions.json"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert client.cookie.removeprefix("lianfang_session=") not in file.read_text()

        stolen = client.cookie
        assert client.post("/api/logout").status == HTTPStatus.NO_CONTENT
        client.cookie = stolen
        assert client.get("/api/session").status == HTTPStatus.UNAUTHORIZED


def test_secure_cookie(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    with serving(Site(config(tmp_path, secure_cookies=True), store).app(static=tmp_path)) as port:
        assert "secure" in Client(port).login().headers["set-cookie"].lower()
    store.close()


def test_wrong_and_unknown_look_the_same(app: FastAPI) -> None:
    with serving(app) as port:
        wrong = Client(port).login(password="wrong")
        unknown = Client(port).login(operator="nobody")
    assert wrong.status == unknown.status == HTTPStatus.UNAUTHORIZED
    assert wrong.json == unknown.json == {"detail": "wrong operator or password", "code": "wrong_credentials"}
    assert "set-cookie" not in wrong.headers


def test_a_session_survives_a_restart_and_ends_in_time(site: Site, tmp_path: Path) -> None:
    clock = site.clock
    assert isinstance(clock, ManualClock)
    with serving(site.app(static=tmp_path)) as port:
        client = Client(port)
        client.login()
    with serving(site.app(static=tmp_path)) as port:
        again = Client(port)
        again.cookie = client.cookie
        clock.advance_to(START + timedelta(hours=11, minutes=59))
        assert again.get("/api/session").status == HTTPStatus.OK
        clock.advance_to(START + timedelta(hours=12))
        assert again.get("/api/session").status == HTTPStatus.UNAUTHORIZED


def _with(site: Site, **operators: Operator) -> Config:
    return site.config.model_copy(update={"api": Api(operators=operators)})


@pytest.mark.parametrize(
    ("before", "after"),
    [("hash", "other clear"), ("hash", "other hash"), ("clear", "other clear"), ("hash", "nobody")],
)
def test_another_password_or_operator_ends_sessions(
    site: Site, tmp_path: Path, before: str, after: str
) -> None:
    (tmp_path / "clear").write_text(PASSWORD)
    (tmp_path / "other clear").write_text("another")
    (tmp_path / "other hash").write_text(HASHER.hash("another"))
    operators = {
        "hash": site.config.api.operators["duty"],
        "other hash": Operator(name="n", password_hash=Secret(file=tmp_path / "other hash")),
        "clear": Operator(name="n", password=Secret(file=tmp_path / "clear")),
        "other clear": Operator(name="n", password=Secret(file=tmp_path / "other clear")),
    }
    site.config = _with(site, duty=operators[before])
    with serving(site.app(static=tmp_path)) as port:
        client = Client(port)
        assert client.login().status == HTTPStatus.OK
    site.config = _with(site, **({"duty": operators[after]} if after in operators else {}))
    with serving(site.app(static=tmp_path)) as port:
        again = Client(port)
        again.cookie = client.cookie
        assert again.get("/api/session").status == HTTPStatus.UNAUTHORIZED


def test_a_password_in_clear_keeps_its_sessions_over_a_restart(site: Site, tmp_path: Path) -> None:
    (tmp_path / "clear").write_text("密码 123")
    site.config = _with(site, duty=Operator(name="n", password=Secret(file=tmp_path / "clear")))
    with serving(site.app(static=tmp_path)) as port:
        client = Client(port)
        assert client.login(password="密码 124").status == HTTPStatus.UNAUTHORIZED
        assert client.login(password="密码 123").status == HTTPStatus.OK
    with serving(site.app(static=tmp_path)) as port:
        again = Client(port)
        again.cookie = client.cookie
        assert again.get("/api/session").status == HTTPStatus.OK
    kept = (site.config.data_dir / "sessions.json").read_text()
    assert "密码" not in kept
    assert client.cookie.removeprefix("lianfang_session=") not in kept


def test_a_hash_that_is_none_is_refused_at_the_start(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "hash"
    file.write_text("5f4dcc3b5aa765d61d8327deb882cf99")
    site.config = _with(site, hashed=Operator(name="n", password_hash=Secret(file=file)))
    with pytest.raises(ConfigError, match=r"api\.operators\.hashed\.password_hash") as error:
        site.app(static=tmp_path)
    assert "5f4dcc3b" not in str(error.value)


def test_an_unreadable_session_file_logs_everybody_out_and_nothing_worse(site: Site, tmp_path: Path) -> None:
    site.config.data_dir.mkdir()
    (site.config.data_dir / "sessions.json").write_bytes(b"\x00garbage")
    with serving(site.app(static=tmp_path)) as port:
        assert Client(port).login().status == HTTPStatus.OK


def test_repeated_failures_wait(site: Site, app: FastAPI) -> None:
    clock = site.clock
    assert isinstance(clock, ManualClock)

    def attempt(password: str = "wrong", operator: str = "duty") -> Reply:  # noqa: S107
        return Client(port).login(operator, password)

    with serving(app) as port:
        for _ in range(5):
            assert attempt().status == HTTPStatus.UNAUTHORIZED
        refused = attempt(PASSWORD)
        assert refused.status == HTTPStatus.TOO_MANY_REQUESTS
        assert refused.json["code"] == "too_many_attempts"
        assert refused.headers["retry-after"] == "1"
        assert attempt(operator="nobody").status == HTTPStatus.TOO_MANY_REQUESTS  # the address waits too
        clock.advance_to(START + timedelta(seconds=1))
        assert attempt().status == HTTPStatus.UNAUTHORIZED
        clock.advance_to(START + timedelta(seconds=2.5))
        assert attempt().headers["retry-after"] == "1"  # 2 s after the sixth
        clock.advance_to(START + timedelta(seconds=3))
        assert attempt(PASSWORD).status == HTTPStatus.OK
        assert attempt().status == HTTPStatus.UNAUTHORIZED  # and it counts from zero again


def test_a_change_needs_the_header(app: FastAPI, site: Site) -> None:
    incident = site.open_incident(1)
    with serving(app) as port:
        client = Client(port)
        client.login()
        for path, body in ((f"/api/incidents/{incident}/acknowledge", {}), ("/api/logout", None)):
            reply = client.request("POST", path, body, {"x-requested-with": "XMLHttpRequest"})
            assert reply.status == HTTPStatus.FORBIDDEN
            assert reply.json["code"] == "header_missing"
        assert client.get(f"/api/incidents/{incident}").json["state"] == "new"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"operator": "duty"}, 422, "invalid_request"),
        ({"operator": "duty", "password": "x" * 2000}, 422, "invalid_request"),
        ({"operator": "duty", "password": "x" * 100_000}, 413, "body_too_large"),
    ],
)
def test_bad_login_bodies_are_problems_that_repeat_no_password(
    app: FastAPI, body: Data, status: int, code: str
) -> None:
    with serving(app) as port:
        reply = Client(port).post("/api/login", body)
    assert (reply.status, reply.json["code"]) == (status, code)
    assert b"xxxx" not in reply.body

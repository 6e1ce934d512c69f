"""What operations and browsers see of the API, and that its document is the one clients are made from."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
from prometheus_client import Counter

from alerts.api.schema import document
from alerts.store import Store
from tests.support.api import Client, Site, config, serving

CONSOLE = Path(__file__).parents[2] / "alerts" / "console"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    yield Site(config(tmp_path), store)
    store.close()


def test_alive_ready_and_metrics_need_no_session(site: Site, tmp_path: Path) -> None:
    components = {"store": "ok"}
    site.ready = lambda: components
    app = site.app(static=tmp_path)
    Counter("test_total", "A counter.", registry=site.registry).inc()
    with serving(app) as port:
        client = Client(port)
        assert client.get("/healthz").json == {"status": "ok"}
        assert client.get("/readyz").json == {"ready": True, "components": {"store": "ok"}}
        components["bus"] = "no answer for 12 s"
        reply = client.get("/readyz")
        assert reply.status == HTTPStatus.SERVICE_UNAVAILABLE
        assert reply.json["components"]["bus"] == "no answer for 12 s"
        metrics = client.get("/metrics")
    assert b"test_total 1.0" in metrics.body
    assert b"lianfang_console_streams 0.0" in metrics.body
    assert metrics.headers["content-type"].startswith("text/plain")


def test_a_slow_component_holds_up_nobody_else(site: Site, tmp_path: Path) -> None:
    asked, answer = threading.Event(), threading.Event()

    def ready() -> dict[str, str]:
        asked.set()
        assert answer.wait(30)
        return {"store": "ok"}

    site.ready = ready
    with serving(site.app(static=tmp_path)) as port:
        slow = threading.Thread(target=Client(port).get, args=("/readyz",))
        slow.start()
        assert asked.wait(30)
        assert Client(port).get("/healthz").status == HTTPStatus.OK
        answer.set()
        slow.join(30)


def _built(folder: Path) -> Path:
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<title>console</title>")
    (folder / "assets" / "index-1a2b.js").write_text("export {}")
    return folder


def test_the_console_is_served_with_what_browsers_must_respect(site: Site, tmp_path: Path) -> None:
    with serving(site.app(static=_built(tmp_path / "static"))) as port:
        client = Client(port)
        page = client.request("GET", "/", headers={"accept": "text/html"})
        route = client.request("GET", "/login", headers={"accept": "text/html"})
        script = client.get("/assets/index-1a2b.js")
        missing = client.get("/assets/gone.js")
    assert page.body == route.body == b"<title>console</title>"
    assert page.headers["cache-control"] == "no-cache"
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert missing.status == HTTPStatus.NOT_FOUND
    for reply in (page, script, missing):
        assert "default-src 'self'" in reply.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["referrer-policy"] == "no-referrer"


def test_no_path_leaves_the_folder_of_the_console(site: Site, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    with serving(site.app(static=_built(tmp_path / "static"))) as port:
        for path in ("/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt"):
            assert b"secret" not in Client(port).get(path).body


def test_a_console_that_was_not_built_says_what_to_do(site: Site, tmp_path: Path) -> None:
    with serving(site.app(static=tmp_path / "none")) as port:
        reply = Client(port).get("/")
    assert reply.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert "make setup" in reply.body.decode()


def test_unknown_addresses_and_methods_are_problems(site: Site, tmp_path: Path) -> None:
    with serving(site.app(static=_built(tmp_path / "static"))) as port:
        client = Client(port)
        client.login()
        unknown = client.request("GET", "/api/nothing", headers={"accept": "text/html"})
        method = client.request("DELETE", "/api/incidents")
    assert (unknown.status, unknown.json["code"]) == (HTTPStatus.NOT_FOUND, "not_found")
    assert (method.status, method.json["code"]) == (HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed")


def test_a_fault_inside_is_a_problem_that_tells_nothing(
    site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def ready() -> dict[str, str]:
        raise ZeroDivisionError("hunter2")

    site.ready = ready
    with serving(site.app(static=tmp_path)) as port:
        reply = Client(port).get("/readyz")
    assert reply.status == HTTPStatus.INTERNAL_SERVER_ERROR
    assert reply.json == {"detail": "an error inside the service", "code": "internal"}
    assert any("ZeroDivisionError" in (r.exc_text or "") for r in caplog.records)


def test_the_document_is_the_one_that_the_consoles_client_was_made_from(site: Site, tmp_path: Path) -> None:
    with serving(site.app(static=tmp_path)) as port:
        client = Client(port)
        client.login()
        served = client.get("/api/openapi.json").json
    assert served == document()
    committed = json.loads((CONSOLE / "openapi.json").read_text(encoding="utf-8"))
    assert committed == served, "run `npm run api` in alerts/console"


def test_every_answer_of_the_document_has_a_model(site: Site) -> None:
    del site
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            for status, response in operation["responses"].items():
                if status == "204" or path == "/metrics":
                    continue
                assert response["content"], f"{method} {path} {status}"
                for content in response["content"].values():  # a tile is of one of several kinds
                    assert content["schema"], f"{method} {path} {status}"

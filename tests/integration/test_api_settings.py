"""Changes of the configuration through the API: what is refused, what results, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

import pytest

from alerts.settings import Settings
from alerts.store import Store, versions
from lianfang.clock import ManualClock
from lianfang.config import Config
from lianfang.config.api import Operator
from lianfang.config.stanza import Secret
from tests.support.api import HASHER, PASSWORD, START, Client, Data, Reply, Site, serving
from tests.support.configs import BASE, loaded

LEFT = [[0.0, 0.2], [0.2, 0.2], [0.2, 1.0]]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    password = tmp_path / "hash"
    password.write_text(HASHER.hash(PASSWORD))
    plain = loaded(tmp_path, ("cameras.cam2.enabled", False))
    secret = Secret(file=password)
    operators = {
        "duty": Operator(name="王芳", password_hash=secret),
        "walker": Operator(name="李强", password_hash=secret, role="worker"),
    }
    return plain.model_copy(update={"api": plain.api.model_copy(update={"operators": operators})})


@pytest.fixture
def site(config: Config, tmp_path: Path) -> Iterator[Site]:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    yield Site(config, store, clock=ManualClock(START))
    store.close()


@pytest.fixture
def client(site: Site, tmp_path: Path) -> Iterator[Client]:
    with serving(site.app(static=tmp_path)) as port:
        client = Client(port)
        client.login()
        yield client


def put(client: Client, path: str, stanza: Data, based_on: int = 0) -> Reply:
    return client.request("PUT", f"/api/{path}", {"stanza": stanza, "reason": "试", "based_on": based_on})


def rule(client: Client, rule_id: str = "entry") -> Data:
    (found,) = [r for r in client.get("/api/rules").json if r["rule"]["id"] == rule_id]
    return found


def advance(site: Site, seconds: float) -> None:
    assert isinstance(site.clock, ManualClock)
    site.clock.advance_to(START + timedelta(seconds=seconds))


def test_a_rule_is_changed_in_a_second_and_everything_follows(site: Site, client: Client) -> None:
    known = rule(client)
    assert (known["changed"], known["stanza"]["frames"]) == (False, 3)
    done = put(client, "rules/entry", {**known["stanza"], "name": "进水", "frames": 5})
    assert (done.status, done.json["in_force"], done.json["newest"]) == (HTTPStatus.OK, 0, 1)
    (version,) = done.json["versions"]
    assert (version["number"], version["since"]) == (1, "2026-07-01T08:00:01Z")
    assert (version["author"], version["author_name"], version["reason"]) == ("duty", "王芳", "试")
    assert rule(client)["rule"]["name"]["zh"] == "有人进入", "not yet"
    advance(site, 1)
    assert client.get("/api/settings").json["in_force"] == 1
    assert rule(client) == {
        "rule": {"id": "entry", "name": {"zh": "进水", "en": "进水"}},
        "changed": True,
        "stanza": {**known["stanza"], "name": "进水", "frames": 5},
        "summary": {
            "zh": known["summary"]["zh"].replace("连续3张", "连续5张"),
            "en": known["summary"]["en"].replace("in 3 pictures", "in 5 pictures"),
        },
    }
    assert client.get("/api/settings/1").json["differences"] == [
        {"key": "rules.entry.name", "before": {"zh": "有人进入"}, "after": "进水"},
        {"key": "rules.entry.frames", "before": 3, "after": 5},
    ]
    again = Settings(site.config, site.store, site.clock)
    assert getattr(again.config().rules["entry"], "frames", 0) == 5, "after a restart too"


def test_what_check_refuses_is_refused_by_key(client: Client) -> None:
    refused = put(
        client, "rules/entry", {**BASE["rules"]["entry"], "frames": 0, "camera": ["x"], "zones": ["no"]}
    )
    assert (refused.status, refused.json["code"]) == (HTTPStatus.UNPROCESSABLE_ENTITY, "refused")
    first, second = refused.json["detail"].splitlines()
    assert first.startswith("rules.entry.frames: found 0; allowed: greater than")
    assert "found the unknown key 'camera'; allowed: " in second
    assert client.get("/api/settings").json["newest"] == 0


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("rules/entry", {"stanza": {}, "reason": " ", "based_on": 0}, 422),
        ("rules/entry", {"stanza": {}, "reason": "x"}, 422),
        ("rules/entry", {"stanza": {}, "reason": "x", "based_on": 7}, 409),
        ("zones/none/water", {"stanza": {"polygon": LEFT}, "reason": "x", "based_on": 0}, 422),
        ("zones/cam/water", {"stanza": None, "reason": "x", "based_on": 0}, 422),
        ("cameras/none/off", {"reason": "x"}, 404),
        ("cameras/cam2/on", {"reason": "x"}, 409),
        ("cameras/cam/away", {"reason": "x"}, 422),
    ],
)
def test_other_things_that_are_refused(client: Client, path: str, body: Data, status: int) -> None:
    assert client.request("PUT", f"/api/{path}", body).status == status
    assert client.get("/api/settings").json["versions"] == []


def test_whoever_comes_second_is_told(client: Client) -> None:
    assert put(client, "zones/cam/left", {"polygon": LEFT}).status == HTTPStatus.OK
    late = put(client, "zones/cam/right", {"polygon": LEFT})
    assert (late.status, late.json["code"]) == (HTTPStatus.CONFLICT, "outdated")
    assert put(client, "zones/cam/right", {"polygon": LEFT}, based_on=1).status == HTTPStatus.OK
    same = put(client, "zones/cam/right", {"polygon": LEFT}, based_on=2)
    assert (same.status, same.json["newest"]) == (HTTPStatus.OK, 2), "nothing changes: no version"


def test_one_call_goes_back_and_what_came_since_is_off(site: Site, client: Client) -> None:
    put(client, "zones/cam/left", {"polygon": LEFT, "name": "左"})
    put(client, "rules/more", {**BASE["rules"]["entry"], "cameras": ["cam"], "zones": ["left"]}, 1)
    client.request("PUT", "/api/cameras/cam/off", {"reason": "检修"})
    zones = {(z["camera"]["id"], z["id"]): z["changed"] for z in client.get("/api/zones").json}
    assert zones == {
        ("cam", "water"): False,
        ("cam", "left"): True,
        ("cam2", "water"): False,
    }
    back = client.post("/api/settings/1/restore", {"reason": "错了", "based_on": 3})
    assert (back.status, back.json["newest"]) == (HTTPStatus.OK, 4)
    (gone,) = client.get("/api/settings/4").json["differences"]
    assert (gone["key"], gone["before"]["zones"], gone["after"]) == ("rules.more", ["left"], None)
    advance(site, 5)
    site.camera("cam", "offline", reason="switched off")
    conditions = [(c["id"], c["condition"], c["reason"]) for c in client.get("/api/cameras").json]
    assert conditions == [("cam", "disabled", ""), ("cam2", "disabled", "")], "a camera that is off stays off"
    client.request("PUT", "/api/cameras/cam/on", {"reason": "好了"})
    advance(site, 10)
    assert client.get("/api/cameras").json[0]["condition"] == "offline"


def test_what_was_changed_is_taken_back(site: Site, client: Client) -> None:
    put(client, "rules/entry", {**rule(client)["stanza"], "frames": 9})
    put(client, "zones/cam/left", {"polygon": LEFT}, 1)
    put(client, "lines/cam/across", {"start": [0.1, 0.5], "end": [0.9, 0.5], "zone": "water"}, 2)
    assert [(line["id"], line["changed"]) for line in client.get("/api/lines").json] == [("across", True)]
    for n, path in enumerate(("rules/entry", "zones/cam/left", "lines/cam/across"), 3):
        back = client.request("DELETE", f"/api/{path}?reason=x&based_on={n}")
        assert back.status == HTTPStatus.OK, back.json
    with site.store.read() as session:
        assert versions.load(session)[-1].changes.model_dump(exclude_defaults=True) == {}


@pytest.mark.parametrize("who", ["walker", None])
def test_only_operators_change_it(client: Client, who: str | None) -> None:
    other = Client(client.port)
    if who:
        other.login(who)
    wanted = HTTPStatus.FORBIDDEN if who else HTTPStatus.UNAUTHORIZED
    assert other.request("PUT", "/api/cameras/cam/off", {"reason": "x"}).status == wanted
    assert put(other, "rules/entry", BASE["rules"]["entry"]).status == wanted
    assert client.get("/api/settings").json["newest"] == 0


def test_changes_that_no_longer_fit_are_said_and_the_next_change_begins_at_the_file(
    site: Site, client: Client, tmp_path: Path
) -> None:
    put(client, "zones/cam/left", {"polygon": LEFT})
    advance(site, 9)
    other = loaded(tmp_path, ("cameras.cam", ...), ("rules.entry.cameras", ["cam2"]))
    other = other.model_copy(update={"api": site.config.api})
    with serving(Site(other, site.store, clock=site.clock).app(static=tmp_path)) as port:
        client = Client(port)
        client.login()
        fault = client.get("/api/settings").json["fault"]
        assert fault.startswith("version 1 does not fit the configuration file: ")
        assert "cameras.cam: found 'cam'; allowed: one of cam2" in fault
        put(client, "zones/cam2/left", {"polygon": LEFT}, 1)
        advance(site, 11)
        state = client.get("/api/settings").json
        assert (state["in_force"], state["fault"]) == (2, "")


def test_a_rule_that_is_new_begins_in_trial(site: Site, client: Client) -> None:
    new = {**BASE["rules"]["entry"], "cameras": ["cam"], "trial_days": 7}
    assert put(client, "rules/more", new).status == HTTPStatus.OK
    advance(site, 1)
    assert [(t["rule"]["id"], t["camera"]["id"]) for t in client.get("/api/trials").json] == [("more", "cam")]


def test_the_hours_of_a_speaker_are_changed(site: Site, client: Client) -> None:
    stanza = {
        "quiet": {"windows": [{"begin": "21:00", "end": "06:00"}]},
        "quieter": [{"windows": [{"begin": "12:00", "end": "14:00"}], "max_volume_pct": 20}],
        "night_volume_pct": 10,
    }
    assert put(client, "speakers/horn/hours", stanza).status == HTTPStatus.OK
    advance(site, 1)
    (horn,) = [s for s in client.get("/api/speakers").json["speakers"] if s["id"] == "horn"]
    assert ([horn["hours"][n]["loudest_pct"] for n in (2, 12, 14)], horn["changed"]) == ([10, 20, 100], True)
    call = {"text": "请进屋", "speakers": ["horn"]}
    said = client.post("/api/calls", call).json["answers"][0]["speech"]
    assert said["volume_pct"] == 70, "four in the afternoon"
    found = {difference["key"] for difference in client.get("/api/settings/1").json["differences"]}
    assert found >= {"receivers.horn.night_volume_pct", "receivers.horn.quieter"}
    refused = [
        put(client, f"speakers/{name}/hours", stanza, 1)
        for name, stanza in (("horn", {"max_volume_pct": 101}), ("horn", {"kind": "webhook"}), ("police", {}))
    ]
    assert [reply.status for reply in refused] == [422, 422, 404]
    assert refused[0].json["detail"].startswith("receivers.horn.max_volume_pct: found 101")
    assert put(client, "speakers/horn/hours", None, 1).status == HTTPStatus.OK
    advance(site, 3)
    (horn,) = [s for s in client.get("/api/speakers").json["speakers"] if s["id"] == "horn"]
    assert ([horn["hours"][n]["loudest_pct"] for n in (2, 12)], horn["changed"]) == ([60, 100], False)

"""Rules as people see them, over the API: forms, faults at their keys, history, switches, weeks."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from tests.integration.test_api_settings import advance, client, config, put, rule, site
from tests.support.api import Client, Data, Site
from tests.support.configs import BASE

__all__ = ["client", "config", "site"]  # fixtures
ENTRY = BASE["rules"]["entry"]


def test_a_form_offers_what_there_is(client: Client) -> None:
    forms = client.get("/api/rule-forms").json
    assert {"crowd", "plate", "zone_entry"} < {form["kind"] for form in forms["kinds"]}
    (cam, _) = forms["choices"]["cameras"]
    assert (cam["name"], cam["point"]["name"], cam["labels"]) == ("一号", "东岸", ["boat", "person"])
    assert cam["zones"] == [{"id": "water", "name": "水边"}]
    assert [one["id"] for one in forms["choices"]["speakers"]] == ["horn"]
    assert [one["id"] for one in forms["choices"]["receivers"]] == ["police"]
    assert {"id": "workday", "name": {"zh": "工作日", "en": "workdays"}} in forms["choices"]["days"]


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"frames": 0}, [("frames", "0", "greater than or equal to 1")]),
        ({"zones": ["no"]}, [("zones.0", "'no'", "a zone of camera cam: water")] * 1),
        ({"frame": 3}, [("frame", "the unknown key 'frame'", "")]),
        ({"speech": {"text": "{who}"}}, [("speech.text", "", "a text whose only {fields}")]),
    ],
)
def test_what_is_wrong_is_said_at_its_key(client: Client, changes: Data, problems: Data) -> None:
    answer = client.post("/api/rules/entry/check", {"stanza": {**ENTRY, **changes}}).json
    assert answer["summary"] is None
    for expected, found in zip(problems, answer["problems"], strict=False):
        assert found["key"] == expected[0]
        assert expected[1] in found["found"]
        assert expected[2] in found["allowed"]
    assert client.get("/api/settings").json["newest"] == 0


def test_what_would_be_good_is_said_in_words(client: Client) -> None:
    checked = client.post("/api/rules/another/check", {"stanza": {**ENTRY, "frames": 7}}).json
    assert checked["problems"] == []
    assert checked["summary"]["zh"].startswith("人在一号、二号的“水边”连续7张画面，开一起事件（严重）。")


def test_a_rule_is_switched_off_and_its_history_tells(site: Site, client: Client) -> None:
    put(client, "rules/entry", {**rule(client)["stanza"], "frames": 5})
    put(client, "zones/cam/left", {"polygon": [[0.0, 0.2], [0.2, 0.2], [0.2, 1.0]]}, 1)
    advance(site, 5)
    off = client.request("PUT", "/api/rules/entry/off", {"reason": "修岸", "based_on": 2})
    assert (off.status, off.json["newest"]) == (HTTPStatus.OK, 3)
    assert rule(client)["summary"]["en"].startswith("It is off. Somebody in “水边”")
    second, first = client.get("/api/rules/entry/history").json
    assert (second["version"]["number"], second["version"]["reason"]) == (3, "修岸")
    assert second["differences"] == [{"key": "enabled", "before": None, "after": False}]
    assert (first["differences"][0]["key"], first["stanza"]["frames"]) == ("frames", 5)
    assert client.get("/api/rules/none/history").json == []
    against = client.get("/api/settings/3?against=1").json["differences"]
    assert [one["key"] for one in against] == ["rules.entry.enabled", "cameras.cam.zones.left"]

    late = client.request("PUT", "/api/rules/entry/on", {"reason": "修好", "based_on": 2})
    assert (late.status, late.json["code"]) == (HTTPStatus.CONFLICT, "outdated")
    assert client.request("PUT", "/api/rules/no/on", {"reason": "x", "based_on": 3}).status == 404
    walker = Client(client.port)
    walker.login("walker")
    assert walker.request("PUT", "/api/rules/entry/on", {"reason": "x", "based_on": 3}).status == 403


def test_a_schedule_is_shown_as_a_week(client: Client) -> None:
    night = {"windows": [{"begin": "22:00", "end": "06:00", "days": ["fri", "workday"]}]}
    week = client.post("/api/week", {"schedule": night, "begin": "2026-06-29"}).json
    assert (week["problems"], week["summary"]["zh"]) == ([], "周五、工作日的22:00至06:00")
    monday, *_, saturday, sunday = week["days"]
    assert (monday["date"], monday["hours"]) == ("2026-06-29", [{"begin": 1320, "end": 1440}])
    assert saturday["hours"] == [{"begin": 0, "end": 360}]
    assert (sunday["hours"], [kind["id"] for kind in sunday["kinds"]]) == ([], ["day_off"])
    assert (monday["sunrise"], monday["profiles"]) == (None, [])

    wrong = {"windows": [{"begin": "22:00", "end": "22:00"}, {"begin": "sunset", "days": ["fair"]}]}
    refused = client.post("/api/week", {"schedule": wrong, "source": "cam", "begin": "2026-06-29"}).json
    assert [one["key"] for one in refused["problems"]] == ["windows.0"]
    wrong["windows"].pop(0)
    refused = client.post("/api/week", {"schedule": wrong, "source": "cam", "begin": "2026-06-29"}).json
    assert [one["key"] for one in refused["problems"]] == ["windows.0.days.0", "windows"]
    always = client.post("/api/week", {"schedule": None, "begin": "2026-06-29"}).json
    assert always["days"][0]["hours"] == [{"begin": 0, "end": 1440}]
    assert client.post("/api/week", {"schedule": None, "begin": "2026-13-29"}).json["code"] == "bad_range"

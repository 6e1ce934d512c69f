"""Acceptance scenarios of helmets, plates and garbage: events at t through the service, what is owed then."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from alerts.actions import Doing, act
from alerts.incidents.life import Action
from alerts.store import Store
from alerts.store.schema import IncidentRow, OutboxRow
from lianfang import codec
from lianfang.bus import Bus
from lianfang.clock import ManualClock
from lianfang.config import Config
from lianfang.events import OBSERVATIONS, Observation
from tests.e2e.installation import until
from tests.integration.test_alert_worker import decided, rows, working
from tests.support.configs import loaded
from tests.support.observations import at, observation
from tests.unit.alerts.test_incidents import A, B
from tests.unit.alerts.test_rush import seen

LABELS = ["person", "bicycle", "motorcycle", "car"]
OBJECTS = {"kind": "objects", "engine": {"kind": "onnx"}, "labels": LABELS}
STAGES = {
    "objects": OBJECTS,
    "heads": {"kind": "helmet"},
    "plates": {"kind": "plate"},
    "litter": {"kind": "garbage"},
}
HOUR = 3600
START = 14 * HOUR  # the scripts' zero is 14:00 in Shanghai
LIVE = [{"receiver": "police", "mode": "live", "updates": False}]


def clock(text: str) -> int:
    """Return the script's second at which the clock says ``text`` next."""
    hours, minutes = map(int, text.split(":"))
    return (hours * HOUR + minutes * 60 - START) % (24 * HOUR)


@dataclass
class Site:
    """A camera with one rule, whose events go through the bus and the worker into the store."""

    config: Config
    bus: Bus
    store: Store

    def play(self, events: Iterable[Observation]) -> None:
        futures = [self.bus.publish(OBSERVATIONS, e.camera_id, *codec.encode_event(e)) for e in events]
        futures[-1].result(60)
        with working(self.config, self.bus, self.store, ManualClock(at(0))):
            until("the end of the log", decided(self.bus, self.store))

    def said(self) -> list[tuple[float, str]]:
        """Return what was owed to speakers: (captured at, text)."""
        speeches = [row for row in rows(self.store, OutboxRow) if row.kind == "speech"]
        return [((r.captured_at - at(0)).total_seconds(), r.payload["speech"]["text"]) for r in speeches]

    def told(self) -> list[OutboxRow]:
        return [row for row in rows(self.store, OutboxRow) if row.kind == "notice"]


Make = Callable[..., Site]


@pytest.fixture
def site(tmp_path: Path, bus: Bus, store: Store) -> Make:
    def made(**rule: object) -> Site:
        stanza = {"name": "规则", "cameras": ["cam"], "zones": ["water"], **rule}
        config = loaded(
            tmp_path,
            ("detectors", STAGES),
            ("cameras.cam.detectors", list(STAGES)),
            ("rules.entry", stanza),
        )
        return Site(config, bus, store)

    return made


RUSH = {
    "kind": "helmet",
    "rush": {"windows": [{"begin": "07:10", "end": "07:50"}]},
    "speech": {"text": "请戴好头盔"},
}


def test_h1_three_hundred_riders_in_a_rush(site: Make) -> None:
    head = {n: "bare" if n % 5 == 0 else "unknown" if n % 20 == 1 else "worn" for n in range(300)}
    begin, gate = clock("07:10"), site(**RUSH)
    gate.play(
        seen(begin + t, {n: head[n] for n in {t // 4, max(t - 3, 0) // 4} if n < 300}) for t in range(1204)
    )
    (incident,) = rows(gate.store, IncidentRow)
    assert incident.figures == {"cam": {"riders": 300, "bare": 60, "unknown": 15}}
    said = gate.said()
    assert 10 <= len(said) <= 20
    assert all(later - earlier >= 60 for (earlier, _), (later, _) in pairwise(said))
    # Each twentieth second a bare head comes, and is seen for seven.
    assert all((t - begin) % 20 <= 7 for t, _ in said)
    assert (incident.state, incident.escalated_at) == ("recorded", None)
    assert gate.told() == []


def test_h2_a_driver_with_a_helmet_and_a_bare_child_wait(site: Make) -> None:
    gate = site(**RUSH)
    gate.play(seen(clock("07:20") + t, {1: "worn", 2: "bare"}) for t in range(90))
    (incident,) = rows(gate.store, IncidentRow)
    assert (incident.people, incident.members_total) == (1, 1)
    assert incident.figures == {"cam": {"riders": 2, "bare": 1, "unknown": 0}}


def test_h3_outside_the_window_they_are_counted_and_not_spoken_to(site: Make) -> None:
    gate = site(**RUSH)
    gate.play(seen(clock("10:30") + t, {100 + t: None, t // 2: "bare"}) for t in range(10))
    (incident,) = rows(gate.store, IncidentRow)
    assert incident.figures == {"cam": {"riders": 5, "bare": 5, "unknown": 0}}
    assert gate.said() == []


def car(seconds: float, plate: str, track: int = 1) -> Observation:
    read = {"plate": plate, "plate_accepted": True}
    return observation(seconds, {track: A}, label="car", attributes=read)


def listed(folder: Path, until: str = "") -> dict[str, object]:
    (folder / "list.csv").write_text(f"plate,from,until\n粤T12345,,{until}\n", encoding="utf-8")
    return {"kind": "plate", "labels": ["car"], "report": "listed", "list": "list.csv", "notify": LIVE}


def test_p1_a_black_listed_plate_that_waits(site: Make, tmp_path: Path) -> None:
    gate = site(**listed(tmp_path))
    gate.play(car(t * 0.9, "粤T12345") for t in range(100))
    (incident,) = rows(gate.store, IncidentRow)
    assert incident.opened_at <= at(1)
    assert gate.told() == [], "nothing goes to the police that no person has confirmed"
    act(gate.store, gate.config, ManualClock(at(90)), incident.id, Doing(Action.CONFIRM, "wang"))
    gate.play(
        [*(car(t * 0.9, "粤T12345") for t in range(100, 200)), *(observation(t, {}) for t in range(181, 400))]
    )
    assert [row.id for row in rows(gate.store, IncidentRow)] == [incident.id]
    assert [(row.receiver, row.payload["subject"]) for row in gate.told()] == [("police", "粤T12345")]


def test_p2_what_only_looks_like_it_is_for_review(site: Make, tmp_path: Path) -> None:
    gate = site(**listed(tmp_path))
    gate.play(car(t, "粤T1234S") for t in range(20))
    (incident,) = rows(gate.store, IncidentRow)
    assert incident.review
    assert gate.told() == []


def test_p3_an_order_ends_to_the_second(site: Make, tmp_path: Path) -> None:
    gate, end = site(**listed(tmp_path, "2026-07-01T18:00:00")), clock("18:00")
    gate.play([car(end - 1, "粤T12345"), observation(end, {}), car(end + 1, "粤T12345", track=2)])
    assert [row.opened_at for row in rows(gate.store, IncidentRow)] == [at(end - 1)]


def test_g1_a_bag_is_left_and_picked_up(site: Make) -> None:
    bins = site(
        kind="left_object",
        active={"windows": [{"begin": "18:00", "end": "21:00"}], "outside": True},
        speech={"text": "请把垃圾带走", "thanks": "谢谢配合", "again_s": 60},
    )
    bag = {"bag": True}
    lies = [observation(t, {"left_object1": A}, label="left_object", attributes=bag) for t in range(60, 113)]
    empty = [observation(t, {}) for t in range(113, 300)]
    bins.play([*(observation(t, {1: B}) for t in range(60)), *lies, *empty])
    (incident,) = rows(bins.store, IncidentRow)
    said = bins.said()
    assert [text for _, text in said] == ["请把垃圾带走", "谢谢配合"]
    assert 60 <= said[0][0] <= 65
    assert 50 <= said[1][0] - said[0][0] <= 56
    assert incident.state == "closed"


def test_g3_residents_within_the_hours_are_reminded_now_and_then(site: Make) -> None:
    bins, begin = (
        site(
            kind="arrival_reminder",
            active={"windows": [{"begin": "18:00", "end": "21:00"}]},
            speech={"text": "请分类投放", "again_s": 300, "times": 20},
        ),
        clock("18:10"),
    )
    bins.play(observation(begin + t, {t // 45: A} if t % 45 < 20 else {}) for t in range(1800))
    said = bins.said()
    assert 5 <= len(said) <= 6
    assert all(later - earlier >= 300 for (earlier, _), (later, _) in pairwise(said))
    assert [row.state for row in rows(bins.store, IncidentRow)] == ["recorded"]
    assert bins.told() == []

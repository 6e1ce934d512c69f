"""What is kept of who passes a door, and of the words of other platforms; a back-test finds the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alerts.backtest.past import Span, raised
from alerts.store import Store
from alerts.store.schema import Base, ChangeRow, IncidentRow, OutboxRow
from lianfang.bus import Bus
from lianfang.config import Config
from lianfang.events import Reading
from tests.e2e.installation import until
from tests.integration.test_alert_worker import rows, working
from tests.integration.test_readings import decided, publish
from tests.support.configs import loaded
from tests.support.observations import at

STRANGER, WANTED = "4417123456", "7700112233"


def config(folder: Path, kind: str, **keys: Any) -> Config:  # noqa: ANN401
    (folder / "cards.csv").write_text(f"card,from,until\n{WANTED},,\n", encoding="utf-8")
    rule = {"kind": kind, "name": "门禁", "sensors": ["door"], **keys}
    sensors = {"door": {"name": "南门", "point": "bank", "kind": kind, "silent_s": None}}
    return loaded(folder, ("sensors", sensors), ("rules.entry", rule))


def event(seconds: float, kind: str, number: str, **attributes: str) -> Reading:
    return Reading(
        sensor_id="door", kind=kind, value=1, at=at(seconds), epoch="c", id=number, attributes=attributes
    )


def everything(store: Store) -> str:
    """Return all that is in the store."""
    kept = []
    with store.read() as session:
        for table in Base.metadata.sorted_tables:
            kept += [repr(row) for row in session.execute(table.select())]
    return "\n".join(kept)


def test_a_stranger_is_masked_in_all_that_is_kept(bus: Bus, store: Store, tmp_path: Path) -> None:
    site = config(tmp_path, "access", report="unlisted", list="cards.csv")
    publish(bus, event(0, "access", "1", card=STRANGER, direction="in"), event(1, "access", "2", card=WANTED))
    with working(site, bus, store):
        until("the end of the log", decided(bus, store))
    (incident,) = rows(store, IncidentRow)
    assert incident.subject == "******3456"
    assert rows(store, ChangeRow)[0].data["direction"] == "in"
    assert STRANGER not in everything(store)
    assert WANTED not in everything(store)


def test_who_is_looked_for_stands_whole_and_a_back_test_finds_the_same(
    bus: Bus, store: Store, tmp_path: Path
) -> None:
    site = config(
        tmp_path,
        "access",
        report="listed",
        list="cards.csv",
        notify=[{"receiver": "police", "mode": "drill"}],
    )
    publish(bus, event(0, "access", "1", card=STRANGER), event(1, "access", "2", card=WANTED))
    with working(site, bus, store):
        until("the end of the log", decided(bus, store))
    (incident,) = rows(store, IncidentRow)
    assert incident.subject == WANTED
    notice = next(row for row in rows(store, OutboxRow) if row.kind == "notice")
    assert WANTED in repr(notice.payload)
    assert STRANGER not in everything(store)
    again = raised(site, bus, Span(None, None), lambda _: None)
    assert [one.subject for one in again] == [WANTED]


def test_words_of_a_platform_stand_as_its_own_and_are_not_spoken(
    bus: Bus, store: Store, tmp_path: Path
) -> None:
    site = config(tmp_path, "warning", speech={"text": "请勿向陌生人转账。", "again_s": 3600})
    publish(bus, event(0, "warning", "W1", text="疑似冒充公检法"), event(1, "warning", "W2", text="刷单"))
    with working(site, bus, store):
        until("the end of the log", decided(bus, store))
    assert sorted(row.subject for row in rows(store, IncidentRow)) == ["W1", "W2"]
    opened = [row.data for row in rows(store, ChangeRow) if row.kind == "opened"]
    assert [data["words"] for data in opened] == ["疑似冒充公检法", "刷单"]
    speeches = [row.payload for row in rows(store, OutboxRow) if row.kind == "speech"]
    assert speeches
    assert all("请勿向陌生人转账。" in repr(one) for one in speeches)
    assert not any(word in repr(speeches) for word in ("公检法", "刷单"))

"""A speaker that does not answer, from the question how it is to the incident and its end."""

from __future__ import annotations

import asyncio
from pathlib import Path

from alerts.api.names import Names
from alerts.channels.base import SpeakerStatus
from alerts.pipeline.speaker_states import SpeakerStates
from alerts.store import Store
from alerts.store.schema import ChangeRow, EvidenceRow, IncidentRow, OutboxRow
from lianfang.bus import Bus
from lianfang.clock import SystemClock
from lianfang.errors import TransientError
from tests.integration.test_alert_worker import rows, working
from tests.support.configs import loaded
from tests.support.delivery import make_worker, running, until
from tests.support.horns import Horn

SILENT = TransientError("no answer within 3 s")


def test_it_is_an_incident_until_it_answers(bus: Bus, store: Store, tmp_path: Path) -> None:
    stanza = {
        "kind": "device",
        "name": "设备故障",
        "speakers": ["horn"],
        "notify": [{"receiver": "police", "mode": "drill"}],
    }
    horn = {
        "kind": "speaker_http",
        "name": {"zh": "东岸音柱"},
        "base_url": "http://127.0.0.1:1",
        "token": {"env": "TEST_TOKEN"},
    }
    config = loaded(tmp_path, ("receivers.horn", horn), ("rules.entry", stanza))
    gate, clock = Horn(statuses=[SILENT]), SystemClock()
    delivery = make_worker(
        store,
        clock,
        {"horn": gate},
        speakers=("horn",),
        ask_every_s={"horn": 0.05},
        tell=SpeakerStates(config, bus, clock).tell,
    )

    async def fails_and_is_mended() -> None:
        async with running(delivery):
            await until(lambda: rows(store, IncidentRow))
            gate.statuses = [SpeakerStatus("ready")]
            await until(lambda: not rows(store, IncidentRow)[0].occupied)

    with working(config, bus, store):
        asyncio.run(fails_and_is_mended())
    (incident,) = rows(store, IncidentRow)
    assert (incident.rule, incident.point, incident.camera) == ("entry", "bank", "horn")
    changes = rows(store, ChangeRow)
    assert [row.kind for row in changes] == ["opened", "cleared"]
    assert changes[0].data["reason"] == "no answer within 3 s"
    assert Names(lambda: config).camera("horn").name == "东岸音柱"
    notice = rows(store, OutboxRow)[0].payload
    assert (notice["place"]["camera_name"], notice["place"]["point_name"]) == ("东岸音柱", "东岸")
    assert rows(store, EvidenceRow) == []

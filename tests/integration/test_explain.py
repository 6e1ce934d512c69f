"""Why there was an alert, or none: over a real log and a real store, by the command that people type."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from alerts.store import Store
from alerts.store.schema import IncidentRow
from alerts.suppression.said import Kind
from deploy.backtest.explain import main
from lianfang import codec
from lianfang.bus.embedded import EmbeddedBus
from lianfang.events import OBSERVATIONS
from tests.integration.test_suppression import play
from tests.support.configs import changed, loaded, write
from tests.support.observations import observation, standing
from tests.unit.alerts.test_mutes import word

IN, OUT = (0.5, 0.9), (0.05, 0.9)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a configuration whose log has one who is told at 1 s, and one who is dismissed from 60 s on."""
    config = loaded(tmp_path)
    bus = EmbeddedBus.own(config.data_dir)
    seen = [
        observation(0, {1: IN}),
        observation(0.2, {1: IN, 2: OUT}),
        observation(0.4, {1: IN}),
        observation(20, {1: IN}, confidence=0.31),
        *(observation(200 + t / 5, {7: IN}) for t in range(5)),
    ]
    for event in seen:
        bus.publish(OBSERVATIONS, event.camera_id, *codec.encode_event(event)).result(30)
    bus.close()
    store = Store(f"sqlite:///{config.data_dir / 'store.sqlite3'}")
    buoy = word(Kind.DISMISSAL, 60, rules=("entry",), camera="cam", label="person", xyxyn=standing(*IN))
    play(store, config, [buoy], seen)
    store.close()
    return write(tmp_path, changed())


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (
            "2026-07-01T14:00:00.2",
            "e1:1 (0.90): there at bank, and does not count yet: 2 of 3 pictures",
        ),
        ("2026-07-01T14:00:00.2", "person e1:2 (0.90): not where the rule looks"),
        ("2026-07-01T14:00:00.4", "person e1:1 (0.90): counts at bank"),
        ("2026-07-01T14:00:00.4", ": opened"),
        ("2026-07-01T14:00:20", "person e1:1 (0.31): confidence 0.31 < 0.40"),
        ("2026-07-01T14:03:21", "held back at bank: dismissed (dismissal of wang: 施工)"),
        ("2026-07-01T13:00", "nothing of camera cam is in the log"),
    ],
)
def test_it_says_how_far_everything_came(
    site: Path, capsys: pytest.CaptureFixture[str], at: str, said: str
) -> None:
    assert main([str(site), "--camera", "cam", "--at", at]) == 0
    assert said in capsys.readouterr().out


def test_of_an_incident_it_tells_the_story_first(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store(f"sqlite:///{loaded(site.parent).data_dir / 'store.sqlite3'}")
    with store.read() as session:
        (incident,) = session.scalars(select(IncidentRow.id))
    store.close()
    assert main([str(site), incident]) == 0
    story = capsys.readouterr().out
    assert "opened by system, speaker: horn" in story
    assert f"incident {incident}, open since" in story


def test_what_it_is_not_told_it_asks_for(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(site)]) == 2
    assert "allowed cameras: cam, cam2" in capsys.readouterr().err
    assert main([str(site), "none"]) == 2
    assert "no incident none" in capsys.readouterr().err

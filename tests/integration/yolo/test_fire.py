"""Fire with weights of one's own: from a file to an incident, through the configuration of a site."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from alerts.pipeline.decide import Decider
from alerts.pipeline.order import Order
from alerts.pipeline.rulebook import RuleBook
from detectors.camera import WatchedCamera
from detectors.models import weights as files
from detectors.models.boxes import iou
from detectors.stages import objects
from lianfang import cli, plugins
from lianfang.bus import Position
from lianfang.clock import SystemClock
from lianfang.config import load
from lianfang.events import FRAMES, DetectedObject, Frame
from tests.support.configs import SECRETS, changed, write
from tests.support.yolo import MARKS, Models, picture

pytestmark = MARKS
START = datetime(2026, 1, 1, tzinfo=UTC)
WHOLE = [[0, 0], [1, 0], [1, 1], [0, 1]]


@pytest.mark.parametrize("form", ["pt", "onnx"])
def test_a_stage_follows_its_objects(models: Models, form: str) -> None:
    weights: Path = getattr(models, form)
    stanza = {"kind": "ultralytics", "weights": str(weights), "trusted": True, "names": ["fire"]}
    config = objects.Config.model_validate({"kind": "objects", "engine": stanza, "labels": ["fire"]})
    stage = plugins.build("detectors.stages", config, None)
    assert stage.models == (f"site@{files.digest(weights)[:12]}",)
    camera = stage.open("cam", "epoch")
    seen: tuple[DetectedObject, ...] = ()
    for n in range(8):
        seen = camera.look(picture(201, shift=n)[0], START + timedelta(seconds=n / 5), ())
    assert {(o.label, o.track_id) for o in seen} == {("fire", "epoch:fire1"), ("fire", "epoch:fire2")}
    truth = picture(201, shift=7)[1]
    boxes = np.array(sorted(o.xyxyn for o in seen), np.float32)
    assert (np.diag(iou(truth, boxes)) > 0.5).all()


def site(folder: Path, weights: Path, *changes: tuple[str, object]) -> Path:
    """Write a site with one camera that looks for fire with ``weights``, and return its configuration."""
    engine = {"kind": "ultralytics", "weights": str(weights), "trusted": True, "names": ["fire", "smoke"]}
    return write(
        folder,
        changed(
            ("detectors", {"fire": {"kind": "objects", "engine": engine, "labels": ["fire", "smoke"]}}),
            ("cameras.cam2", ...),
            ("cameras.cam.detectors", ["fire"]),
            ("cameras.cam.zones.water.polygon", WHOLE),
            ("rules.entry.cameras", ["cam"]),
            ("rules.entry.labels", ["fire", "smoke"]),
            *changes,
        ),
    )


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("form", ["pt", "onnx"])
def test_a_site_with_fire_opens_an_incident(models: Models, tmp_path: Path, form: str) -> None:
    file = site(tmp_path, getattr(models, form))
    assert cli.main(["check", str(file)]) == 0
    config = load(file)
    stages = {name: plugins.build("detectors.stages", c, None) for name, c in config.detectors.items()}
    camera = WatchedCamera("cam", config.cameras["cam"], stages, SystemClock())
    order, decider, opened = Order(), Decider(RuleBook(config)), []
    # Nothing burns for a second, then two fires do.
    for n in range(12):
        image = picture(201)[0] if n >= 5 else np.full((96, 128, 3), 70, np.uint8)
        at = START + timedelta(seconds=n / 5)
        frame = Frame("cam", "c", n, at, at, 128, 96, "bgr24", image.tobytes())
        said = camera.look(frame, Position(FRAMES, 0, n))
        if said is None:
            continue
        assert {seen.label for seen in said.objects} <= {"fire"}
        assert said.models == (f"site@{files.digest(getattr(models, form))[:12]}",)
        assert order.admit(said) is None
        opened += [d.incident for d in decider.decide(said)]
    assert {incident.rule for incident in opened} == {"entry"}
    assert len({incident.id for incident in opened}) == 1
    # Three frames in a row, the first of which has no number yet.
    assert opened[0].opened_at == START + timedelta(seconds=8 / 5)
    assert opened[-1].members_total == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("rules.entry.labels", ["flame"]), "flame"),
        (("detectors.fire.labels", ["fire", "flood"]), "flood"),
        (("detectors.fire.engine.trusted", False), "trusted"),
        (("detectors.fire.engine.sha256", "0" * 64), "sha256"),
    ],
)
def test_what_is_wrong_with_it_is_said_before_it_starts(
    models: Models, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: tuple[str, object], said: str
) -> None:
    assert cli.main(["check", str(site(tmp_path, models.pt, change))]) == 2
    assert said in capsys.readouterr().err

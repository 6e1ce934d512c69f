"""The process of one back-test: a question comes in, lines about it go out. It may be killed at any time.

It reads the log and nothing of the store, tells nobody, and dies with whoever asked: its next line finds no
reader. Frames that are still kept are written into the folder that it is given, drawn on like evidence.
"""

from __future__ import annotations

import json
import os
import pickle
import resource
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from alerts.backtest.past import decided, logged
from alerts.backtest.question import INCIDENTS, Question
from alerts.incidents.incident import Incident
from alerts.incidents.model import ChangeKind
from alerts.pipeline.decide import Decision
from alerts.pipeline.worker import topics
from lianfang import codec
from lianfang.bus import Bus
from lianfang.bus.connect import reach
from lianfang.config import Config
from lianfang.errors import DecodeError, EvidenceMissing, LianfangError
from lianfang.events import Observation

_MEMORY_BYTES = 2 * 1024**3
_NICE = 10  # the wall and the rules come first
_MOST_FRAMES = 200


def main() -> None:
    """Answer the question on the standard input; the folder for frames is the only argument."""
    cpu_s, question = pickle.loads(sys.stdin.buffer.read())  # noqa: S301 - of the process that started this
    os.nice(_NICE)
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    try:
        with ExitStack() as opened:
            album = _Frames(Path(sys.argv[1]))
            incidents = answered(question, reach(question.config, opened), _Progress(), album.keep)
    except (LianfangError, MemoryError) as error:
        _say({"fault": str(error) or "out of memory"})
        return
    _say({"incidents": INCIDENTS.dump_python(incidents, mode="json")})


def answered(
    question: Question,
    bus: Bus,
    progress: Callable[[float], None],
    keep: Callable[[Decision, Bus, Config], None] = lambda *_: None,
) -> list[Incident]:
    """Return the incidents that the question is about, in the order in which they opened, as they were left.

    ``keep`` is given the decisions that open them. TransientError where the bus does not answer.
    """
    found: dict[str, Incident] = {}
    read = logged(bus, topics(question.config), progress, question.wants)
    events = (event for event in read if question.concerns(event))
    judged = decided(question.config, events, question.facts, question.said, rules=question.rules)
    for _, decider, decisions in judged:
        for decision in decisions:
            found[decision.incident.id] = decision.incident
            opens = any(change.kind == ChangeKind.OPENED for change in decision.changes)
            if opens and question.span.holds(decision.incident.opened_at):
                keep(decision, bus, decider.book.config)
    known = (incident for incident in found.values() if question.span.holds(incident.opened_at))
    return sorted(known, key=lambda incident: (incident.opened_at, incident.id))


class _Frames:
    """The folder of frames: one of each incident that opened in a picture that the bus still has."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._left = folder, _MOST_FRAMES

    def keep(self, decision: Decision, bus: Bus, config: Config) -> None:
        event = decision.event
        if not isinstance(event, Observation) or self._left <= 0:
            return
        try:
            record = bus.fetch(event.frame)
            frame = codec.decode_frame(record.value, record.headers)
            jpeg = _drawn(frame, decision.incident, config)
        except (EvidenceMissing, DecodeError):
            return
        (self._folder / f"{decision.incident.id}.jpg").write_bytes(jpeg)
        self._left -= 1


def _drawn(frame: Any, incident: Incident, config: Config) -> bytes:  # noqa: ANN401 - a Frame
    from alerts.evidence import annotate, decoded  # noqa: PLC0415 - OpenCV, for the few that have a frame
    from alerts.incidents.occupancy import seen_at  # noqa: PLC0415

    _, image = decoded(frame)
    people = seen_at(incident.members, incident.camera, incident.opened_at)
    boxes = [{"xyxyn": p.xyxyn, "label": p.label, "confidence": p.confidence} for p in people]
    camera = config.cameras.get(incident.camera)
    zone = camera.zones.get(incident.zone) if camera else None
    return annotate(image, boxes, zone.polygon if zone else ())


class _Progress:
    """Says how far it is, by whole per cents."""

    def __init__(self) -> None:
        self._said = -1

    def __call__(self, share: float) -> None:
        if (percent := int(share * 100)) != self._said:
            self._said = percent
            _say({"progress": percent / 100})


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

"""Play a recorded drill through the camera as it is configured now: stages, zones, rules. Nobody is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from alerts.rules.base import RuleSettings
from deploy.drills import case
from deploy.drills.case import Drill
from deploy.replay import Alarm, Replay
from detectors.stages.base import Stage
from ingest.sampler import Sampler
from lianfang.config import Config
from lianfang.errors import LianfangError


@dataclass(frozen=True)
class Outcome:
    """What became of a drill: the delay of the alarm in seconds, or why it counts as missed."""

    camera_id: str
    name: str
    delay_s: float | None = None
    why: str = ""

    @property
    def found(self) -> bool:
        """Whether the alarm was raised in time."""
        return self.delay_s is not None

    def __str__(self) -> str:
        result = (
            f"MISSED: {self.why}" if self.delay_s is None else f"found, {self.delay_s:.1f} s after its start"
        )
        return f"{self.camera_id}/{self.name}: {result}"


def play(config: Config, folder: Path, stages: Mapping[str, Stage]) -> Outcome:
    """Return what becomes of the drill in ``folder``; whatever cannot be played is missed."""
    camera_id, name = folder.parent.name, folder.name
    try:
        drill = case.read(folder)
        if reason := _not_watched(config, camera_id, drill.rule):
            return Outcome(camera_id, name, why=reason)
        alarms = raised(config, camera_id, folder, drill, stages)
    except (LianfangError, ValueError, OSError) as error:
        return Outcome(camera_id, name, why=f"it cannot be played: {error}")
    times = [((alarm.at - drill.recorded_at).total_seconds(), alarm.rule) for alarm in alarms]
    for at_s, rule in times:
        if rule == drill.rule and drill.start_s <= at_s <= drill.end_s:
            return Outcome(camera_id, name, delay_s=at_s - drill.start_s)
    others = "; ".join(f"{rule} at {at_s:.1f} s" for at_s, rule in times) or "nothing"
    wanted = f"{drill.rule} between {drill.start_s:g} and {drill.end_s:g} s"
    return Outcome(camera_id, name, why=f"wanted {wanted}, raised {others}")


def raised(
    config: Config, camera_id: str, folder: Path, drill: Drill, stages: Mapping[str, Stage]
) -> list[Alarm]:
    """Return what the pictures raise, at the camera's present rate.

    DecodeError or ValueError where one of them is no picture.
    """
    replay, sampler = Replay(config, camera_id, stages), Sampler(config.cameras[camera_id].fps)
    for frame in case.frames(folder, camera_id, drill):
        if sampler.takes(frame.captured_at):
            replay.look(frame)
    return replay.alarms


def _not_watched(config: Config, camera_id: str, rule_id: str) -> str:
    """Return why the rule cannot raise anything at the camera, empty where it can."""
    rule = config.rules.get(rule_id)
    if camera_id not in config.cameras:
        return "the camera is not configured any more"
    if not isinstance(rule, RuleSettings):
        return f"rule {rule_id} is not configured any more"
    if not rule.enabled:
        return f"rule {rule_id} is not enabled"
    return "" if camera_id in rule.cameras else f"rule {rule_id} does not look at this camera any more"

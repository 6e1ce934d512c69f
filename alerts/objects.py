"""What the rules about detected objects share: which of them count, and who is a member. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated

from pydantic import Field

from alerts.rules.base import About, Member, RuleSettings, Sighting
from alerts.together import TogetherSettings
from lianfang.config import Config, Problem
from lianfang.events import DetectedObject, Observation

UNKNOWN = "unknown"
"""The value of an attribute that a detector could not tell."""


_PEOPLE = frozenset({"person", "vanished_in_water"})

Value = str | bool | int
Having = dict[str, Annotated[tuple[Value, ...], Field(min_length=1)]]
"""Attributes by name, each with the values that count."""


class ObjectSettings(RuleSettings):
    """The stanza of a rule about objects; a subclass adds ``kind`` and its own keys."""

    labels: Annotated[tuple[str, ...], Field(min_length=1)] = ("person",)
    """What counts as somebody."""
    having: Having = Field(default_factory=dict)
    """Attributes that they must have, each with the values that count, such as ``helmet: [bare]``."""
    together: TogetherSettings | None = None
    """A sensor that must say something about the same time; who is there without it only may be there."""
    min_confidence: float = Field(default=0.4, gt=0, le=1)
    """Weaker boxes do not count; they only keep a place from being called empty."""

    @property
    def about(self) -> About:
        """People, or things where the rule is about nobody."""
        return "things" if _PEOPLE.isdisjoint(self.labels) else "people"

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield labels and attributes that the detectors of a camera do not give."""
        yield from super().check(config)
        for camera_id in (c for c in self.sources if c in config.cameras):
            given = config.labels_given(config.cameras[camera_id].detectors)
            for j, label in enumerate(self.labels):
                if label not in given:
                    allowed = f"a label that the detectors of camera {camera_id} give: {', '.join(given)}"
                    yield Problem(("labels", j), repr(label), allowed)
            yield from self._not_said(camera_id, _said_at(camera_id, config))

    def _not_said(self, camera_id: str, said: Mapping[str, set[Value] | None]) -> Iterator[Problem]:
        """Yield the attributes, and the values of attributes, that nobody is given at a camera."""
        for key, wanted in self.having.items():
            if key not in said:
                listed = ", ".join(sorted(said)) or "none: no stage there says any"
                allowed = f"an attribute that the detectors of camera {camera_id} give: {listed}"
                yield Problem(("having",), repr(key), allowed)
            for j, value in enumerate(wanted):
                possible = said.get(key)
                if possible is not None and value not in possible:
                    listed = ", ".join(
                        sorted(str(v) if isinstance(v, str) else repr(v).lower() for v in possible)
                    )
                    yield Problem(("having", key, j), repr(value), f"one of {listed} at camera {camera_id}")

    def cameras_without(self, kind: str, config: Config) -> Iterator[str]:
        """Yield the cameras of the rule none of whose detectors is a stage ``kind``."""
        for camera_id in (c for c in self.sources if c in config.cameras):
            stages = (config.detectors.get(name) for name in config.cameras[camera_id].detectors)
            if all(getattr(stage, "kind", "") != kind for stage in stages):
                yield camera_id

    def counted(self, detected: DetectedObject) -> str | None:
        """Return the track of somebody who counts: known to the tracker, sure, and as the rule wants them."""
        if detected.label not in self.labels or detected.confidence < self.min_confidence:
            return None
        having = self.having
        fits = not having or all(detected.attributes.get(k) in wanted for k, wanted in having.items())
        return detected.track_id if fits else None

    def excluded(self, detected: DetectedObject) -> bool:
        """Say whether this is known to be another than the rule wants: not merely not sure yet."""
        return any(
            detected.attributes.get(k, UNKNOWN) not in (*wanted, UNKNOWN) for k, wanted in self.having.items()
        )


def _said_at(camera_id: str, config: Config) -> dict[str, set[Value] | None]:
    """Return the attributes that the detectors of a camera give, each with its values, None for any."""
    said: dict[str, set[Value] | None] = {}
    for name in config.cameras[camera_id].detectors:
        for key, values in getattr(config.detectors.get(name), "attributes", {}).items():
            before = said.get(key, set())
            said[key] = before | set(values) if values and before is not None else None
    return said


def sighting(
    observation: Observation,
    placed: Iterable[tuple[DetectedObject, str | None]],
    is_member: Callable[[DetectedObject], bool],
) -> Sighting:
    """Return what a rule sees: of those in a zone the members and the others, and who is elsewhere."""
    members: list[Member] = []
    present: list[Member] = []
    elsewhere: set[str] = set()
    for detected, zone in placed:
        if zone is None:
            if detected.track_id:
                elsewhere.add(detected.track_id)
            continue
        found = Member(
            track_id=detected.track_id,
            label=detected.label,
            confidence=detected.confidence,
            xyxyn=detected.xyxyn,
            zone=zone,
        )
        (members if is_member(detected) else present).append(found)
    return Sighting(
        camera=observation.camera_id,
        captured_at=observation.captured_at,
        track_epoch=observation.track_epoch,
        members=tuple(members),
        present=tuple(present),
        elsewhere=frozenset(elsewhere),
    )

"""The names that stand behind the ids of the store, as the configuration knows them now."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy.orm import Session

from alerts.api.models import Assignee, Contact, Figure, Named, NamedInBoth, Words
from alerts.channels.base import ChannelConfig
from alerts.pipeline import hits
from alerts.pipeline.speakers import covering
from alerts.rules.base import About, RuleSettings
from alerts.store.schema import IncidentRow
from alerts.store.subscriptions import receiver_of
from alerts.wording import source_name
from lianfang.config import Config
from lianfang.config.api import Role
from lianfang.config.point import Contact as ContactStanza

_ASSIGNABLE = frozenset({"administrator", "operator", "worker"})


class Names:
    """Looks ids up. A configuration may have lost one since: then the id stands for the name."""

    def __init__(self, config: Callable[[], Config]) -> None:
        """``config`` gives the configuration in force."""
        self._in_force = config

    @property
    def _config(self) -> Config:
        return self._in_force()

    def rule(self, rule_id: str) -> NamedInBoth:
        """Return the rule's name in both languages."""
        rule = self._config.rules.get(rule_id)
        if not isinstance(rule, RuleSettings):
            return NamedInBoth(id=rule_id, name=Words(zh=rule_id, en=rule_id))
        name = rule.name
        return NamedInBoth(id=rule_id, name=Words(zh=name.zh, en=name.in_language("en")))

    def about(self, rule_id: str) -> About:
        """Return what the incidents of a rule are about; people where the rule is not known any more."""
        rule = self._config.rules.get(rule_id)
        return rule.about if isinstance(rule, RuleSettings) else "people"

    def is_vital(self, rule_id: str) -> bool:
        """Say whether a life may be at stake where the rule raises anything."""
        rule = self._config.rules.get(rule_id)
        return isinstance(rule, RuleSettings) and rule.life_safety

    def is_looked_for(self, session: Session, row: IncidentRow) -> bool:
        """Say whether the police look for the vehicle of an incident."""
        return bool(hits.wanted(session, self._config, row))

    def receivers(self) -> list[NamedInBoth]:
        """Return every receiver with its name in both languages."""
        found = []
        for receiver_id, receiver in self._config.receivers.items():
            name = receiver.name if isinstance(receiver, ChannelConfig) else None
            words = (
                Words(zh=name.zh, en=name.in_language("en"))
                if name
                else Words(zh=receiver_id, en=receiver_id)
            )
            found.append(NamedInBoth(id=receiver_id, name=words))
        return found

    def receiver(self, receiver_id: str) -> str:
        """Return a receiver's name in Chinese."""
        return next((named.name.zh for named in self.receivers() if named.id == receiver_id), receiver_id)

    def subscriber(self, name: str, title: str) -> NamedInBoth:
        """Return who subscribes with a receiver, by name and title of the subscription."""
        known, receiver_id = {named.id: named.name for named in self.receivers()}, receiver_of(name)
        there = known.get(receiver_id, Words(zh=receiver_id, en=receiver_id))
        return NamedInBoth(id=name, name=Words(zh=f"{there.zh}：{title}", en=f"{there.en}: {title}"))

    def point(self, point_id: str) -> Named:
        """Return a point's name."""
        point = self._config.points.get(point_id)
        return Named(id=point_id, name=point.name if point else point_id)

    def point_of(self, camera_id: str) -> Named:
        """Return where a camera is; where it is not known any more, itself."""
        config = self._config
        return self.point(config.point_of(camera_id)) if config.has(camera_id) else self.camera(camera_id)

    def camera(self, camera_id: str) -> Named:
        """Return the name of a camera, a sensor or a speaker."""
        return Named(id=camera_id, name=source_name(self._config, camera_id))

    def figures(self, figures: Mapping[str, Mapping[str, float]]) -> list[Figure]:
        """Return the numbers beside an incident, by camera or sensor."""
        return [
            Figure(source=self.camera(source), name=name, value=value, unit=self._unit(source))
            for source, numbers in sorted(figures.items())
            for name, value in numbers.items()
        ]

    def _unit(self, source: str) -> str:
        sensor = self._config.sensors.get(source)
        return sensor.unit if sensor else ""

    def zone(self, camera_id: str, zone_id: str) -> Named:
        """Return a zone's name."""
        camera = self._config.cameras.get(camera_id)
        zone = camera.zones.get(zone_id) if camera else None
        return Named(id=zone_id, name=(zone.name if zone else "") or zone_id)

    def speakers(self, row: IncidentRow) -> list[str]:
        """Return the speakers that are heard where an incident is, nearest first."""
        rule = self._config.rules.get(row.rule)
        return list(covering(self._config, rule, row)) if isinstance(rule, RuleSettings) else []

    def operator(self, operator_id: str) -> str:
        """Return a person's name, "" for what is none."""
        operator = self._config.api.operators.get(operator_id)
        return operator.name if operator else ""

    def role(self, operator_id: str) -> Role:
        """Return the role of a person who is logged in."""
        return self._config.api.operators[operator_id].role

    def stands_for(self, operator_id: str) -> list[str]:
        """Return the assignees whose incidents are a person's."""
        return self._config.stands_for(operator_id)

    def contact(self, point_id: str) -> Contact | None:
        """Return who is on duty at a point, None if nobody is named."""
        point = self._config.points.get(point_id)
        return _contact(point.duty_contact if point else None)

    def assignee(self, assignee_id: str) -> Assignee:
        """Return the person or the cell of the grid of that id."""
        cell = self._config.grid_cells.get(assignee_id)
        return Assignee(
            id=assignee_id,
            name=cell.name if cell else self.operator(assignee_id) or assignee_id,
            kind="cell" if cell else "person",
            points=list(cell.points) if cell else [],
            contact=_contact(cell.contact if cell else None),
        )

    def assignees(self) -> list[Assignee]:
        """Return everybody whom an incident can be assigned to, cells first."""
        operators = self._config.api.operators.items()
        people = (name for name, o in operators if o.role in _ASSIGNABLE and not o.locked)
        return [self.assignee(name) for name in (*self._config.grid_cells, *people)]

    def waiting_for_confirmation(self, rule_id: str) -> list[str]:
        """Return the receivers that a rule tells only after a person has confirmed."""
        rule = self._config.rules.get(rule_id)
        notify = rule.notify if isinstance(rule, RuleSettings) else ()
        return [target.receiver for target in notify if target.mode == "live"]


def _contact(contact: ContactStanza | None) -> Contact | None:
    return Contact(name=contact.name, phone=contact.phone) if contact else None

"""Who sees which plates and cards whole: operators, and workers those of what is given to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel

from alerts.api.models import Incident
from alerts.api.names import Names
from alerts.api.needs import STAFF
from alerts.api.standing import OpenCase
from alerts.passes import Pass
from alerts.rules.base import RuleSettings
from lianfang.config import Config
from lianfang.plates import matches, normalised

M = TypeVar("M", bound=BaseModel)
I = TypeVar("I", bound=Incident)  # noqa: E741 - an incident, in any detail


class Told(bytes):
    """An event of the stream as those get it who see the plate whole; ``masked`` is it for the others.

    ``assignee`` is to whom the incident is given, "" for nobody.
    """

    masked: bytes
    assignee: str

    @classmethod
    def of(cls, whole: bytes, masked: bytes, assignee: str) -> Told:
        """Return it."""
        told = cls(whole)
        told.masked, told.assignee = masked, assignee
        return told


class Sight:
    """Masks plates, and cards, wherever an incident leaves the API."""

    def __init__(self, config: Callable[[], Config], names: Names) -> None:
        self._config, self._names = config, names

    def may(self, operator: str, assignee: str = "") -> bool:
        """Say whether somebody sees whole what an incident, given to ``assignee``, is about."""
        role = self._names.role(operator)
        return role in STAFF or (role == "worker" and assignee in self._names.stands_for(operator))

    def masked(self, rule_id: str, subject: str) -> str:
        """Return what an incident of a rule is about, as far as everybody may see it."""
        rule = self._config().rules.get(rule_id)
        if not subject or "*" in subject:
            return subject
        if (isinstance(rule, RuleSettings) and rule.names_plates) or matches(normalised(subject)):
            return Pass("plate", subject).masked
        return Pass("card", subject).masked if getattr(rule, "kind", "") == "access" else subject

    def incident(self, incident: I, operator: str) -> I:
        """Return an incident as ``operator`` may see it: its plate is masked in every text of it."""
        assignee = incident.assignee.id if incident.assignee else ""
        return self._shown(incident, incident.rule.id, incident.subject, self.may(operator, assignee))

    def case(self, case: OpenCase, operator: str) -> OpenCase:
        """Return an open case as ``operator`` may see it."""
        assignee = case.assignee.id if case.assignee else ""
        return self._shown(case, case.rule.id, case.subject, self.may(operator, assignee))

    def event(self, incident: Incident, event: bytes) -> bytes:
        """Return an event of the stream about an incident, with what others see of it."""
        masked = self.masked(incident.rule.id, incident.subject)
        if masked == incident.subject:
            return event
        hidden = event.replace(incident.subject.encode(), masked.encode())
        return Told.of(event, hidden, incident.assignee.id if incident.assignee else "")

    def seen_by(self, operator: str) -> Callable[[bytes], bytes]:
        """Return what makes of an event of the stream what ``operator`` may see."""

        def see(event: bytes) -> bytes:
            if isinstance(event, Told) and not self.may(operator, event.assignee):
                return event.masked
            return event

        return see

    def _shown(self, model: M, rule_id: str, subject: str, whole: bool) -> M:
        masked = subject if whole else self.masked(rule_id, subject)
        if masked == subject:
            return model
        return type(model).model_validate_json(model.model_dump_json().replace(subject, masked))

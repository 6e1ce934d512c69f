"""States of rules that outlive the log's read-back, to and from plain data. Pure.

A crowd may gather for an hour and a car be parked for days: to count them anew after each start would be to
forget them. Such states are kept in the store, in the transaction that moves the offset that they are true
for; what came after it is read again, as for every rule.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from alerts.pipeline.rulebook import ReadyRule, RuleBook, State
from lianfang.config import Config

FORMAT = 1
"""Number of this format; data of another one is left alone, and the rules begin anew."""


def dumped(book: RuleBook, source: str, states: Mapping[str, State]) -> dict[str, Any]:
    """Return those of a source's ``states`` that outlive the read-back, by rule, as JSON can hold them."""
    return {
        rule_id: {
            "format": FORMAT,
            "footing": _footing(ready, book.config, source),
            "epoch": states[rule_id][0],
            "state": ready.lasting.dump_python(states[rule_id][1], mode="json"),
        }
        for rule_id, ready in book.of(source)
        if ready.lasting is not None and rule_id in states
    }


def loaded(book: RuleBook, source: str, data: Mapping[str, Any]) -> dict[str, State]:
    """Return the states that ``dumped`` gave, of rules that still count as they did then."""
    states: dict[str, State] = {}
    for rule_id, ready in book.of(source):
        kept = data.get(rule_id)
        if ready.lasting is None or kept is None or kept["format"] != FORMAT:
            continue
        if kept["footing"] != _footing(ready, book.config, source):
            continue
        try:
            states[rule_id] = kept["epoch"], ready.lasting.validate_python(kept["state"])
        except ValidationError:
            continue  # another version of the rule wrote it: it begins anew
    return states


def _footing(ready: ReadyRule, config: Config, source: str) -> str:
    """Return a name of all that the state stands on, equal where nothing has changed."""
    said = json.dumps(to_jsonable_python(ready.footing(config, source)), sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:16]

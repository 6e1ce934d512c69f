"""What keys mean is what stands below them in the source."""

from __future__ import annotations

from lianfang.config import Stanza
from lianfang.config.meaning import meanings


class Door(Stanza):
    """A door."""

    width_m: float = 1.0
    """How wide
    it is."""
    colour: str = ""
    locked: bool = False
    """Whether a key is needed."""


class Gate(Door):
    """A door for cars."""

    width_m: float = 4.0
    locked: bool = True
    """Whether anybody is let in."""


def test_of_its_own_keys_and_of_those_it_inherits() -> None:
    assert meanings(Door) == {
        "width_m": "How wide\nit is.",
        "colour": "",
        "locked": "Whether a key is needed.",
    }
    # A key that is declared anew says itself what it means.
    assert meanings(Gate) == {"width_m": "", "colour": "", "locked": "Whether anybody is let in."}


def test_a_schema_says_it() -> None:
    described = Door.model_json_schema()["properties"]
    assert described["locked"]["description"] == "Whether a key is needed."
    assert "description" not in described["colour"]

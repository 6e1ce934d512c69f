"""How the message of a sensor is read: where in it the value stands, and what it means."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from lianfang.biometrics import is_biometric
from lianfang.config.stanza import Stanza

Pointer = Annotated[str, StringConstraints(max_length=200, pattern=r"^(/([^~/]|~[01])*)*$")]
"""A place in JSON (RFC 6901), such as /data/0/level; empty is the whole."""
Attribute = Literal["card", "plate", "direction", "text", "level"]
"""What may be kept beside the value. Nothing of a body: no face, no finger, no name."""

WORDS: dict[str, float] = {
    **dict.fromkeys(
        ("open", "opened", "on", "alarm", "alert", "true", "yes", "开", "打开", "报警", "告警"), 1
    ),
    **dict.fromkeys(("closed", "close", "off", "normal", "ok", "false", "no", "关", "关闭", "正常"), 0),
}
"""Words of the trade; true and false of JSON are 1 and 0 too."""


class Payload(Stanza):
    """A message in JSON, a plain number, or a word. Places in it are JSON pointers such as /data/level."""

    value: Pointer = ""
    """Where the value stands; the whole message where not given."""
    words: dict[str, float] | None = Field(default=None, max_length=64)
    """Words that stand for values, in place of the usual ones: open, on, alarm, 开, 报警 are 1; closed, off,
    normal, 关, 正常 are 0."""
    constant: float | None = Field(default=None, ge=-1e9, le=1e9)
    """The value of every message, where what comes is an event and measures nothing."""
    factor: float = Field(default=1, ge=-1e9, le=1e9)
    """What a number is multiplied by, such as 0.001 from mm to m …"""
    offset: float = Field(default=0, ge=-1e9, le=1e9)
    """… and what is then added."""
    unit: Pointer | None = None
    """Where its unit stands; another one than the sensor's is a fault of the sensor."""
    time: Pointer | None = None
    """Where the sensor's own time stands: ISO 8601, or seconds or milliseconds since 1970. It tells a reading
    from its repetition, and is shown; no rule goes by it."""
    id: Pointer | None = None
    """Where the number of the message stands: one that comes again under it is no other."""
    match: dict[Pointer, str] = Field(default_factory=dict, max_length=8)
    """What must stand in a message that is this sensor's: place to text, such as {/devId: A17}."""
    attributes: dict[Attribute, Pointer] = Field(default_factory=dict)
    """What is kept beside the value, as text, and where it stands."""

    @model_validator(mode="after")
    def _measures(self) -> Self:
        if self.factor == 0:
            raise ValueError("a 'factor' that is not 0")
        if self.constant is not None and (self.value or self.words):
            raise ValueError("'constant', or 'value' and 'words'")
        if "" in self.match:
            raise ValueError("places in 'match' that begin with /")
        for pointer in self.attributes.values():
            if is_biometric(pointer):
                raise ValueError(f"attributes that are no faces, fingers or pictures, as {pointer} is")
        return self

"""Tollgates (卡口) as the stanza of a platform has them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from lianfang.config import Stanza
from lianfang.config.stanza import DeviceCode


class Tollgate(Stanza):
    """A tollgate (卡口). A plain string is its code; its record is uploaded where nothing is lacking."""

    code: DeviceCode
    """Its 20-digit code."""
    name: str = Field(default="", max_length=100)
    """As it is called there; the name of its camera's point where not given."""
    category: str = Field(default="", pattern=r"^([0-9]{2})?$")
    """TollgateCat of GA/T 1400, two digits."""
    usage: Literal["", "80", "81", "82"] = ""
    """TollgateUsage of GA/T 1400."""

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, data: Any) -> Any:  # noqa: ANN401
        return {"code": data} if isinstance(data, str) else data

    def lacks(self) -> tuple[str, ...]:
        """Return the keys without which there is no record of it."""
        return tuple(key for key in ("category", "usage") if not getattr(self, key))

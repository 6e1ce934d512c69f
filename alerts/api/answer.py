"""What everything that the API answers with has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """The base of everything that the API answers with."""

    model_config = ConfigDict(frozen=True)

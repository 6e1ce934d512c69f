"""How ingest asks the alert service which cameras of guests it may read now: sealed there and back.

Both have the guests' key. A question and an answer are good for seconds: who copies one has nothing, and an
owner who withdraws is heard within the life of an answer, whatever breaks in between.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from lianfang.config import Config
from lianfang.errors import PermanentError, TransientError
from lianfang.reach.guests import GuestSource
from lianfang.sealing import Seal

PATH = "/share/readers"
QUESTION = "which cameras of guests may be read"
FRESH_S = 30
"""Seconds for which a question or an answer is good; the clocks of two machines may differ by less."""
_TIMEOUT_S = 3.0
_MOST = 4 * 1024 * 1024


class Readable(BaseModel):
    """One camera: its stanza without a source, where its pictures come from, and the networks of that."""

    model_config = ConfigDict(frozen=True)

    camera: dict[str, Any]
    source: GuestSource
    networks: tuple[str, ...]


class Answer(BaseModel):
    """What may be read now, by id."""

    model_config = ConfigDict(frozen=True)

    guests: dict[str, Readable]


class Asking:
    """Asks, again and again. TransientError where there is no answer that can be believed."""

    def __init__(self, config: Config) -> None:
        self._config = config
        api = config.api
        host = "127.0.0.1" if api.host in ("0.0.0.0", "::", "") else api.host  # noqa: S104 - compared with
        self._address = ((config.guests and config.guests.api) or f"http://{host}:{api.port}") + PATH
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Straight())

    def __call__(self) -> Mapping[str, Readable]:
        """Return what may be read now."""
        assert self._config.guests is not None  # noqa: S101 - nobody asks otherwise
        try:
            seal = Seal(self._config.guests.secrets)  # read anew: keys change while it runs
            request = urllib.request.Request(  # noqa: S310 - an address of the configuration
                self._address, seal.close(QUESTION).encode(), {"Content-Type": "text/plain"}, method="POST"
            )
            with self._opener.open(request, timeout=_TIMEOUT_S) as answer:
                said = seal.open(answer.read(_MOST).decode("ascii"), FRESH_S)
            return Answer.model_validate(said).guests
        except (OSError, ValueError, LookupError, PermanentError, ValidationError) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else type(error).__name__
            raise TransientError(f"{self._address}: {reason}") from None


class _Straight(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:  # noqa: ANN401
        """Follow nothing."""

"""How the brokers are reached: addresses, TLS, login."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from lianfang.bus.kafka.mends import CLOSING_SOCKETS, close_on_failure
from lianfang.config.kafka import Kafka, brokers
from lianfang.config.tls import Tls
from lianfang.errors import LianfangError, TransientError

# How long until a broker that cannot be reached is tried again, at most.
_RECONNECT_MAX_MS = 1000


@dataclass(frozen=True)
class Access:
    """What every client needs to know. ``arguments`` are those of kafka-python, ``brokers`` is for people."""

    brokers: str
    arguments: Mapping[str, Any] = field(repr=False)  # holds the password

    @classmethod
    def of(cls, bus: str, settings: Kafka) -> Access:
        """Return the access that a configuration names; LianfangError where a secret or file is missing."""
        places = brokers(bus)
        arguments: dict[str, Any] = {
            "bootstrap_servers": places,
            "client_id": "lianfang",
            "reconnect_backoff_max_ms": _RECONNECT_MAX_MS,
            **CLOSING_SOCKETS,
        }
        protocol = "SSL" if settings.tls else "PLAINTEXT"
        if settings.tls:
            arguments["ssl_context"] = _ssl_context(settings.tls)
        if settings.sasl:
            protocol = f"SASL_{protocol}"
            arguments["sasl_mechanism"] = settings.sasl.mechanism
            arguments["sasl_plain_username"] = settings.sasl.username
            try:
                arguments["sasl_plain_password"] = settings.sasl.password.read()
            except LookupError as error:
                raise LianfangError(f"kafka.sasl.password: {error}") from error
        return cls(",".join(places), {**arguments, "security_protocol": protocol})


def _ssl_context(tls: Tls) -> ssl.SSLContext:
    try:
        context = tls.context()
    except OSError as error:
        raise LianfangError(f"kafka.tls: {error}") from error
    close_on_failure(context)
    return context


def quiet() -> None:
    """Keep the client library's own log for debugging: it says every attempt, and we say transitions."""
    if not logging.getLogger().isEnabledFor(logging.DEBUG):
        logging.getLogger("kafka").setLevel(logging.CRITICAL + 1)


class LastWords(logging.Handler):
    """Keeps what the client library said last about a connection: its errors say only that time is up."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.text = ""
        self._logger = logging.getLogger("kafka.net.manager")

    def __enter__(self) -> Self:
        self._logger.addHandler(self)
        self._level, self._propagate = self._logger.level, self._logger.propagate
        self._logger.setLevel(logging.WARNING)
        self._logger.propagate = logging.getLogger().isEnabledFor(logging.DEBUG)
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.setLevel(self._level)
        self._logger.propagate = self._propagate
        self._logger.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it, if it is about a connection that failed."""
        text = record.getMessage()
        if "onnection" not in text or " failed: " not in text:
            return
        # So ends every attempt, and the last one: the cause was said before.
        if not self.text or not ("disconnected" in text or "RequestTimedOut" in text):
            self.text = text


def transient(what: str, error: BaseException) -> TransientError:
    """Return ``error`` of the client library as the TransientError that our callers know."""
    return TransientError(f"{what}: {error}")

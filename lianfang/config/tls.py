"""TLS to a server that we are a client of."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from lianfang.config.stanza import Problem, Stanza

if TYPE_CHECKING:
    from lianfang.config.model import Config


class Tls(Stanza):
    """TLS to the servers, whose names are checked against their certificates."""

    ca_file: Path | None = None
    """Certificates (PEM) that sign the servers'; the system's where not given."""
    cert_file: Path | None = None
    """Our own certificate with its chain (PEM), where the servers ask for one."""
    key_file: Path | None = None
    """The key of our own certificate (PEM)."""

    def context(self) -> ssl.SSLContext:
        """Return the context of connections; OSError where a file is not what it should be."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.cert_file is not None:
            context.load_cert_chain(self.cert_file, self.key_file)
        return context

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield files that cannot be read, a certificate without its key, and what is no certificate."""
        del config
        if self == Tls():
            return  # the system's certificates: to read them for each of many receivers takes its time
        problems = [*self._missing()]
        yield from problems
        if problems:
            return
        try:
            self.context()
        except OSError as error:  # ssl.SSLError is one
            yield Problem((), str(error), "PEM files, a certificate and its own key")

    def _missing(self) -> Iterable[Problem]:
        for name in ("ca_file", "cert_file", "key_file"):
            file: Path | None = getattr(self, name)
            if file is not None and not file.is_file():
                yield Problem((name,), str(file), "a readable file")
        if (self.cert_file is None) != (self.key_file is None):
            yield Problem((), "one of cert_file and key_file", "both or neither")

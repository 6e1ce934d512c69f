"""Who we are at the cameras of a configuration, and what is wrong with the passwords that it names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from deploy.cameras.makers import USUAL
from deploy.inventory.flows import address_of
from lianfang.config import Config, Secret

_SHORTEST, _KINDS = 8, 2


@dataclass(frozen=True)
class Target:
    """A device, and one user there: the cameras that are it, ``url`` of its HTTP, and the secret."""

    cameras: tuple[str, ...]
    url: str
    user: str
    secret: Secret | None
    model: str = ""

    @property
    def host(self) -> str:
        """Its name or address."""
        return urlsplit(self.url).hostname or ""

    @property
    def file(self) -> Path | None:
        """The file of its password; None where it stands elsewhere."""
        return self.secret.file if self.secret else None

    def password(self) -> str | None:
        """Return the password; None where there is none that can be read."""
        try:
            return self.secret.read() if self.secret else None
        except LookupError:
            return None


def targets(config: Config, port: int) -> list[Target]:
    """Return the devices whose cameras name a user; ``port`` is of their HTTP where no address says it."""
    found: dict[tuple[str, str, Secret | None], Target] = {}
    for name, camera in config.cameras.items():
        user = getattr(camera.source, "username", None)
        url = http_of(address_of(camera.source), port)
        if not url or not user:
            continue
        secret = getattr(camera.source, "password", None)
        key = (url, user, secret)
        before = found[key].cameras if key in found else ()
        found[key] = Target((*before, name), url, user, secret, camera.record.model)
    return list(found.values())


def http_of(address: str, port: int) -> str:
    """Return where the device serves HTTP: at its own address where that is one of HTTP."""
    try:
        parts = urlsplit(address)
        if not parts.hostname:
            return ""
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        own = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    return f"{parts.scheme}://{host}{own}" if parts.scheme in {"http", "https"} else f"http://{host}:{port}"


def in_addresses(config: Config) -> Iterator[str]:
    """Yield the cameras whose address holds a login: whoever reads the configuration reads it."""
    for name, camera in config.cameras.items():
        address = str(getattr(camera.source, "url", ""))
        if "@" in address.partition("://")[2].partition("/")[0]:
            yield name


def faults_of(target: Target, shared: Counter[str]) -> Iterable[str]:
    """Yield what is wrong with a password, never saying it. ``shared``: how many devices have each."""
    password = target.password()
    if password is None:
        yield "no password is configured, or it cannot be read"
        return
    if password.lower() in USUAL:
        yield "a default that everybody knows"
    elif target.user.lower() in password.lower():
        yield "its user name is part of it"
    kinds = sum(any(map(kind, password)) for kind in (str.islower, str.isupper, str.isdigit, _is_sign))
    if len(password) < _SHORTEST or kinds < _KINDS:
        yield f"weak: fewer than {_SHORTEST} characters, or of one kind only"
    if shared[password] > 1:
        yield f"shared by {shared[password]} devices: who finds one has all of them"


def _is_sign(character: str) -> bool:
    return not character.isalnum()


def shared(known: Iterable[Target]) -> Counter[str]:
    """Return at how many devices each password is used."""
    hosts: dict[str, set[str]] = {}
    for target in known:
        if (password := target.password()) is not None:
            hosts.setdefault(password, set()).add(target.url)
    return Counter({password: len(urls) for password, urls in hosts.items()})

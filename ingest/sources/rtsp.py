"""``kind: rtsp``: cameras that speak RTSP."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Literal
from urllib.parse import quote, urlsplit

from pydantic import Field

from ingest.demux import decoded, opened
from ingest.sources.base import Pictures, SourceLost
from ingest.timing import ArrivalTiming, HostTime, Timing
from lianfang.clock import Clock
from lianfang.config import Config as Configuration
from lianfang.config import Problem, Secret, Stanza

_ADDRESS = "rtsp://host:port/path or rtsps://…, with '/', '?', '#' and '@' of a password escaped (%2F …)"


class Config(Stanza):
    """An RTSP stream."""

    kind: Literal["rtsp"]
    url: str
    """rtsp://… or rtsps://…; may hold user name and password, but see below."""
    username: str | None = None
    """User name, in place of one in the address."""
    password: Secret | None = None
    """Password, kept outside this file; needs a user name."""
    transport: Literal["tcp", "udp"] = "tcp"
    """How the pictures travel. Over tcp none is lost or torn."""
    open_timeout_s: float = Field(default=5, gt=0, le=60)
    """Longest wait for the camera to answer, and again for it to describe the stream."""
    read_timeout_s: float = Field(default=2, gt=0, le=60)
    """Silence after which the camera counts as lost; longer than its pictures are apart."""

    def check(self, config: Configuration) -> Iterable[Problem]:
        """Yield what is wrong with the address; what stands in it is not repeated, it may be a password."""
        del config
        fault = _fault(self.url)
        if fault:
            yield Problem(("url",), fault, _ADDRESS)
        elif self.username is not None and "@" in urlsplit(self.url).netloc:
            yield Problem(("username",), "a second user name", "one, here or in the address")
        if self.password is not None and self.username is None:
            yield Problem(("password",), "no username", "a password together with username")


def build(config: Config, clock: Clock) -> RtspSource:
    """Return the source."""
    del clock
    return RtspSource(config)


class RtspSource:
    """One RTSP stream. Only video is asked for."""

    def __init__(self, config: Config) -> None:
        self._config = config

    @property
    def live(self) -> bool:
        """A camera's pictures come as they are taken."""
        return True

    def timing(self, host: HostTime) -> Timing:
        """Return host time with the spacing of RTP's time stamps."""
        return ArrivalTiming(host)

    def open(self, stop: threading.Event) -> Pictures:
        """Connect and yield pictures until the stream ends."""
        config = self._config
        options = {
            "rtsp_transport": config.transport,
            "allowed_media_types": "video",
            # Twenty pictures would be waited for only to estimate a frame rate that nobody asks for.
            "fpsprobesize": "0",
        }
        with opened(self._address(), options, (config.open_timeout_s, config.read_timeout_s)) as container:
            yield from decoded(container, stop, config.read_timeout_s)

    def _address(self) -> str:
        """Return the address with credentials; the secret is read anew, so that it may change."""
        config = self._config
        fault = _fault(config.url)
        if fault:
            raise SourceLost(f"url: {fault}")
        if config.username is None:
            return config.url
        try:
            password = config.password.read() if config.password else ""
        except LookupError as error:
            raise SourceLost(f"password: {error.args[0]}") from None
        parts = urlsplit(config.url)
        login = f"{quote(config.username, safe='')}:{quote(password, safe='')}"
        return parts._replace(netloc=f"{login}@{parts.netloc}").geturl()


def _fault(url: str) -> str:
    """Return what is wrong with an address, without repeating any of it, or nothing."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "an address that cannot be taken apart"
    if parts.scheme not in ("rtsp", "rtsps"):
        return "an address of another kind"
    return "" if host else "an address without a host"

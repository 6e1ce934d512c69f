"""Who talks to whom: every connection that a configuration asks for, with address, port and protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from lianfang.config import Camera, Config, Stanza
from lianfang.config.kafka import brokers
from lianfang.config.meaning import meanings
from lianfang.config.postgresql import address
from lianfang.config.way import way_of

_PORTS = {
    "rtsp": 554,
    "rtsps": 322,
    "http": 80,
    "https": 443,
    "ws": 80,
    "wss": 443,
    "mqtt": 1883,
    "rtmp": 1935,
    "rtmps": 443,
}
_LISTENS = "Address to listen on"  # so begins the meaning of a host that is our own


@dataclass(frozen=True, slots=True)
class Flow:
    """A connection: ``out`` is made by us to ``host``, ``in`` is made to us there. ``mbps`` 0 for little.

    ``main_mbps`` and ``sub_mbps`` are what the streams of a camera carry, None where it has none such;
    ``basis`` says where the numbers are from.
    """

    device: str
    name: str
    point: str
    uplink: str
    host: str
    port: int
    protocol: str
    transport: Literal["tcp", "udp"]
    direction: Literal["out", "in"] = "out"
    stream: str = ""
    main_mbps: float | None = None
    sub_mbps: float | None = None
    basis: str = ""

    @property
    def mbps(self) -> float:
        """What it carries, in Mb/s: of a camera the stream that is read."""
        return (self.sub_mbps if self.stream == "sub" else self.main_mbps) or 0.0


@dataclass(frozen=True)
class Rates:
    """What a stream carries where nobody has measured it, in Mb/s: by its width."""

    main: float = 4.0
    """1920 wide at 25 pictures a second, H.264; H.265 has about half."""
    sub: float = 0.5
    """640 wide."""

    def of(self, camera: Camera, stream: str) -> float:
        """Return the rate of a stream; by the number of pixels where a sub-stream is wider than usual."""
        every_s = getattr(camera.source, "every_s", None)
        if every_s is not None:  # single pictures, about 0.2 MB each
            return round(1.6 / float(every_s), 2)
        return self.main if stream == "main" else round(self.sub * max(1.0, (camera.sub_width / 640) ** 2), 2)


def flows(config: Config, rates: Rates, measured: Mapping[str, float]) -> Iterator[Flow]:
    """Yield every connection of ``config``. ``measured`` are Mb/s of the stream that is read, by camera."""
    for name in config.cameras:
        yield from _camera(config, name, rates, measured.get(name))
    for name, receiver in config.receivers.items():
        called = getattr(receiver, "name", None)
        point = config.point_of(name)
        yield from _reached(receiver, name, called.zh if called else name, point)
    for name, broker in config.brokers.items():
        yield from _reached(broker, name, name, "")
    yield from _ours(config)


def _camera(config: Config, name: str, rates: Rates, measured: float | None) -> Iterator[Flow]:
    camera = config.cameras[name]
    way = way_of(config, name)
    found = _place(address_of(camera.source))
    if found is None or not camera.enabled:
        return
    scheme, host, port = found
    uplink, about = camera.uplink or "", (name, camera.name, camera.point)
    if (
        getattr(camera.source, "kind", "") == "onvif"
    ):  # it is asked where its stream is: mostly at the usual port
        yield Flow(*about, uplink, host, port, scheme, "tcp")
        scheme, port = "rtsp", _PORTS["rtsp"]
    streams = getattr(camera.source, "streams", ("main",))
    main, sub = (rates.of(camera, stream) if stream in streams else None for stream in ("main", "sub"))
    if measured is not None:
        main, sub = (measured, sub) if way.stream == "main" else (main, measured)
    basis = "table" if measured is None else "measured"
    yield Flow(*about, uplink, host, port, scheme, "tcp", "out", way.stream, main, sub, basis)
    if getattr(camera.source, "transport", "tcp") == "udp":
        yield Flow(*about, uplink, host, 0, "rtp", "udp", "in")


def address_of(source: Stanza) -> str:
    """Return where a source is: its URL, or host and port of a recorder; "" for none."""
    host = getattr(source, "host", None)
    return f"rtsp://{host}:{getattr(source, 'port', 554)}" if host else str(getattr(source, "url", ""))


def _reached(stanza: Stanza, device: str, name: str, point: str) -> Iterator[Flow]:
    """Yield what a stanza is connected to: its addresses, and hosts with a port, in it and below."""
    for key in type(stanza).model_fields:
        value = getattr(stanza, key)
        if isinstance(value, Stanza):
            yield from _reached(value, device, name, point)
        elif isinstance(value, str) and (found := _place(value)):
            scheme, host, port = found
            yield Flow(device, name, point, "", host, port, scheme, "udp" if scheme == "udp" else "tcp")
    if not isinstance(getattr(stanza, "host", None), str):
        return
    said = meanings(type(stanza))["host"]
    where = getattr(stanza, "address", None)  # with the usual port where none is given
    host, port = where if isinstance(where, tuple) else (stanza.host, stanza.port)  # type: ignore[attr-defined]
    kind = str(getattr(stanza, "kind", "")) or type(stanza).__name__.lower()
    protocol = {"broker": "mqtt", "email": "smtp", "gb28181": "sip"}.get(kind, "http")
    transport: Literal["tcp", "udp"] = "udp" if getattr(stanza, "transport", "tcp") == "udp" else "tcp"
    direction: Literal["out", "in"] = "in" if said.startswith(_LISTENS) else "out"
    yield Flow(device, name, point, "", str(host), int(port or 0), protocol, transport, direction)


def _ours(config: Config) -> Iterator[Flow]:
    """Yield what the installation itself serves and needs: console, sound, bus, store, dead-man's switch."""
    yield from _reached(config.api, "console", "console", "")
    yield from _reached(config.voice, "sound", "sound", "")
    if config.dead_man is not None:
        yield from _reached(config.dead_man, "dead_man", "dead_man", "")
    if not config.bus_is_embedded:
        for place in brokers(config.bus):
            host, _, port = place.rpartition(":")
            yield Flow("bus", "Kafka", "", "", host, int(port), "kafka", "tcp")
    if config.store_is_shared:
        for host, port_number in address(config.store).hosts:
            yield Flow("store", "PostgreSQL", "", "", host, port_number, "postgresql", "tcp")


def _place(text: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port of an address; None for what is none."""
    try:
        parts = urlsplit(text)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname, port) if "://" in text and parts.hostname and port else None

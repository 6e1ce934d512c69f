"""The network sheet: what is connected to what, what uplinks carry, what a firewall must let through."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, ip_address
from threading import Event

from deploy.inventory.exporting import Rows
from deploy.inventory.flows import Flow
from deploy.inventory.sheets import Language
from ingest.measuring import mbps_of
from lianfang.config import Config
from lianfang.config.way import way_of
from lianfang.errors import LianfangError

_AT_ONCE = 8
_HEADS: dict[Language, tuple[tuple[str, ...], ...]] = {
    "zh": (
        (
            "设备",
            "名称",
            "点位",
            "上联",
            "地址",
            "端口",
            "协议",
            "传输",
            "方向",
            "取用码流",
            "主码流Mb/s",
            "子码流Mb/s",
            "占用Mb/s",
            "依据",
        ),
        ("上联", "名称", "摄像机", "占用Mb/s", "全取主码流Mb/s"),
        ("源", "目的", "传输", "端口", "协议", "地址数"),
    ),
    "en": (
        (
            "device",
            "name",
            "point",
            "uplink",
            "address",
            "port",
            "protocol",
            "transport",
            "direction",
            "stream read",
            "main Mb/s",
            "sub Mb/s",
            "used Mb/s",
            "basis",
        ),
        ("uplink", "name", "cameras", "used Mb/s", "all main streams Mb/s"),
        ("from", "to", "transport", "port", "protocol", "addresses"),
    ),
}
_TITLES: dict[Language, tuple[str, str, str]] = {
    "zh": ("网络", "上联流量", "防火墙"),
    "en": ("network", "uplink load", "firewall"),
}


def sheets(config: Config, found: Sequence[Flow], language: Language) -> Iterator[tuple[str, Rows]]:
    """Yield the three sheets, headers first."""
    made = (map(_row, found), _loads(config, found), _firewall(found))
    for title, head, rows in zip(_TITLES[language], _HEADS[language], made, strict=True):
        yield title, [list(head), *rows]


def _row(flow: Flow) -> list[str]:
    rates = (flow.main_mbps, flow.sub_mbps, flow.mbps if flow.stream else None)
    port = str(flow.port) if flow.port else "1024-65535"
    where = [flow.device, flow.name, flow.point, flow.uplink, flow.host, port, flow.protocol, flow.transport]
    return [*where, flow.direction, flow.stream, *map(_shown, rates), flow.basis]


def _shown(rate: float | None) -> str:
    return "" if rate is None else f"{rate:g}"


def _loads(config: Config, found: Iterable[Flow]) -> Iterator[list[str]]:
    """Yield for each uplink its cameras and what they carry, and last the sum of all, none left out."""
    by: dict[str, list[Flow]] = defaultdict(list)
    for flow in found:
        if flow.stream:
            by[flow.uplink].append(flow)
    for uplink in [*config.uplinks, *([""] if "" in by else [])]:
        name = config.uplinks[uplink].name if uplink else ""
        yield [uplink or "(none)", name, *_sums(by[uplink])]
    yield ["(all)", "", *_sums([flow for flows in by.values() for flow in flows])]


def _sums(flows: Sequence[Flow]) -> list[str]:
    used, most = sum(flow.mbps for flow in flows), sum(flow.main_mbps or 0 for flow in flows)
    return [str(len(flows)), f"{used:.4g}", f"{most:.4g}"]


def _firewall(found: Iterable[Flow]) -> Iterator[list[str]]:
    """Yield a line for each run of addresses that are called, or that call us, at the same port."""
    hosts: dict[tuple[str, str, str, str], set[str]] = defaultdict(set)
    for flow in found:
        if _stays_here(flow.host):
            continue
        port = str(flow.port) if flow.port else "1024-65535"
        hosts[flow.direction, flow.transport, port, flow.protocol].add(flow.host)
    for (direction, transport, port, protocol), named in sorted(hosts.items()):
        for run, count in _runs(named):
            ends = (
                ("lianfang", run) if direction == "out" else (run if protocol == "rtp" else "*", "lianfang")
            )
            yield [*ends, transport, port, protocol, str(count)]


def _stays_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _runs(named: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Yield addresses that follow each other as one run, with how many they are, and names one by one."""
    addresses: list[IPv4Address | IPv6Address] = []
    for name in sorted(named):
        try:
            addresses.append(ip_address(name))
        except ValueError:
            yield name, 1
    run: list[IPv4Address | IPv6Address] = []
    for one in sorted(addresses, key=lambda a: (a.version, int(a))):
        if run and (one.version, int(one)) != (run[-1].version, int(run[-1]) + 1):
            yield _named(run), len(run)
            run = []
        run.append(one)
    if run:
        yield _named(run), len(run)


def _named(run: Sequence[IPv4Address | IPv6Address]) -> str:
    return str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}"


def measured(config: Config, seconds: float) -> tuple[dict[str, float], list[str]]:
    """Return what the streams that are read carry, in Mb/s by camera, and of which nothing came, and why."""
    known: dict[str, float] = {}
    missing: list[str] = []

    def one(name: str) -> None:
        source = config.cameras[name].source
        try:
            known[name] = mbps_of(source, way_of(config, name).stream, seconds, Event())
        except LianfangError as error:
            missing.append(f"{name}: {error}")

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(one, (name for name, camera in config.cameras.items() if camera.enabled)))
    return known, sorted(missing)

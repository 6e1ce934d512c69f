"""Cameras of guests are read by processes of their own, through a door that leads to one address only."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from ipaddress import ip_network
from pathlib import Path

import pytest

from ingest.guests.door import Door
from ingest.guests.keeper import LEASE_S, GuestKeeper
from ingest.guests.pipe import PipeBus, said
from ingest.guests.source import BehindDoor
from ingest.sources.base import Asked, SourceLost
from lianfang.bus import Bus
from lianfang.bus.embedded import EmbeddedBus
from lianfang.clock import ManualClock, SystemClock
from lianfang.errors import TransientError
from lianfang.events import FRAMES, OBSERVATIONS
from lianfang.reach.guests import GuestSource
from lianfang.reach.shared import Readable
from tests.support.api import START, wait_for
from tests.support.guests import LOGIN
from tests.support.rtsp_server import Login, RtspServer

HERE = (ip_network("127.0.0.0/8"),)
CAMERA = {"name": "店门口", "point": "guest_a", "detectors": [], "fps": 5, "max_width": 640}


@contextmanager
def answering(answer: Callable[[socket.socket], object]) -> Iterator[int]:
    """Listen, and let ``answer`` deal with whoever comes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    one, _ = listener.accept()
                except OSError:
                    return
                with one:
                    answer(one)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def source(port: int, kind: str = "rtsp") -> GuestSource:
    scheme = "rtsp" if kind == "rtsp" else "http"
    return GuestSource.model_validate({"kind": kind, "url": f"{scheme}://127.0.0.1:{port}/stream"})


def why(one: GuestSource) -> str:
    """Return why a source gives no picture."""
    with (
        pytest.raises(SourceLost) as lost,
        closing(BehindDoor(one, HERE, SystemClock()).open(threading.Event(), Asked())) as pictures,
    ):
        next(pictures)
    return str(lost.value.reason)


def through(port: int, words: bytes, networks: tuple[object, ...] = HERE) -> bytes:
    """Return what comes back through a door to ``port`` for ``words``."""
    with (
        Door(source(port), networks) as door,  # type: ignore[arg-type]
        socket.create_connection(("127.0.0.1", door.port), 5) as inside,
    ):
        inside.sendall(words)
        with inside.makefile("rb") as answer:
            return answer.read()


def once(answer: bytes) -> Callable[[socket.socket], object]:
    def give(one: socket.socket) -> None:
        one.recv(4096)
        one.sendall(answer)

    return give


@pytest.mark.parametrize(
    ("answer", "comes"),
    [
        (b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n", b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 0\r\n\r\n"),
        (
            b"RTSP/1.0 200 OK\nContent-Length: 3\nLocation: rtsp://x/\n\nsdp",
            b"RTSP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nsdp",
        ),
        (b"$\x00\x00\x03abc", b"$\x00\x00\x03abc"),
        (b"RTSP/1.0 301 Moved\r\nLocation: rtsp://127.0.0.1:1/\r\n\r\n", b""),
        (b"RTSP/1.0 \t302 Moved\r\nLocation: rtsp://127.0.0.1:1/\r\n\r\n", b""),
        (b"\r\n\r\nRTSP/1.0 302 Moved\r\nLocation: rtsp://127.0.0.1:1/\r\n\r\n", b""),
        (b"RTSP/1.0 200 OK\r\nX: \rRTSP/1.0 302 Moved\r\n\r\n", b""),
        (b"RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n", b""),
        (b"RTSP/1.0 200 OK\r\n" + b"X: y\r\n" * 200, b""),
        (b"x" * 10_000, b""),
    ],
)
def test_only_what_was_understood_comes_through(answer: bytes, comes: bytes) -> None:
    with answering(once(answer)) as port:
        assert through(port, b"OPTIONS * RTSP/1.0\r\n\r\n") == comes


def test_a_camera_that_sends_us_elsewhere_is_not_followed() -> None:
    visits: list[bytes] = []
    with answering(lambda one: visits.append(one.recv(4096))) as secret:
        moved = f"RTSP/1.0 302 Moved\r\nCSeq: 1\r\nLocation: rtsp://127.0.0.1:{secret}/\r\n\r\n".encode()
        with answering(once(moved)) as port:
            why(source(port))
        gone = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{secret}/\r\nContent-Length: 0\r\n\r\n"
        with answering(once(gone.encode())) as port:
            why(source(port, "http_snapshot"))
    assert visits == []


def test_an_address_is_looked_at_when_it_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    visits: list[bytes] = []
    with answering(lambda one: visits.append(one.recv(10))) as port:
        named = GuestSource(kind="rtsp", url=f"rtsp://camera.example:{port}/")

        def leads(*_asked: object, **_how: object) -> list[tuple[object, ...]]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        monkeypatch.setattr(socket, "getaddrinfo", leads)
        assert named.fault((), (port,)) is None  # a name may be anything until then
        with Door(named, ()) as door, closing(socket.socket()) as inside:
            inside.connect(("127.0.0.1", door.port))
            assert inside.recv(10) == b""
            assert "no guest's camera" in door.refused
    assert visits == []


def test_http_names_the_camera_and_not_our_door() -> None:
    heard: list[bytes] = []
    with answering(lambda one: heard.append(one.recv(4096))) as port:
        why(source(port, "http_snapshot"))
    assert f"Host: 127.0.0.1:{port}\r\n".encode() in heard[0]


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[EmbeddedBus]:
    with closing(EmbeddedBus.own(tmp_path)) as bus:
        yield bus


@pytest.fixture
def keeper(bus: EmbeddedBus) -> Iterator[tuple[GuestKeeper, dict[str, Readable], ManualClock]]:
    allowed: dict[str, Readable] = {}
    clock = ManualClock(START)

    def ask() -> dict[str, Readable]:
        if "away" in allowed:
            raise TransientError("away")
        return dict(allowed)

    keeper = GuestKeeper(ask, bus, clock, 1024, "error")
    yield keeper, allowed, clock
    stopped = threading.Event()
    stopped.set()
    keeper.run(stopped)


def frames(bus: Bus) -> int:
    """Return how many frames of the guest were published."""
    with closing(bus.footage("guest_a", START)) as footage:
        return len(footage.read(1000))


def later(clock: ManualClock, seconds: float) -> None:
    clock.advance_to(clock.now().fromtimestamp(clock.now().timestamp() + seconds, clock.now().tzinfo))


def test_a_camera_is_read_while_it_may_be_and_then_its_process_is_gone(
    keeper: tuple[GuestKeeper, dict[str, Readable], ManualClock], bus: EmbeddedBus
) -> None:
    keeping, allowed, clock = keeper
    with RtspServer(login=Login(*LOGIN)) as server:
        how = GuestSource(kind="rtsp", url=server.url, username=LOGIN[0], password=LOGIN[1])
        allowed["guest_a"] = Readable(camera=CAMERA, source=how, networks=("127.0.0.0/8",))
        keeping.turn()
        (cell,) = keeping.cells.values()
        wait_for(lambda: frames(bus) >= 3)
        command = Path(f"/proc/{cell.pid}/cmdline").read_bytes()
        environment = Path(f"/proc/{cell.pid}/environ").read_bytes()
        assert LOGIN[1].encode() not in command + environment
        assert b"TEST_TOKEN" not in environment  # no secret of ours either

        allowed["away"] = allowed["guest_a"]  # the alert service is away: for a while that changes nothing
        later(clock, LEASE_S - 1)
        keeping.turn()
        assert Path(f"/proc/{cell.pid}").exists()
        later(clock, 2)
        keeping.turn()
        assert not Path(f"/proc/{cell.pid}").exists()
        before = frames(bus)
        assert keeping.ready() == {"guests": "the alert service does not say what may be read"}
        del allowed["away"]
        keeping.turn()
        (again,) = keeping.cells.values()
        wait_for(lambda: frames(bus) > before)
        allowed.clear()  # its owner withdraws
        keeping.turn()
        assert not Path(f"/proc/{again.pid}").exists()
        assert frames(bus) > 0
        later(clock, 6)
        keeping.turn()
        assert frames(bus) == 0  # nothing of it is left on the bus


def test_what_a_process_cannot_have_to_say_is_not_published() -> None:
    read, write = socket.socketpair()
    with read, write, write.makefile("wb") as out, read.makefile("rb") as heard:
        pipe = PipeBus(out)
        pipe.publish(FRAMES, "guest_a", b"picture", {"camera_id": "guest_a"})
        pipe.publish(OBSERVATIONS, "guest_a", b"{}", {})
        pipe.publish("alerts.v1", "guest_a", b"{}", {})
        words = said(heard)
        assert next(words) == (FRAMES, b"picture", {"camera_id": "guest_a"})
        assert next(words)[0] == OBSERVATIONS
        with pytest.raises(ValueError, match="another kind"):
            next(words)

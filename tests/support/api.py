"""A real API server over a store that the test fills, and a small client for it."""

from __future__ import annotations

import hashlib
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from argon2 import PasswordHasher
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from sqlalchemy import select, text

from alerts import actions
from alerts.api import ApiServer, Dependencies, create_app
from alerts.channels.base import ChannelConfig, SpeakerConfig
from alerts.guests.looking import newest_picture
from alerts.incidents.model import ChangeKind
from alerts.intake import writer
from alerts.payload import Speech
from alerts.rules import device
from alerts.rules.base import NoticeSettings, RuleSettings
from alerts.settings import Settings
from alerts.speech import SpeechSettings
from alerts.store import Store, outbox
from alerts.store.clips import ClipRow
from alerts.store.incidents import add_change
from alerts.store.schema import Base, CameraStateRow, EvidenceRow, IncidentRow, OutboxRow
from alerts.voice.microphone import Voices
from lianfang.bus import Bus
from lianfang.clock import Clock, SystemClock
from lianfang.config import Camera, Community, Config, Point, Secret, Stanza, Text, Zone
from lianfang.config.api import Api, Operator
from lianfang.config.escalation import Escalation, Tier
from lianfang.config.grid import GridCell
from lianfang.config.point import Contact
from lianfang.ids import identify
from tests.support.fake_bus import FakeBus

START = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
PASSWORD = "a long enough password"
# Cheap to verify, or the tests would spend their time on it.
HASHER = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
TIMEOUT_S = 30

Data: TypeAlias = Any  # plain JSON data, the value of a column, or a file as it is


def config(folder: Path, *, mode: str = "live", **api: Data) -> Config:
    """Return a community of two points and three cameras, with an operator ``duty``."""
    password = folder / "password_hash"
    password.write_text(HASHER.hash(PASSWORD))
    bank = Zone(
        name="浅水区",
        polygon=((0.35, 0.45), (0.95, 0.45), (0.95, 0.95), (0.25, 0.95)),
        speakers=("bank_speaker",),
    )
    rule = RuleSettings(
        name=Text(zh="有人进入水域危险区", en="Person in the water danger zone"),
        cameras=("lake_north", "lake_south"),
        severity="critical",
        speech=SpeechSettings(text=Text(zh="水深危险，请马上离开水边。")),
        notify=(NoticeSettings.model_validate({"receiver": "police", "mode": mode}),),
    )
    gate = rule.model_copy(
        update={"name": Text(zh="北门夜间逗留", en="Loitering at the north gate"), "severity": "medium"}
    )
    fault = device.Config(
        kind="device",
        name=Text(zh="摄像机故障", en="Camera fault"),
        cameras=("lake_north",),
        severity="medium",
    )
    return Config(
        data_dir=folder / "data",
        community=Community(name="东湖社区", timezone="Asia/Shanghai"),
        api=Api(
            operators={
                "duty": Operator(name="王芳", password_hash=Secret(file=password)),
                "walker": Operator(name="赵敏", role="worker", password_hash=Secret(file=password)),
            },
            **api,
        ),
        points={
            "lake": Point(name="东湖北岸", duty_contact=Contact(name="李强", phone="139 0000 0000")),
            "gate": Point(name="北门"),
        },
        cameras={
            "lake_north": Camera(name="1号机位", point="lake", source=Stanza(), zones={"bank": bank}),
            "lake_south": Camera(name="2号机位", point="lake", source=Stanza(), zones={"bank": bank}),
            "gate_cam": Camera(name="北门球机", point="gate", source=Stanza(), zones={"walk": bank}),
        },
        detectors={"objects": Stanza()},
        rules={"river": rule, "gate": gate, "fault": fault},
        receivers={"police": ChannelConfig(), "bank_speaker": SpeakerConfig(), "grid_app": ChannelConfig()},
        escalation={
            "critical": Escalation(
                acknowledge_s=60,
                tiers=(
                    Tier(name=Text(zh="网格员", en="grid worker"), after_s=120, cell=True),
                    Tier(
                        name=Text(zh="警方", en="police"),
                        after_s=300,
                        to=("police",),
                        mode="live",
                        automatic=False,
                    ),
                ),
            )
        },
        grid_cells={
            "north": GridCell(
                name="北一网格",
                points=("lake",),
                contact=Contact(name="赵敏", phone="138 0000 0000"),
                receiver="grid_app",
                workers=("walker",),
            )
        },
    )


@dataclass
class Site:
    """A store, and the API over it."""

    config: Config
    store: Store
    clock: Clock = field(default_factory=SystemClock)
    ready: Callable[[], Mapping[str, str]] = lambda: {"store": "ok"}
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    bus: FakeBus = field(default_factory=FakeBus)
    live: Bus | None = None
    """Where live views are read from."""
    voices: Voices = field(default_factory=lambda: Voices(SystemClock()))

    @property
    def evidence_dir(self) -> Path:
        """The folder of the pictures."""
        return self.config.data_dir / "evidence"

    def app(self, **kwargs: Data) -> FastAPI:
        """Return a fresh application, as after a restart."""
        self.registry = CollectorRegistry()
        settings = Settings(self.config, self.store, self.clock)
        deps = Dependencies(
            settings=settings,
            store=self.store,
            clock=self.clock,
            act=lambda incident, doing: actions.act(
                self.store, settings.config(), self.clock, incident, doing
            ),
            evidence_dir=self.evidence_dir,
            registry=self.registry,
            ready=self.ready,
            write=writer(self.config, self.bus),
            newest=lambda camera, since: newest_picture(self.live, camera, since) if self.live else None,
            bus=self.live,
            voices=self.voices,
        )
        return create_app(deps, **kwargs)

    def clear(self) -> None:
        """Empty the store, so that tests can share a server."""
        with self.store.write() as session:
            for table in reversed(Base.metadata.sorted_tables):
                if table.name != "audit":  # which nothing is deleted from
                    session.execute(table.delete())
            session.execute(text("DELETE FROM sqlite_sequence"))

    def open_incident(self, n: int, at: datetime = START, **columns: Data) -> str:
        """Commit incident ``n``, as a decision would, and return its id."""
        incident_id = identify("incident", "test", n)
        row = {
            "id": incident_id,
            "rule": "river",
            "place": "lake",
            "point": "lake",
            "camera": "lake_north",
            "zone": "bank",
            "severity": "critical",
            "state": "new",
            "occupied": True,
            "unseen": False,
            "version": 0,
            "people": 1,
            "members_total": 1,
            "members": [],
            "opened_at": at,
            "updated_at": at,
            "last_seen_at": at,
            "settings_version": "1",
        }
        hops = {"published_at": 0.02, "detected_at": 0.09, "decided_at": 0.1}
        data = {name: (at + timedelta(seconds=s)).isoformat() for name, s in hops.items()}
        with self.store.write() as session:
            session.add(IncidentRow(**(row | columns)))
            session.flush()
            add_change(session, incident_id, ChangeKind.OPENED, "system", {"camera": "lake_north"} | data, at)
        return incident_id

    def change(self, incident_id: str, kind: ChangeKind, at: datetime = START, **data: Data) -> None:
        """Commit one change of an incident; of its columns, ``data`` names those that change with it."""
        with self.store.write() as session:
            row = session.get_one(IncidentRow, incident_id)
            for name in data.keys() & {
                "state",
                "occupied",
                "unseen",
                "people",
                "cleared_at",
                "ended_at",
                "last_seen_at",
            }:
                setattr(row, name, data.pop(name))
            add_change(session, incident_id, kind, "system", data, at)

    def say(self, incident_id: str, words: str, outcome: str = "", at: datetime = START) -> None:
        """Owe a speech, and let the speaker have answered it if ``outcome`` is given."""
        until = at + timedelta(seconds=30)
        speech = Speech(id="s", text=words, volume_pct=70, repeat=2, valid_until=until)
        self._owe(
            incident_id, "bank_speaker", "speech", {"speech": speech.model_dump(mode="json")}, outcome, at
        )

    def tell(self, incident_id: str, outcome: str = "", *, mode: str = "live", at: datetime = START) -> None:
        """Owe the police a notice, and let them have answered it if ``outcome`` is given."""
        self._owe(incident_id, "police", "notice", {"mode": mode, "change": "confirmed"}, outcome, at)

    def _owe(
        self,
        incident_id: str,
        receiver: str,
        kind: Data,
        payload: Mapping[str, Any],
        outcome: str,
        at: datetime,
    ) -> None:
        with self.store.write() as session:
            version = session.get_one(IncidentRow, incident_id).version
            delivery = identify("delivery", receiver, incident_id, version)
            outbox.enqueue(
                session,
                id=delivery,
                receiver=receiver,
                incident_id=incident_id,
                incident_version=version,
                kind=kind,
                payload=payload,
                now=at + timedelta(milliseconds=110),
                captured_at=at,
            )
        if outcome:
            self.answer(delivery, outcome, at + timedelta(milliseconds=400))

    def answer(self, delivery: str, outcome: str, at: datetime) -> None:
        """Record what a receiver answered."""
        with self.store.write() as session:
            row = session.scalars(select(OutboxRow).where(OutboxRow.id == delivery)).one()
            row.attempts += 1
            if outcome == "dead":
                outbox.dead(session, row, now=at, error="HTTP 500 from http://user:hunter2@receiver/")
            else:
                outbox.delivered(session, row, now=at, outcome=outcome, detail="finished after 6 s")

    def picture(
        self, incident_id: str, original: bytes = b"", annotated: bytes = b"", **columns: Data
    ) -> str:
        """Commit evidence, kept with these JPEGs unless ``columns`` say otherwise, and return its id."""
        evidence_id = identify("evidence", incident_id, "trigger")
        self.evidence_dir.mkdir(parents=True, exist_ok=True)
        for kind, jpeg in (("original", original), ("annotated", annotated)):
            (self.evidence_dir / f"{evidence_id}.{kind}.jpg").write_bytes(jpeg)
        row = {
            "id": evidence_id,
            "incident_id": incident_id,
            "state": "kept",
            "camera": "lake_north",
            "captured_at": START,
            "reference": {},
            "boxes": [],
            "zone": "bank",
            "decided_at": START,
            "original": f"{evidence_id}.original.jpg",
            "annotated": f"{evidence_id}.annotated.jpg",
        }
        with self.store.write() as session:
            session.add(EvidenceRow(**(row | columns)))
            session.flush()
            add_change(session, incident_id, ChangeKind.EVIDENCE, "system", {"state": "kept"}, START)
        return evidence_id

    def clip(self, incident_id: str, film: bytes = b"", **columns: Data) -> str:
        """Commit a clip, kept with this film unless ``columns`` say otherwise, and return its id."""
        clip_id = identify("clip", incident_id)
        self.evidence_dir.mkdir(parents=True, exist_ok=True)
        (self.evidence_dir / f"{clip_id}.mp4").write_bytes(film)
        seen = columns.pop("seen", START)
        row = {
            "id": clip_id,
            "incident_id": incident_id,
            "state": "kept",
            "camera": "lake_north",
            "since": seen - timedelta(seconds=10),
            "until": seen + timedelta(seconds=20),
            "vital": True,
            "decided_at": seen,
            "begins_at": seen - timedelta(seconds=10),
            "ends_at": seen + timedelta(seconds=20),
            "frames": 151,
            "size_bytes": len(film),
            "sha256": hashlib.sha256(film).hexdigest(),
            "file": f"{clip_id}.mp4",
        }
        with self.store.write() as session:
            session.add(ClipRow(**(row | columns)))
            session.flush()
            data = {"state": columns.get("state", "kept"), "reason": columns.get("reason", "")}
            add_change(session, incident_id, ChangeKind.CLIP, "system", data, seen)
        return clip_id

    def camera(
        self, camera: str, condition: str, since: datetime = START, reason: str = "", detail: str = ""
    ) -> None:
        """Commit what a camera's stream said."""
        with self.store.write() as session:
            session.merge(
                CameraStateRow(
                    camera=camera,
                    condition=condition,
                    since=since,
                    reason=reason,
                    detail=detail,
                    faults=[],
                    clocks={},
                )
            )


@dataclass(frozen=True)
class Reply:
    """What the server answered."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Data:
        """The body as JSON data."""
        return json.loads(self.body)


class Client:
    """Speaks HTTP to a server on this host, with one session cookie."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookie = ""

    def request(
        self, method: str, path: str, body: Data = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Make one request; one that changes something carries the header that it needs."""
        with self.connection(method, path, body, headers) as answer:
            reply = Reply(answer.status, answer.headers, answer.read())
        for cookie in reply.headers.get_all("set-cookie", []):
            self.cookie = cookie.split(";")[0]
        return reply

    @contextmanager
    def connection(
        self, method: str, path: str, body: Data = None, headers: Mapping[str, str] | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """Give the response while it is still being received."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        sent = {"x-requested-with": "lianfang"} if method != "GET" else {}
        if self.cookie:
            sent["cookie"] = self.cookie
        data = body if isinstance(body, bytes) else None
        if body is not None and data is None:
            data = json.dumps(body).encode()
            sent["content-type"] = "application/json"
        try:
            connection.request(method, path, data, sent | dict(headers or {}))
            yield connection.getresponse()
        finally:
            connection.close()

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        """GET."""
        return self.request("GET", path, headers=headers)

    def post(self, path: str, body: Data = None) -> Reply:
        """POST."""
        return self.request("POST", path, body)

    def send(self, method: str, path: str, data: bytes, media: str) -> Reply:
        """Send a file as it is."""
        with self.connection(method, path, data, {"content-type": media}) as answer:
            return Reply(answer.status, answer.headers, answer.read())

    def login(self, operator: str = "duty", password: str = PASSWORD) -> Reply:
        """Log in."""
        return self.post("/api/login", {"operator": operator, "password": password})


def wait_for(condition: Callable[[], object]) -> None:
    """Return as soon as ``condition`` holds; fail if it never does."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.01)


@contextmanager
def serving(app: FastAPI, port: int = 0) -> Iterator[int]:
    """Serve ``app`` on this host from a thread and give its port; stop it cleanly at the end."""
    server = ApiServer(app, host="127.0.0.1", port=port)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_for(lambda: server.started)
        yield server.port
    finally:
        server.should_exit = True
        thread.join(TIMEOUT_S)
        assert not thread.is_alive(), "the server did not stop"


@dataclass(frozen=True)
class Event:
    """One server-sent event."""

    kind: str
    id: int | None
    data: Any


def events(stream: http.client.HTTPResponse) -> Iterator[Event]:
    """Yield events as they come, until the server ends the stream."""
    fields: dict[str, str] = {}
    for raw in stream:
        line = raw.decode().rstrip("\n")
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            seq = int(fields["id"]) if "id" in fields else None
            yield Event(fields.get("event", "message"), seq, json.loads(fields["data"]))
            fields = {}
        else:
            fields = {}

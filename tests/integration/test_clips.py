"""Clips over both buses: real frames, a real encoder, and what can go wrong on the way."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import signal
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import simplejpeg

from alerts.clip.keeper import SPOOL, ClipKeeper
from alerts.clip.room import RESERVE_BYTES, Room
from alerts.incidents.model import ChangeKind, State
from alerts.pipeline import route
from alerts.pipeline.record import record_camera
from alerts.rules.base import RuleSettings
from alerts.store import Store, clips
from alerts.store.clips import ClipRow
from alerts.store.incidents import add_change, held
from alerts.store.schema import ChangeRow, IncidentRow, OutboxRow
from lianfang.bus import Bus, Footage, Record
from lianfang.bus.embedded import EmbeddedBus
from lianfang.clock import ManualClock
from lianfang.codec import encode_frame
from lianfang.config import Config
from lianfang.errors import TransientError
from lianfang.events import FRAMES, CameraCondition, CameraState, Frame
from lianfang.ids import identify
from tests.e2e.installation import until
from tests.integration.test_alert_worker import rows
from tests.support.configs import SECRETS, loaded
from tests.support.kafka import connected, shared_broker
from tests.support.video import numbered, read_number

PLENTY = 100 * RESERVE_BYTES
STEP = timedelta(seconds=0.2)
SIZE = (320, 240)
LINKS = {"base_url": "http://us", "secret": {"env": "TEST_TOKEN"}}


@pytest.fixture
def camera() -> str:
    return f"cam_{secrets.token_hex(4)}"


@pytest.fixture(params=["embedded", "kafka"])
def bus(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bus]:
    bus: Bus = (
        EmbeddedBus.own(tmp_path / "bus") if request.param == "embedded" else connected(shared_broker())
    )
    yield bus
    bus.close()


@dataclass
class Studio:
    """A keeper over a store and a bus, and a camera whose incidents want clips of −10/+20 s."""

    store: Store
    bus: Bus
    folder: Path
    camera: str
    config: Config
    seen: datetime = field(default_factory=lambda: datetime.now(UTC))
    free: int = PLENTY
    keepers: list[ClipKeeper] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = ManualClock(self.seen)
        self.keeper = self.begun()

    def begun(self, holder: str = "", bus: Bus | None = None) -> ClipKeeper:
        """Return a keeper; those before it are left as a kill leaves them, until the test ends."""
        room = Room(self.store, self.folder, self.clock, lambda _folder: self.free)
        where = self.store, bus or self.bus, lambda: self.config, self.folder
        keeper = ClipKeeper(*where, self.clock, holder, room)
        self.keepers.append(keeper)
        return keeper

    def want(self, name: str = "one", vital: bool = False, camera: str = "") -> str:
        """Open an incident; return the id of its clip."""
        number, camera = identify("test", self.camera, name), camera or self.camera
        with self.store.write() as session:
            session.add(incident(number, camera, self.seen))
            since, end = self.seen - timedelta(seconds=10), self.seen + timedelta(seconds=20)
            clips.ask(session, number, camera, since, end, self.seen, vital)
        return identify("clip", number)

    def publish(self, numbers: Iterable[int], epoch: str = "e1", size: tuple[int, int] = SIZE) -> None:
        """Publish pictures, 5 a second; number 0 is captured 10 s before the decision."""
        frames = [encode_frame(frame(self, number, epoch, size)) for number in numbers]
        for taken in [self.bus.publish(FRAMES, self.camera, *one) for one in frames]:
            taken.result(10)

    def lose(self, number: int) -> None:
        """Let the camera be lost after a picture."""
        at = self.captured(number) + timedelta(seconds=0.1)
        with self.store.write() as session:
            record_camera(
                session,
                CameraState(camera_id=self.camera, condition=CameraCondition.OFFLINE, captured_at=at),
            )

    def captured(self, number: int) -> datetime:
        return self.seen - timedelta(seconds=10) + number * STEP

    def wait(self, seconds: float) -> None:
        self.clock.advance_to(self.seen + timedelta(seconds=seconds))

    def clip(self, name: str = "one") -> ClipRow:
        with self.store.read() as session:
            return session.get_one(ClipRow, identify("clip", identify("test", self.camera, name)))

    def made(self, name: str = "one") -> ClipRow:
        """Turn until the clip is made, or is known to be missing."""

        def settled() -> bool:
            self.keeper.turn()
            return self.clip(name).state != "pending"

        until("the clip", settled, timeout_s=60)
        return self.clip(name)

    def spooled(self) -> list[str]:
        return sorted(file.name for file in (self.folder / SPOOL).iterdir())


def frame(studio: Studio, number: int, epoch: str, size: tuple[int, int]) -> Frame:
    width, height = size
    jpeg = simplejpeg.encode_jpeg(numbered(number, width, height), quality=90)
    at = studio.captured(number)
    return Frame(studio.camera, epoch, number, at, at, width, height, "jpeg", jpeg)


def incident(number: str, camera: str, at: datetime) -> IncidentRow:
    return IncidentRow(
        id=number,
        rule="entry",
        place="bank",
        point="bank",
        camera=camera,
        zone="water",
        severity="high",
        state=State.NEW,
        occupied=True,
        unseen=False,
        version=0,
        people=1,
        members_total=1,
        members=[],
        opened_at=at,
        updated_at=at,
        last_seen_at=at,
        settings_version="test",
    )


def played(file: Path) -> tuple[list[int], list[float], list[tuple[int, int]]]:
    """Return the numbers of the pictures of a film, the seconds at which they are shown, and their sizes."""
    numbers, seconds, sizes = [], [], []
    with av.open(str(file)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        for picture in container.decode(video=0):
            numbers.append(read_number(np.asarray(picture.to_ndarray(format="rgb24"), dtype=np.uint8)))
            seconds.append(float(picture.time or 0))
            sizes.append((picture.width, picture.height))
    return numbers, seconds, sizes


def assert_shows(studio: Studio, row: ClipRow, numbers: Sequence[int]) -> None:
    file = studio.folder / row.file
    found, seconds, _ = played(file)
    assert found == list(numbers)
    assert seconds == pytest.approx([(n - numbers[0]) * 0.2 for n in numbers], abs=0.002)
    assert (row.state, row.frames) == ("kept", len(numbers))
    assert (row.begins_at, row.ends_at) == (studio.captured(numbers[0]), studio.captured(numbers[-1]))
    data = file.read_bytes()
    assert (row.size_bytes, row.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert studio.spooled() == [], "nothing is left of its making"


def gaps(row: ClipRow) -> list[tuple[str, str]]:
    return [(gap["since"], gap["until"]) for gap in row.gaps]


@pytest.fixture
def studio(store: Store, bus: Bus, tmp_path: Path, camera: str) -> Iterator[Studio]:
    studio = Studio(store, bus, tmp_path / "evidence", camera, loaded(tmp_path))
    (studio.folder / SPOOL).mkdir(parents=True)
    yield studio
    for keeper in studio.keepers:
        keeper.close()


def test_a_clip_is_what_was_seen_before_and_after(studio: Studio) -> None:
    studio.publish(range(-20, 52))
    studio.want()
    studio.keeper.turn()
    studio.publish(range(52, 170))
    row = studio.made()
    assert_shows(studio, row, range(151))
    assert (row.reason, row.gaps) == ("", [])
    change = rows(studio.store, ChangeRow)[-1]
    assert (change.kind, change.data) == ("clip", {"clip": row.id, "state": "kept", "reason": ""})
    with av.open(str(studio.folder / row.file)) as film:
        assert float(film.duration or 0) / av.time_base == pytest.approx(30.2, abs=0.01)


def test_a_camera_that_is_lost_ends_its_clip_at_once(studio: Studio) -> None:
    studio.publish(range(80))
    studio.want()
    studio.keeper.turn()
    studio.lose(79)
    row = studio.made()
    assert studio.clock.now() == studio.seen, "nothing was waited for"
    assert_shows(studio, row, range(80))
    assert row.reason == "camera_lost"
    assert gaps(row) == [(studio.captured(79).isoformat(), row.until.isoformat())]


def test_a_camera_that_comes_back_in_time_is_filmed_on(studio: Studio) -> None:
    studio.publish(range(80))
    studio.want()
    studio.keeper.turn()
    studio.publish(range(100, 120), epoch="e2")
    studio.lose(79)  # known late, when it is back
    studio.keeper.turn()
    studio.publish(range(120, 152), epoch="e2")
    row = studio.made()
    assert_shows(studio, row, [*range(80), *range(100, 151)])
    assert gaps(row) == [(studio.captured(79).isoformat(), studio.captured(100).isoformat())]


def test_pictures_that_stop_are_not_waited_for_for_ever(studio: Studio) -> None:
    studio.publish(range(20, 80))
    studio.want()
    studio.keeper.turn()
    studio.wait(24)
    studio.keeper.turn()
    assert studio.clip().state == "pending"
    studio.wait(26)
    row = studio.made()
    assert_shows(studio, row, range(20, 80))
    assert gaps(row) == [
        (row.since.isoformat(), studio.captured(20).isoformat()),
        (studio.captured(79).isoformat(), row.until.isoformat()),
    ]


def test_of_what_is_not_kept_there_is_no_clip(studio: Studio) -> None:
    studio.want()
    studio.wait(26)
    row = studio.made()
    assert (row.state, row.reason, row.file) == ("missing", "no_frames", "")
    assert rows(studio.store, ChangeRow)[-1].data["reason"] == "no_frames"


def test_a_killed_service_goes_on_where_it_was(studio: Studio) -> None:
    studio.publish(range(60))
    studio.want()
    studio.keeper.turn()
    (name,) = studio.spooled()
    with (studio.folder / SPOOL / name).open("ab") as file:
        file.write(b"\x92\x88cut short")  # what was being written when it was killed
    studio.publish(range(60, 160))
    studio.keeper = studio.begun()
    row = studio.made()
    assert_shows(studio, row, range(151))


def test_what_was_copied_outlives_the_bus(studio: Studio, tmp_path: Path) -> None:
    studio.publish(range(60))
    studio.want()
    studio.keeper.turn()
    elsewhere = EmbeddedBus.own(tmp_path / "another")
    studio.keeper = studio.begun(bus=elsewhere)
    studio.wait(26)
    row = studio.made()
    assert_shows(studio, row, range(60))
    elsewhere.close()


def test_an_encoder_that_dies_is_started_again(studio: Studio) -> None:
    studio.publish(range(152))
    studio.want()
    kill_encoder(studio)
    assert_shows(studio, studio.made(), range(151))


def test_one_that_always_dies_leaves_no_half_film(studio: Studio) -> None:
    studio.publish(range(152))
    studio.want()
    for _ in range(2):
        kill_encoder(studio)
    row = studio.made()
    assert (row.state, row.reason, row.file) == ("missing", "failed", "")
    assert studio.spooled() == []
    assert list(studio.folder.rglob("*.mp4")) == []


def kill_encoder(studio: Studio) -> None:
    """Wait for the encoder, and kill it while it works."""

    def working() -> Any:  # noqa: ANN401
        studio.keeper.turn()
        return studio.keeper._encodings._running

    _, encoder = until("an encoder", working)
    os.kill(encoder._process.pid, signal.SIGKILL)
    encoder._process.wait()
    studio.keeper.turn()


def test_what_is_no_picture_is_left_out(studio: Studio) -> None:
    studio.publish(range(40))
    value, headers = encode_frame(frame(studio, 40, "e1", SIZE))
    for broken in ((value[:100], headers), (value, {**headers, "encoding": "none"}), (b"", {})):
        studio.bus.publish(FRAMES, studio.camera, *broken).result(10)
    studio.publish(range(41, 152))
    studio.want()
    assert_shows(studio, studio.made(), [*range(40), *range(41, 151)])


def test_a_camera_may_change_its_size(studio: Studio) -> None:
    studio.publish(range(70), size=(321, 241))
    studio.publish(range(70, 152), epoch="e2", size=(640, 480))
    studio.want()
    row = studio.made()
    numbers, _, sizes = played(studio.folder / row.file)
    assert numbers == list(range(151))
    assert set(sizes) == {(320, 240)}


def test_what_may_save_a_life_goes_first(studio: Studio) -> None:
    studio.publish(range(152))
    for name in ("one", "two"):
        studio.want(name)
    studio.want("life", vital=True)
    studio.made("life")
    assert [studio.clip(name).state for name in ("one", "two")] == ["pending", "pending"]
    for name in ("one", "two"):
        assert_kept = studio.made(name)
        assert assert_kept.state == "kept"


def test_many_at_once_are_bounded_and_lives_have_places_of_their_own(studio: Studio) -> None:
    studio.publish(range(20))
    for n in range(20):
        studio.want(f"thing {n}")
    studio.keeper.turn()
    assert len(studio.spooled()) == 16
    studio.want("life", vital=True)
    studio.keeper.turn()
    assert len(studio.spooled()) == 17
    assert any(studio.clip("life").id in name for name in studio.spooled())


def test_of_two_services_over_one_store_one_makes_it(studio: Studio) -> None:
    studio.publish(range(60))
    studio.want()
    studio.keeper = studio.begun("first")
    second = studio.begun("second")
    studio.keeper.turn()
    second.turn()
    assert [name.split(".")[1] for name in studio.spooled()] == ["first"]
    studio.wait(40)  # the first one has died: its lease is over
    second.turn()
    studio.keeper = second
    row = studio.made()
    assert (row.state, row.frames, row.holder) == ("kept", 60, "second")


def test_a_camera_whose_frames_cannot_be_read_holds_up_no_other(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.publish(range(152))
    footage = type(studio.bus).footage

    class Away:
        def read(self, max_records: int = 50) -> list[Record]:
            del max_records
            raise TransientError("no broker has that partition")

        def close(self) -> None:
            """Nothing to release."""

    def partly(bus: Bus, camera_id: str, since: datetime) -> Footage:
        return Away() if camera_id == "another" else footage(bus, camera_id, since)

    monkeypatch.setattr(type(studio.bus), "footage", partly)
    studio.want("away", vital=True, camera="another")
    studio.want("one")

    def settled() -> bool:
        with pytest.raises(TransientError, match="no broker has that partition"):
            studio.keeper.turn()
        return studio.clip("one").state == "kept"

    until("the clip", settled, timeout_s=60)
    studio.wait(26)
    settled()
    assert studio.clip("away").state == "pending", "it may come yet"
    studio.wait(20 + 600)
    settled()
    assert studio.clip("away").reason == "no_frames"


def test_a_spool_that_cannot_be_written_holds_up_no_other(studio: Studio) -> None:
    studio.publish(range(152))
    clip = studio.want("unwritten", vital=True)
    (studio.folder / SPOOL / f"{clip}.frames").mkdir()
    studio.want("one")
    assert (studio.made("unwritten").state, studio.clip("unwritten").reason) == ("missing", "failed")
    assert studio.made("one").frames == 151


def test_the_oldest_clips_make_room_for_new_ones(studio: Studio) -> None:
    studio.publish(range(152))
    studio.want("old")
    old = studio.made("old")
    picture = studio.folder / "picture.jpg"
    picture.write_bytes(b"stays")
    studio.free = 0
    studio.want("new")
    assert (studio.made("new").state, studio.clip("new").reason) == ("missing", "disk_full")
    dropped = studio.clip("old")
    assert (dropped.state, dropped.reason, dropped.file) == ("missing", "dropped", "")
    assert not (studio.folder / old.file).exists()
    assert picture.exists()
    assert [c.data["reason"] for c in rows(studio.store, ChangeRow) if c.kind == "clip"] == [
        "",
        "dropped",
        "disk_full",
    ]
    studio.free = PLENTY
    studio.want("later")
    assert_shows(studio, studio.made("later"), range(151))


def test_only_so_many_go_as_it_takes(studio: Studio) -> None:
    studio.publish(range(152))
    for n in range(12):
        studio.want(f"old {n}")
        studio.clock.advance_to(studio.clock.now() + timedelta(seconds=1))
    for n in range(12):
        studio.made(f"old {n}")
    room = Room(studio.store, studio.folder, studio.clock, lambda folder: 0 if films(folder) > 2 else PLENTY)
    assert room.made()
    assert films(studio.folder) == 2
    assert room.made()
    assert films(studio.folder) == 2


def films(folder: Path) -> int:
    return len(list(folder.rglob("*.mp4")))


def test_the_timeline_can_be_read_as_json(studio: Studio) -> None:
    studio.want()
    studio.wait(26)
    studio.made()
    json.dumps([change.data for change in rows(studio.store, ChangeRow)])


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({}, False),
        ({"clips": "told"}, True),
        ({"clips": "none"}, False),
        ({"clips": "inline"}, True),
        ({"picture_links": LINKS}, True),
        (
            {"clips": "none", "picture_links": LINKS},
            False,
        ),
    ],
    ids=lambda value: "+".join(value) or "nothing" if isinstance(value, dict) else None,
)
def test_whoever_knows_of_it_and_takes_clips_is_told(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: dict[str, object], told: bool
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    changes = [(f"receivers.police.{key}", value) for key, value in keys.items()]
    studio.config = loaded(tmp_path, ("receivers.police.networks", ["10.0.0.0/8"]), *changes)
    studio.publish(range(80))
    studio.want()
    studio.want("unheard of")
    tell(studio, "one", ChangeKind.RAISED)
    studio.lose(79)
    row = studio.made()
    studio.made("unheard of")
    first, *later = [(r.payload["change"], r.payload["clip"]) for r in rows(studio.store, OutboxRow)]
    assert first == ("raised", None), "it was not made yet"
    assert [change for change, _ in later] == (["clip"] if told else [])
    tell(studio, "one", ChangeKind.CLEARED)
    change, clip = [(r.payload["change"], r.payload["clip"]) for r in rows(studio.store, OutboxRow)][-1]
    assert change == "cleared"
    if keys.get("clips") == "none":
        assert clip is None
        return
    assert (clip["id"], clip["state"], clip["sha256"]) == (row.id, "kept", row.sha256)
    assert (clip["frames"], clip["size_bytes"]) == (80, row.size_bytes)
    assert clip["path"] == f"/api/clips/{row.id}.mp4"
    gap = f"no picture from {studio.captured(79).isoformat()} to {row.until.isoformat()}"
    assert clip["missing"] == f"the camera was lost; {gap}"
    assert studio.keeper.film(row.incident_id) == (studio.folder / row.file).read_bytes()


def test_that_there_is_none_is_told_too(studio: Studio, tmp_path: Path) -> None:
    studio.config = loaded(tmp_path, ("receivers.police.clips", "told"))
    studio.want()
    tell(studio, "one", ChangeKind.RAISED)
    studio.wait(26)
    row = studio.made()
    payload = rows(studio.store, OutboxRow)[-1].payload
    assert (payload["change"], payload["clip"]["state"]) == ("clip", "missing")
    assert payload["clip"]["missing"] == "no picture of that time was kept"
    assert studio.keeper.film(row.incident_id) is None


def test_of_what_is_muted_nobody_is_told(studio: Studio, tmp_path: Path) -> None:
    studio.config = loaded(tmp_path, ("receivers.police.clips", "told"))
    studio.want()
    tell(studio, "one", ChangeKind.RAISED)
    with studio.store.write() as session:
        session.get_one(IncidentRow, identify("test", studio.camera, "one")).muted = "noise"
    studio.wait(26)
    studio.made()
    assert [r.payload["change"] for r in rows(studio.store, OutboxRow)] == ["raised"]


def tell(studio: Studio, name: str, change: ChangeKind) -> None:
    """Let everybody hear of a change of an incident, as a decision does."""
    number, now = identify("test", studio.camera, name), studio.clock.now()
    with studio.store.write() as session:
        add_change(session, number, change, "system", {}, now)
        rule, row = studio.config.rules["entry"], held(session, number)
        assert row is not None
        assert isinstance(rule, RuleSettings)
        route.notify(session, studio.config, rule, row, change, now, now)

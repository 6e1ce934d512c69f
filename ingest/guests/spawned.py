"""A process that reads one guest's camera, from outside: what it says is looked at before it counts."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import structlog

from ingest.guests.pipe import said
from lianfang.bus import Bus
from lianfang.codec import decode_event, decode_frame
from lianfang.environment import bare_environment
from lianfang.errors import DecodeError, LianfangError
from lianfang.events import FRAMES, CameraState
from lianfang.reach.shared import Readable

_log = structlog.get_logger()

_END_S = 5.0
_APART = timedelta(seconds=60)  # the times that it says, and ours


class Cell:
    """Started when it is made. What it says is published until ``end``, and nothing afterwards."""

    def __init__(self, name: str, told: Readable, bus: Bus, memory_mb: int, log_level: str) -> None:
        self.told = told
        self._name, self._bus = name, bus
        self._lock, self._listening = threading.Lock(), True
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ingest.guests.cell"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=bare_environment(),
            process_group=0,
        )
        self._thread = threading.Thread(target=self._hear, name=f"guest {name}", daemon=True)
        line = {
            "what": "read",
            "id": name,
            "camera": told.camera,
            "source": told.source.model_dump(mode="json"),
            "networks": list(told.networks),
            "memory_mb": memory_mb,
            "log_level": log_level,
        }
        assert self._process.stdin is not None  # noqa: S101 - a pipe
        try:
            self._process.stdin.write(json.dumps(line).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it has died at once: it is started again
        self._thread.start()
        _log.info("guest_process_started", camera_id=name, pid=self._process.pid)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it has died of itself."""
        return self._process.poll() is not None

    def end(self) -> None:
        """Hear nothing more of it from now on; kill it, and wait until it is gone."""
        with self._lock:
            self._listening = False
        self._process.kill()
        self._process.wait(_END_S)
        self._thread.join(_END_S)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        _log.info("guest_process_ended", camera_id=self._name, pid=self._process.pid)

    def _hear(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - a pipe
        try:
            for topic, value, headers in said(self._process.stdout):
                self._look_at(topic, value, headers)
                with self._lock:
                    if not self._listening:
                        return
                    self._publish(topic, value, headers)
        except (ValueError, DecodeError) as error:
            _log.error("guest_process_lies", camera_id=self._name, reason=str(error))
            self._process.kill()

    def _look_at(self, topic: str, value: bytes, headers: dict[str, str]) -> None:
        """Raise DecodeError for what this process cannot have to say, broken into as it may be."""
        if topic == FRAMES:
            frame = decode_frame(value, headers)
            about, at, good = frame.camera_id, frame.captured_at, frame.encoding == "jpeg"
        else:
            event = decode_event(value, headers)
            if not isinstance(event, CameraState):
                raise DecodeError("something that only detectors and sensors say")
            about, at, good = event.camera_id, event.captured_at, True
        if about != self._name or not good or abs(at - datetime.now(UTC)) > _APART:
            raise DecodeError("something about another camera, of another kind, or of another time")

    def _publish(self, topic: str, value: bytes, headers: dict[str, str]) -> None:
        try:
            self._bus.publish(topic, self._name, value, headers)
        except LianfangError as error:
            _log.debug("guest_not_published", camera_id=self._name, reason=str(error))

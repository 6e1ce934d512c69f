"""The demo as people start it: a process, its words, its exit code, and nothing left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.demo.sample import sample
from lianfang.errors import LianfangError
from tests.e2e.installation import until

pytestmark = pytest.mark.e2e


@pytest.fixture(autouse=True)
def _prepared() -> None:
    try:
        sample(print)
    except LianfangError as error:
        pytest.skip(f"no sample video: {error}")


class Demo:
    """``lianfang demo`` at work in a temporary folder of its own."""

    def __init__(self, process: subprocess.Popen[bytes], out: Path, temporary: Path) -> None:
        self.process, self._out, self.temporary = process, out, temporary

    @property
    def said(self) -> str:
        return self._out.read_text(encoding="utf-8")

    def family(self) -> set[int]:
        """Return the process ids of everything that it has started."""
        return set(_below(self.process.pid))

    def ended(self) -> int:
        """Wait for its end; return its exit code, having checked that it leaves nothing."""
        family: set[int] = set()
        deadline = time.monotonic() + 150
        while self.process.poll() is None:
            family |= self.family()
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)
        assert [pid for pid in family if _runs(pid)] == []
        assert "Traceback" not in self.said
        assert list(self.temporary.iterdir()) == [], "its folder is gone, too"
        return self.process.returncode


@contextmanager
def demo(folder: Path, *options: str) -> Iterator[Demo]:
    temporary, out = folder / "temporary", folder / "out"
    temporary.mkdir()
    with out.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "lianfang", "demo", "--port", "0", *options],
            env={**os.environ, "TMPDIR": str(temporary)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Demo(process, out, temporary)
    finally:
        process.kill()
        process.wait()


def test_once_ends_well_when_both_receivers_have_the_first_alert(tmp_path: Path) -> None:
    with demo(tmp_path, "--once", "--timeout", "120") as running:
        assert running.ended() == 0, running.said
    said = running.said
    order = [
        r"控制台  http://127\.0\.0\.1:\d+/    账号 operator    密码 \S+",
        r"摄像机 东岸1号枪机：online",
        r"报警    有人进入河岸危险区，高沙涌东岸 亲水台阶，\d+ 人（编号 [0-9a-f-]{36}）",
        r"首个报警已送达",
    ]
    assert re.search(".*".join(order), said, re.DOTALL), said
    # Each receiver says what it got, and the API that it was delivered.
    assert re.search(r"^\[bank_speaker\] \d+ % x2: 您已进入高沙涌东岸", said, re.MULTILINE)
    assert re.search(r"^\[police\] DRILL [0-9a-f]{8} v1 opened: 有人进入河岸危险区", said, re.MULTILINE)
    assert re.search(r"^送达    bank_speaker：finished", said, re.MULTILINE)
    assert re.search(r"^送达    police：200", said, re.MULTILINE)


def test_it_goes_on_to_the_clip(tmp_path: Path) -> None:
    with demo(tmp_path) as running:
        until("the clip", lambda: re.search(r"^录像    kept", running.said, re.MULTILINE), timeout_s=150)
        assert running.process.poll() is None, running.said
        running.process.send_signal(signal.SIGINT)
        assert running.ended() == 0, running.said


def test_once_ends_badly_when_nothing_was_delivered_in_time(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"  # no video: however long it takes, nobody will be seen
    text.write_text("This is no video.\n" * 100, encoding="utf-8")
    with demo(tmp_path, "--once", "--timeout", "10", "--source", str(text)) as running:
        assert running.ended() == 1, running.said
    assert "10 秒内没有报警送达两个接收方。日志最后几行：\n" in running.said
    # The log goes with its folder: its end stands here.
    assert '"event": "child_started"' in running.said.partition("日志最后几行：\n")[2]


def test_a_source_that_is_no_video_says_so(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("This is no video.\n" * 100, encoding="utf-8")
    offline = r"^camera    \S+: offline no_video$"
    with demo(tmp_path, "--language", "en", "--source", str(text)) as running:
        until("the camera to be said offline", lambda: re.search(offline, running.said, re.MULTILINE))
    assert "whole picture counts as the river bank" in running.said


def test_a_source_that_is_not_there_says_so(tmp_path: Path) -> None:
    absent = tmp_path / "absent.avi"
    with demo(tmp_path, "--language", "en", "--source", str(absent)) as running:
        assert running.ended() == 1, running.said
    assert "the services ended by themselves (exit 2)" in running.said
    assert f"cameras.bank_east.source.path: found no file {absent}; allowed: a video file" in running.said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_everything(tmp_path: Path, number: signal.Signals) -> None:
    with demo(tmp_path) as running:
        until("the console", lambda: "控制台  http" in running.said or running.process.poll() is not None)
        assert len(running.family()) >= 4, running.said  # the tree's root and its three services
        running.process.send_signal(number)
        assert running.ended() == 0, running.said


def test_a_demo_that_is_killed_takes_everything_with_it(tmp_path: Path) -> None:
    with demo(tmp_path) as running:
        until("the console", lambda: "控制台  http" in running.said or running.process.poll() is not None)
        family = running.family()
        assert len(family) >= 4, running.said
        running.process.kill()
        until("the end of what it started", lambda: not any(map(_runs, family)))


def _below(pid: int) -> Iterator[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return
    for child in children:
        yield child
        yield from _below(child)


def _runs(pid: int) -> bool:
    """Say whether a process runs; one that has ended but whose parent did not look does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"

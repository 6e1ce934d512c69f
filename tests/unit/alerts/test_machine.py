"""What the installation says of itself: hops out of histograms, processes and disks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from alerts import machine
from alerts.latencies import Latency, latencies
from alerts.metrics import DeliveryMetrics
from lianfang.metrics import hop_histogram


def test_half_and_99_of_100_are_read_from_the_buckets() -> None:
    registry = CollectorRegistry()
    hops = hop_histogram(registry)
    for _ in range(98):
        hops.labels(hop="captured_to_published").observe(0.04)  # between 25 and 50 ms
    for _ in range(2):
        hops.labels(hop="captured_to_published").observe(0.6)  # between 0.5 and 0.75 s
    hops.labels(hop="detected_to_decided").observe(100)  # beyond the last bound
    DeliveryMetrics(registry)._spans.labels(kind="speech", span="delivered").observe(4)
    found = {one.hop: one for one in latencies(registry.collect())}
    first = found["captured_to_published"]
    assert first.n == 100
    assert first.p50_s == pytest.approx(0.025 + 0.025 * 50 / 98)
    assert first.p99_s == pytest.approx(0.5 + 0.25 * 1 / 2)
    assert found["detected_to_decided"] == Latency("detected_to_decided", 1, 30.0, 30.0)
    assert found["published_to_detected"] == Latency("published_to_detected", 0, None, None)
    assert found["decided_to_spoken"].n == 1


def test_processes_beside_this_one_only_under_a_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIANFANG_PROCESS", raising=False)
    (mine,) = machine.processes()
    assert mine.pid == os.getpid()
    assert mine.memory_bytes > 1_000_000
    assert mine.cpu > 0
    monkeypatch.setenv("LIANFANG_PROCESS", "alerts-0")
    assert mine.pid in {one.pid for one in machine.processes()}


def test_a_process_is_called_by_its_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIANFANG_PROCESS", "alerts-0")
    (tmp_path / "uptime").write_text("1000.0 1")
    tail = "1 1 0 0 0 0 0 0 0 300 100 0 0 20 0 1 0 50000 9 25"
    for pid, parent, words in (
        (os.getpid(), 7, "-m\0lianfang\0alerts\0--config\0/x"),
        (41, os.getppid(), "lianfang\0ingest"),
    ):
        folder = tmp_path / str(pid)
        folder.mkdir()
        (folder / "stat").write_text(f"{pid} (a b) S {parent} {tail}")
        (folder / "cmdline").write_text(words)
    (tmp_path / "40").mkdir()  # has just ended
    found = {one.pid: one for one in machine.processes(tmp_path)}
    assert {pid: one.name for pid, one in found.items()} == {os.getpid(): "alerts", 41: "ingest"}
    age_s = 1000 - 50000 / os.sysconf("SC_CLK_TCK")
    assert found[41].age_s == pytest.approx(age_s)
    assert found[41].cpu == pytest.approx(400 / os.sysconf("SC_CLK_TCK") / age_s)


def test_two_folders_of_one_disk_are_one(tmp_path: Path) -> None:
    (tmp_path / "evidence").mkdir()
    folders = {"data": tmp_path, "evidence": tmp_path / "evidence", "gone": tmp_path / "gone"}
    (disk,) = machine.disks(folders)
    assert disk.name == "data"
    assert 0 < disk.free_bytes <= disk.total_bytes

"""``lianfang password`` prints what a configuration can use, and nothing else."""

from __future__ import annotations

import io
import sys

import pytest
from argon2 import PasswordHasher

from alerts.api import passwords
from alerts.api.password import main
from tests.support.api import HASHER


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_HASHER", HASHER)


def test_one_line_in_one_hash_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("密码 with spaces \r\n"))
    assert main([]) == 0
    printed = capsys.readouterr()
    assert PasswordHasher().verify(printed.out.rstrip("\n"), "密码 with spaces ")
    assert printed.err == ""


@pytest.mark.parametrize("entered", ["", "\n", "short\n"])
def test_a_short_one_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], entered: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(entered))
    assert main([]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "8 characters" in printed.err


@pytest.mark.parametrize(("second", "code"), [("a good password", 0), ("a goof password", 1)])
def test_at_a_terminal_it_is_asked_for_twice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], second: str, code: int
) -> None:
    entries = iter(["a good password", second])

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", lambda _prompt: next(entries))
    assert main([]) == code
    assert bool(capsys.readouterr().out) == (code == 0)

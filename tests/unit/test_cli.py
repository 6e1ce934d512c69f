"""The command: what it finds, what it answers, and readers that have seen enough."""

from __future__ import annotations

import gc
import importlib
import os
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pytest

from lianfang.cli import COMMANDS, Command, main
from tests.support.configs import changed, write


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``lianfang`` in a process of its own."""
    command = [sys.executable, "-m", "lianfang", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module, _, function = COMMANDS[name].target.partition(":")
    assert callable(getattr(importlib.import_module(module), function))
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: lianfang {name} ")


@pytest.mark.parametrize("name", COMMANDS)
def test_an_unknown_option_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--no-such-option"])
    assert ended.value.code == 2
    assert f"usage: lianfang {name} " in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help_names_every_command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    out = capsys.readouterr().out
    for name, command in COMMANDS.items():
        assert f"  {name} " in out
        assert command.summary in out


def looks_for_garbage(_argv: object) -> int:
    return int(gc.isenabled())


def test_garbage_is_looked_for_once_a_command_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMMANDS, "probe", Command(f"{__name__}:looks_for_garbage", "-"))
    assert main(["probe"]) == 1
    monkeypatch.setitem(COMMANDS, "probe", Command("no.such.module:main", "-"))
    with pytest.raises(ModuleNotFoundError):
        main(["probe"])
    assert gc.isenabled()


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"lianfang {version('lianfang')}\n"


def test_an_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fly"]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith("lianfang: no command 'fly'\n")
    assert "commands:" in shown.err
    assert shown.out == ""


def test_the_module_is_the_command() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"lianfang {version('lianfang')}\n", "")


def test_check_prints_what_is_wrong(tmp_path: Path) -> None:
    file = write(tmp_path, changed(("cameras.cam.fsp", 5)))
    done = run("check", str(file))
    assert done.returncode == 2
    assert done.stdout == ""
    first, last = done.stderr.splitlines()
    assert first.startswith(f"{file}:")
    assert "cameras.cam.fsp: found the unknown key 'fsp'" in first
    assert last == f"{file}: 1 problem"


def test_check_of_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = run("check", str(tmp_path / "absent.yaml"))
    assert done.returncode == 2
    assert "No such file" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments", [["--help"], ["models", "list"], ["check", "good"]], ids=["help", "models", "check"]
)
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["at the end", "at once"])
def test_a_reader_that_has_seen_enough_is_no_error(
    tmp_path: Path, arguments: list[str], unbuffered: str
) -> None:
    good = str(write(tmp_path, changed()))
    command = [sys.executable, "-m", "lianfang", *(good if a == "good" else a for a in arguments)]
    reading, writing = os.pipe()
    os.close(reading)  # as `| head -1` does, sooner or later; here before the first word
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        os.close(writing)
    assert done.stderr == ""
    assert done.returncode == 0


def test_the_first_line_of_a_list() -> None:
    command = f"set -o pipefail; {sys.executable} -m lianfang models list | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0
    assert done.stdout.startswith("nanodet-g: ")
    assert done.stderr == ""


WAITS = """
import sys
from lianfang import cli
cli.COMMANDS["wait"] = cli.Command("tests.unit.test_cli:wait", "wait")
sys.exit(cli.main(["wait"]))
"""


def wait(_argv: list[str]) -> int:
    """Stand for a command that takes long, such as ``models install``."""
    sys.stdout.write("waiting\n")
    sys.stdout.flush()
    time.sleep(60)
    return 0


def test_an_interrupted_command_says_nothing_more() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WAITS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT
    assert said == ""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from lianfang.redact import redact


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("rtsp://admin:secret@10.0.0.1/ch1", "rtsp://admin:***@10.0.0.1/ch1"),
        # A password may hold what separates things elsewhere.
        ("rtsp://admin:p@ss:w@10.0.0.1:554/ch1", "rtsp://admin:***@10.0.0.1:554/ch1"),
        ("rtsp://admin:s/cr:t@10.0.0.1/ch1", "rtsp://admin:***@10.0.0.1/ch1"),
        ("rtsp://:secret@host/x", "rtsp://:***@host/x"),
        ("two: rtsp://a:b@h/1 and http://c:d@h/2", "two: rtsp://a:***@h/1 and http://c:***@h/2"),
        ("http://h/x?token=abc&n=1", "http://h/x?token=***&n=1"),
        ("http://h/x?n=1&Password=abc", "http://h/x?n=1&Password=***"),
        # Nothing to hide stays as it is.
        ("rtsp://admin@10.0.0.1/ch1", "rtsp://admin@10.0.0.1/ch1"),
        ("rtsp://10.0.0.1:554/a", "rtsp://10.0.0.1:554/a"),
        ("mail a:b@c", "mail a:b@c"),
    ],
)
def test_passwords_in_urls_are_hidden(text: str, want: str) -> None:
    assert redact(text) == want
    assert redact(redact(text)) == want


SCRIPT = """
import logging, structlog
from lianfang import logs
logs.configure("t")
log = structlog.get_logger()
log.info("open", url="rtsp://u:hunter2@h/1")
logging.getLogger("x").warning("failed on rtsp://u:%s@h/1", "hunter2")
try:
    raise OSError("rtsp://u:hunter2@h/1 timed out")
except OSError:
    log.exception("crashed")
"""


def test_no_log_line_shows_a_password_not_even_a_traceback() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert "hunter2" not in done.stderr + done.stdout
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert len(events) == 3
    assert {e["service"] for e in events} == {"t"}
    assert "timed out" in events[2]["exception"]

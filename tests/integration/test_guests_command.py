"""``lianfang guests``: keys are changed without a restart, and nothing is told of a camera's address."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from cryptography.fernet import Fernet

from alerts.guests import consent
from alerts.guests.command import main
from alerts.store import guests, open_store
from alerts.store.guests import GuestRow, InvitationRow
from lianfang.config import load
from lianfang.sealing import Seal
from tests.support.api import START
from tests.support.configs import changed
from tests.support.guests import STAY, source


def test_keys_are_changed_and_cameras_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key, file = tmp_path / "guests.key", tmp_path / "site.yaml"
    assert main(["key"]) == 0
    old, new = capsys.readouterr().out.strip(), Fernet.generate_key().decode()
    key.write_text(f"{old}\n")
    data = changed(("rules.stay", STAY), ("guests", {"key": {"file": "guests.key"}, "rules": ["stay"]}))
    file.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    store = open_store(load(file))
    how = source("rtsp://192.0.2.7/x")
    with store.write() as session:
        session.add(
            InvitationRow(
                id="i", digest="d", name="超市门口", author="duty", created_at=START, expires_at=START
            )
        )
        session.flush()
        session.add(
            GuestRow(
                id="guest_a",
                invitation_id="i",
                owner_digest="o",
                state="active",
                state_since=START,
                allowed={"name": "超市门口", "legal_class": "venue", "rules": [], "near": None},
                sealed=Seal([old]).close(how),
                how="fetched",
                consented_at=START,
                consent=consent.given("zh", "社区", "陈"),
            )
        )

    def sealed() -> str:
        with store.read() as session:
            return guests.rows(session)[0].sealed

    assert main(["list", str(file)]) == 0
    said = capsys.readouterr().out
    assert ("guest_a  active" in said, "超市门口" in said, "192.0.2.7" in said) == (True, True, False)
    key.write_text(f"{new}\n{old}\n")
    assert main(["reseal", str(file)]) == 0
    assert Seal([new]).open(sealed()) == how
    key.write_text(f"{Fernet.generate_key().decode()}\n")  # the key was lost
    assert main(["reseal", str(file)]) == 1
    assert "guest_a: no key opens it" in capsys.readouterr().out
    store.close()

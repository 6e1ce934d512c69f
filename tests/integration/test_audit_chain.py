"""The audit is a chain: what was changed, removed, inserted or cut off is found, by the command as well."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from alerts.audit_command import main
from alerts.store import Store, audit
from alerts.store.audit import AuditRow
from alerts.store.chain import walked
from tests.support.api import START
from tests.support.configs import changed, write
from tests.support.stores import KINDS, opener


def entry(reason: str) -> AuditRow:
    return AuditRow(
        at=START, actor="duty", actor_name="王芳", role="operator", address="127.0.0.1", action="speak",
        target="lake\0", reason=reason, status=200, detail={"volume": 0.5, "speakers": ["音柱"]},
    )  # fmt: skip


def add(store: Store, n: int) -> None:
    with store.write() as session:
        audit.add(session, entry(f"第{n}次"))


def behind_its_back(store: Store, statement: str) -> None:
    """Do what whoever owns the database can do: without the triggers."""
    postgres = store.engine.dialect.name == "postgresql"
    with store.engine.begin() as connection:
        if postgres:
            connection.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))
        else:
            for name in ("update", "delete"):
                connection.execute(text(f"DROP TRIGGER IF EXISTS audit_no_{name}"))
        connection.execute(text(statement))


INSERTED = (
    "INSERT INTO audit"
    " (seq, at, actor, actor_name, role, address, action, target, reason, status, detail, digest)"
    " SELECT 100, at, actor, actor_name, role, address, action, target, 'never', status, detail, digest"
    " FROM audit WHERE seq = 3"
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE audit SET reason = 'another' WHERE seq = 2", 2),
        ("UPDATE audit SET detail = '{}' WHERE seq = 2", 2),
        ("UPDATE audit SET digest = NULL WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq = 2", 3),
        (INSERTED, 100),
        ("UPDATE audit SET status = 200 WHERE seq = 2", None),  # as it was
    ],
)
def test_what_was_changed_is_found(kind: str, tmp_path: Path, statement: str, broken: int | None) -> None:
    with opener(kind, tmp_path) as another:
        store = another()
        for n in range(4):
            add(store, n)
        behind_its_back(store, statement)
        with store.read() as session:
            assert walked(session).broken == broken


@pytest.mark.parametrize("kind", KINDS)
def test_many_who_write_at_once_make_one_chain(kind: str, tmp_path: Path) -> None:
    with opener(kind, tmp_path) as another:
        first = another()
        stores = [first, another() if kind == "postgresql" else first]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda n: add(stores[n % 2], n), range(40)))
        with stores[0].read() as session:
            found = walked(session)
    assert (found.entries, found.broken, found.unchained) == (40, None, 0)


def test_who_noted_the_head_sees_a_cut_off_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = write(tmp_path, changed(("data_dir", str(tmp_path))))
    store = Store(f"sqlite:///{tmp_path / 'store.sqlite3'}")
    for n in range(3):
        add(store, n)
    assert main(["verify", str(site)]) == 0
    said = capsys.readouterr().out
    assert "3 entries follow each other" in said
    head = said.split("head: ")[1].strip()
    add(store, 3)
    assert main(["verify", str(site), "--head", head]) == 0
    behind_its_back(store, "DELETE FROM audit WHERE seq > 2")
    assert main(["verify", str(site)]) == 0, "of the rest nothing was changed"
    capsys.readouterr()
    assert main(["verify", str(site), "--head", head]) == 1
    assert f"the head {head} is not among them" in capsys.readouterr().out
    behind_its_back(store, "UPDATE audit SET actor = 'nobody' WHERE seq = 1")
    assert main(["verify", str(site)]) == 1
    assert "entry 1 does not follow" in capsys.readouterr().out
    store.close()

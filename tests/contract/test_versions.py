"""Versions of the settings in either store: what was changed comes back as it was, and is there once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alerts.store import Store, versions
from lianfang.config.changes import read

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def test_a_long_list_comes_back_and_later_versions_share_its_text(store: Store) -> None:
    text = "plate,from,until,note\n" + "".join(
        f"粤T{n:05d},,2026-07-01T18:00:00+08:00,“备注”\n" for n in range(500)
    )
    listed = read({"lists": {"wanted.csv": text}})
    for based_on, changes in enumerate((listed, listed.model_copy(update={"cameras_off": ("cam",)}))):
        with store.write() as session:
            versions.add(session, changes, "chen", "试", based_on, NOON + timedelta(minutes=based_on))
    with pytest.raises(versions.Outdated, match="version 2 is the newest, not 1"), store.write() as session:
        versions.add(session, listed, "chen", "试", 1, NOON)
    with store.read() as session:
        first, second = versions.load(session)
    assert first.changes.lists["wanted.csv"] == text
    assert first.changes.lists["wanted.csv"] is second.changes.lists["wanted.csv"]
    assert second.changes.cameras_off == ("cam",)

"""The demo attendance system: large enough, damaged as its story tells, and repaired by its backup."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests import demo_sites
from tests.engine.conftest import NOW
from webapp.demo.attendance import create_demo_attendance
from webapp.demo.site import DemoSite


@pytest.fixture(scope="module")
def attendance(tmp_path_factory: pytest.TempPathFactory) -> DemoSite:
    """The damaged site; no test writes to it."""
    return create_demo_attendance(tmp_path_factory.mktemp("demo") / "attendance", now=NOW)


@pytest.fixture
def live(attendance: DemoSite) -> Iterator[sqlite3.Connection]:
    """The damaged database."""
    connection = sqlite3.connect(f"{attendance.database.as_uri()}?mode=ro", uri=True)
    yield connection
    connection.close()


def count(live: sqlite3.Connection, table: str, where: str = "1") -> int:
    number: int = live.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()[0]
    return number


def test_its_profile_knows_every_table_and_column(live: sqlite3.Connection) -> None:
    assert demo_sites.unknown_to_its_profile(live, "attendance") == []


def test_the_accident_is_what_the_story_tells(attendance: DemoSite, live: sqlite3.Connection) -> None:
    lost, added = attendance.lost["core_attendancerecord"], attendance.added["core_attendancerecord"]
    assert count(live, "core_company") == 104
    assert count(live, "core_attendancerecord") == 100_000 - lost + added
    assert count(live, "core_attendancerecord", "company_id = 1 AND date LIKE '2026-02-%'") == 0
    spoilt = "company_id = 2 AND date LIKE '2026-02-%' AND status = 'A' AND overstay = '02:00'"
    assert 0 < count(live, "core_attendancerecord", spoilt) < attendance.spoilt["status"]
    night = f"{attendance.backup_made:%Y-%m-%d %H:%M:%S}"
    assert count(live, "core_attendancerecord", f"({spoilt}) AND updated_at > '{night}'") == 0
    assert f"{lost:,} attendance records" in attendance.story[1]
    assert live.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_restore_repairs_it_and_keeps_the_morning(attendance: DemoSite, stages: Path, tmp_path: Path) -> None:
    outcome = demo_sites.repaired(attendance, demo_sites.copied(attendance, tmp_path), stages, tmp_path)
    assert outcome.counts.insert == attendance.lost["core_attendancerecord"]
    assert outcome.counts.update == attendance.spoilt["status"]
    assert outcome.counts.delete == 0
    with sqlite3.connect(tmp_path / attendance.database.name) as connection:
        records = 100_000 + attendance.added["core_attendancerecord"]
        assert count(connection, "core_attendancerecord") == records
        latest = connection.execute("SELECT max(updated_at) FROM core_attendancerecord").fetchone()[0]
    connection.close()
    assert attendance.backup_made < datetime.fromisoformat(latest).replace(tzinfo=UTC) < NOW

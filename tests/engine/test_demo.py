"""The demo school: complete, damaged as its story tells, and the same every time."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from webapp.demo.school import create_demo_school
from webapp.demo.site import DemoSite
from webapp.engine.profile import bundled


@pytest.fixture
def live(demo: DemoSite) -> Iterator[sqlite3.Connection]:
    """The damaged database."""
    connection = sqlite3.connect(f"{demo.database.as_uri()}?mode=ro", uri=True)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def backup(demo: DemoSite) -> Counter[str]:
    """How many records of each model the backup holds."""
    return Counter(record["model"] for record in json.loads(demo.backup.read_text("utf-8")))


def count(live: sqlite3.Connection, table: str, where: str = "1") -> int:
    """Rows of a table."""
    number: int = live.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()[0]
    return number


def test_the_backup_holds_a_whole_school(demo: DemoSite, backup: Counter[str]) -> None:
    assert backup["students.student"] == 2000
    assert backup["attendance.attendance"] == 100_000
    assert backup["teachers.teacher"] == 60
    assert backup["subjects.classsection"] == 27
    assert sum(backup.values()) == demo.backup_records


def test_sessions_and_migrations_are_not_in_the_backup(backup: Counter[str]) -> None:
    assert not [label for label in backup if label.startswith(("sessions.", "migrations.", "admin."))]


def test_the_accident_is_what_the_story_tells(demo: DemoSite, live: sqlite3.Connection, backup: Counter[str]) -> None:
    for table, label in (
        ("students_student", "students.student"),
        ("attendance_attendance", "attendance.attendance"),
        ("student_fees_feedeposit", "student_fees.feedeposit"),
        ("transport_transportassignment", "transport.transportassignment"),
    ):
        assert count(live, table) == backup[label] - demo.lost[table] + demo.added.get(table, 0)
    assert count(live, "subjects_classsection", "class_name = 'Class 7' AND section_name = 'B'") == 0
    assert count(live, "students_student", "first_name = '?????'") == demo.spoilt["first_name"]
    assert count(live, "students_student", "mobile_number = '5550000000'") == demo.spoilt["mobile_number"]
    assert f"{demo.lost['students_student']} students" in " ".join(demo.story)


def test_every_reference_of_the_damaged_school_leads_to_a_row(live: sqlite3.Connection) -> None:
    assert live.execute("PRAGMA foreign_key_check").fetchall() == []
    assert live.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_spoilt_students_carry_no_newer_stamp_and_corrected_ones_do(demo: DemoSite, live: sqlite3.Connection) -> None:
    night = f"{demo.backup_made:%Y-%m-%d %H:%M:%S}"
    spoilt = "first_name = '?????' OR mobile_number = '5550000000'"
    assert count(live, "students_student", f"({spoilt}) AND updated_at > '{night}'") == 0
    assert count(live, "students_student", f"updated_at > '{night}' AND created_at < '{night}'") == 5


def test_accounts_have_no_usable_password(live: sqlite3.Connection) -> None:
    assert count(live, "users_customuser", "password NOT LIKE '!%'") == 0


def test_an_existing_demo_is_kept_and_a_fresh_one_is_equal(demo: DemoSite, tmp_path: Path) -> None:
    database, backup = demo.database.stat(), demo.backup.stat()
    assert create_demo_school(demo.folder) == demo
    assert (demo.database.stat(), demo.backup.stat()) == (database, backup)
    again = create_demo_school(tmp_path / "school", fresh=True, now=demo.backup_made + timedelta(hours=13))
    assert again.backup.read_bytes() == demo.backup.read_bytes()
    assert again.database.read_bytes() == demo.database.read_bytes()


def test_just_after_midnight_the_accident_is_after_the_backup_and_before_now(tmp_path: Path) -> None:
    now = datetime(2026, 3, 12, 0, 5, tzinfo=UTC)
    made = create_demo_school(tmp_path / "school", now=now)
    with sqlite3.connect(made.database) as connection:
        latest = connection.execute("SELECT max(updated_at) FROM students_student").fetchone()[0]
    connection.close()
    assert made.backup_made < datetime.fromisoformat(latest).replace(tzinfo=UTC) < now


def test_every_table_has_a_title_and_a_category_in_the_profile(live: sqlite3.Connection) -> None:
    profile = bundled()["school"]
    tables = [
        name
        for (name,) in live.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        if not name.startswith("sqlite_")
    ]
    untitled = [name for name in tables if not profile.rules(name).title]
    homeless = [name for name in tables if not set(profile.categories_of(name)) <= set(profile.categories)]
    assert (untitled, homeless) == ([], [])


def test_every_column_that_the_profile_names_exists(live: sqlite3.Connection) -> None:
    wrong = []
    for table, rules in bundled()["school"].tables.items():
        columns = {row[1] for row in live.execute(f"PRAGMA table_info({table})")}
        named = {name for key in rules.keys for name in key} | {*rules.volatile, *rules.defaults, rules.stamp} - {""}
        if columns and not named <= columns:
            wrong.append((table, named - columns))
    assert wrong == []

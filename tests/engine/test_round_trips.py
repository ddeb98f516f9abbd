"""What a backup holds, a restore gives back: on both databases, and between them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import sites, small_sites
from webapp.engine import commands
from webapp.engine.answers import Choices, Counts, Outcome, Plan

Builder = Callable[[str], str]

EVERYTHING = Choices(accounts="restore")
KINDS = [
    pytest.param(small_sites.school_small, sites.school_schema, id="school"),
    pytest.param(small_sites.library, sites.library_schema, id="library"),
]
IGNORED = {"django_session", "django_migrations", "django_admin_log"}


class Restore:
    """Restores into one site, each with files of its own."""

    def __init__(self, site: str, folder: Path) -> None:
        self.site = site
        self.folder = folder
        self.count = 0

    def plan(self, source: Path, choices: Choices = EVERYTHING) -> Plan:
        """A preview; the next ``apply`` does it."""
        self.count += 1
        return commands.make_plan(
            source, self.site, stages=self.folder / "stages", output=self.folder / f"{self.count}.plan", choices=choices
        )

    def apply(self, plan: Plan) -> Outcome:
        """Do the last plan."""
        name = f"job-{self.count}"
        return commands.apply_plan(
            self.folder / f"{self.count}.plan",
            plan.digest,
            self.site,
            job=name,
            receipt=self.folder / f"{name}.receipt",
            confirm_removal=plan.removal,
        )

    def run(self, source: Path, choices: Choices = EVERYTHING) -> Outcome:
        """Plan and apply."""
        plan = self.plan(source, choices)
        assert plan.ready, plan.problems
        outcome = self.apply(plan)
        assert outcome.status in ("done", "nothing"), outcome
        assert outcome.counts == plan.counts
        return outcome


def kept(url: str) -> dict[str, list[sites.Row]]:
    """What a site holds, without the tables that no restore touches."""
    return {table: rows for table, rows in sites.contents(url).items() if table not in IGNORED}


@pytest.mark.parametrize(("build", "schema"), KINDS)
def test_a_plan_against_the_sites_own_backup_is_empty(
    site_database: str, tmp_path: Path, build: Builder, schema: Builder
) -> None:
    build(site_database)
    facts = commands.backup(site_database, tmp_path / "backup.json")
    plan = Restore(site_database, tmp_path).plan(tmp_path / "backup.json")
    assert plan.counts == Counts(same=facts.records)
    assert plan.ready


@pytest.mark.parametrize(("source", "target"), [("sqlite", "postgresql"), ("postgresql", "sqlite")])
@pytest.mark.parametrize(("build", "schema"), KINDS)
def test_a_backup_restored_into_an_empty_schema_is_equal_row_by_row(
    request: pytest.FixtureRequest, tmp_path: Path, source: str, target: str, build: Builder, schema: Builder
) -> None:
    here, there = build(request.getfixturevalue(source)), schema(request.getfixturevalue(target))
    commands.backup(here, tmp_path / "backup.json")
    restore = Restore(there, tmp_path)
    restore.run(tmp_path / "backup.json")
    assert kept(there) == kept(here)
    assert restore.plan(tmp_path / "backup.json").counts.changes == 0


@pytest.mark.parametrize(("build", "schema"), KINDS)
def test_lost_and_changed_rows_come_back(site_database: str, tmp_path: Path, build: Builder, schema: Builder) -> None:
    before = kept(build(site_database))
    commands.backup(site_database, tmp_path / "backup.json")
    if build is small_sites.library:
        damage = (
            "DELETE FROM library_loan WHERE id > 1",
            "UPDATE library_book SET title = 'x', price = 0 WHERE id < 3",
        )
    else:
        damage = (
            "DELETE FROM attendance_attendance WHERE student_id = 4",
            "DELETE FROM students_student WHERE id = 4",
            "UPDATE students_student SET first_name = 'x', due_amount = 1 WHERE id < 3",
        )
    sites.execute(site_database, *damage)
    Restore(site_database, tmp_path).run(tmp_path / "backup.json")
    assert kept(site_database) == before


def test_replace_makes_the_site_as_the_backup_was(site_database: str, tmp_path: Path) -> None:
    before = kept(small_sites.library(site_database))
    commands.backup(site_database, tmp_path / "backup.json")
    sites.execute(
        site_database,
        "INSERT INTO library_author (id, name, mentor_id) VALUES (50, 'New', 1)",
        "UPDATE library_publisher SET flagship_id = 2 WHERE id = 2",
        "DELETE FROM library_book_tags WHERE id = 1",
    )
    outcome = Restore(site_database, tmp_path).run(tmp_path / "backup.json", Choices(remove=True))
    assert (outcome.counts.insert, outcome.counts.update, outcome.counts.delete) == (1, 1, 1)
    assert kept(site_database) == before


def test_a_fixture_with_lists_for_links_is_the_same_backup(site_database: str, tmp_path: Path) -> None:
    rows = small_sites.library_rows()
    links = rows.pop("library_book_tags")
    records = list(small_sites.records_of(rows))
    for record in records:
        if record["model"] == "library.book":
            record["fields"]["tags"] = [link["tag_id"] for link in links if link["book_id"] == record["pk"]]
    path = sites.fixture(tmp_path / "lists.json", records)
    before = kept(small_sites.library(site_database))
    restore = Restore(site_database, tmp_path)
    assert restore.plan(path).counts.changes == 0
    sites.execute(site_database, "DELETE FROM library_book_tags WHERE book_id = 1")
    assert restore.run(path).counts.insert == 2
    after = kept(site_database)
    for tables in (before, after):
        for row in tables["library_book_tags"]:
            del row["id"]
    assert sorted(map(str, after.pop("library_book_tags"))) == sorted(map(str, before.pop("library_book_tags")))
    assert after == before

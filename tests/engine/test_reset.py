"""A reset clears what the profile declares and nothing else, and the backup before it brings everything back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import sites, small_sites
from tests.document_sites import documents_site
from tests.restoring import Restoring
from webapp.engine import commands
from webapp.engine.answers import Outcome
from webapp.engine.errors import NoReset
from webapp.engine.profile import bundled


@pytest.fixture
def school(site_database: str, tmp_path: Path) -> Restoring:
    """The small school."""
    return Restoring(small_sites.school_small(site_database), tmp_path)


def cleared(site: Restoring, name: str = "reset") -> Outcome:
    output = site.folder / f"{name}.plan"
    plan = commands.make_reset_plan(site.url, output=output, profile=site.profile)
    assert plan.problems == ()
    return site.apply(output, plan, job=name, confirm_removal=plan.removal)


def test_business_data_goes_and_the_rest_stays_as_it_is(school: Restoring) -> None:
    before = sites.contents(school.url)
    profile = bundled()["school"]
    outcome = cleared(school)
    after = sites.contents(school.url)
    gone = {table for table, rows in before.items() if rows and not after[table]}
    assert {"students_student", "student_fees_feedeposit", "teachers_teacher"} <= gone
    assert all(profile.cleared(table) for table in gone)
    assert {t: r for t, r in after.items() if t not in gone} == {t: r for t, r in before.items() if t not in gone}
    assert outcome.counts.delete == sum(len(before[table]) for table in gone)
    assert outcome.counts.changes == outcome.counts.delete
    assert after["users_customuser"] == before["users_customuser"] != []


def test_the_backup_before_it_brings_every_row_back(school: Restoring) -> None:
    backup = school.own_backup()
    before = sites.contents(school.url)
    cleared(school)
    school.restore(backup)
    assert sites.contents(school.url) == before


def test_a_document_system_keeps_its_infrastructure(site_database: str, tmp_path: Path) -> None:
    site = Restoring(documents_site(site_database), tmp_path)
    backup, before = site.own_backup(), sites.contents(site.url)
    cleared(site)
    after = sites.contents(site.url)
    assert not any(after[table] for table in ("documents", "document_versions", "document_workflows", "audit_trail"))
    kept = (
        "users",
        "roles",
        "user_roles",
        "auth_group",
        "document_types",
        "document_sources",
        "workflow_document_states",
    )
    assert all(after[table] == before[table] != [] for table in kept)
    site.restore(backup)
    assert sites.contents(site.url) == before


def test_a_second_reset_finds_nothing_to_do(school: Restoring) -> None:
    cleared(school)
    assert cleared(school, "again").status == "nothing"


def test_it_is_written_in_the_journal_and_not_done_twice(school: Restoring) -> None:
    cleared(school)
    assert commands.settle(school.url, "reset") == "applied"


def test_a_row_that_stays_and_refers_to_one_that_would_go_blocks_it(site_database: str, tmp_path: Path) -> None:
    profile = tmp_path / "odd.toml"
    profile.write_text('name = "odd"\nextends = "django"\n[reset]\nclear = ["library_author"]\n')
    url = small_sites.library(site_database)
    plan = commands.make_reset_plan(url, output=tmp_path / "plan", profile=str(profile))
    assert not plan.ready
    assert {each.code for each in plan.problems} == {"still_referenced"}


def test_a_profile_that_declares_nothing_knows_no_reset(site_database: str, tmp_path: Path) -> None:
    with pytest.raises(NoReset):
        commands.make_reset_plan(small_sites.library(site_database), output=tmp_path / "plan")
    assert not list(tmp_path.glob("plan*"))


def test_accounts_stay_whatever_a_profile_says(school: Restoring) -> None:
    profile = school.folder / "greedy.toml"
    profile.write_text('name = "greedy"\nextends = "school"\n[reset]\nclear = ["*"]\nkeep = []\n')
    plan = commands.make_reset_plan(school.url, output=school.folder / "plan", profile=str(profile))
    touched = {each.table for each in plan.tables if each.counts.changes}
    assert not touched & {"users_customuser", "users_module_permissions", "django_migrations", "smart_restore_journal"}

"""What a plan tells a person who has to decide: which rows a record could be, and who gains which rights."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import doubtful, sites, small_sites
from tests.restoring import Restoring
from webapp.engine.errors import DecisionRefused


def test_an_ambiguous_record_stands_beside_the_rows_that_it_could_be(site_database: str, tmp_path: Path) -> None:
    file = doubtful.ambiguous(site_database, tmp_path)
    plan = Restoring(site_database, tmp_path).plan(file)
    (doubt,) = plan.doubts
    assert (doubt.decision, doubt.table, doubt.title) == ("students.student:1", "students_student", "Students")
    assert doubt.label == "Meera Rao (A-002)"
    assert doubt.values["admission_number"] == "A-002"
    assert [(row.key, row.why) for row in doubt.candidates] == [
        ("2", ("same admission_number",)),
        ("1", ("same id",)),
    ]
    assert doubt.candidates[1].values["admission_number"] == "A-001"


@pytest.mark.parametrize(
    ("answer", "counts"), [("2", (0, 1, 0)), ("skip", (0, 0, 1))], ids=["that row", "leave it out"]
)
def test_a_decision_is_carried_out_and_leaves_no_doubt(
    sqlite: str, tmp_path: Path, answer: str, counts: tuple[int, int, int]
) -> None:
    file = doubtful.ambiguous(sqlite, tmp_path)
    plan = Restoring(sqlite, tmp_path).plan(file, decisions={"students.student:1": answer})
    assert plan.doubts == ()
    assert plan.ready
    assert (plan.counts.insert, plan.counts.update, plan.counts.skipped) == counts


def test_a_decision_about_nothing_is_refused(sqlite: str, tmp_path: Path) -> None:
    file = doubtful.ambiguous(sqlite, tmp_path)
    with pytest.raises(DecisionRefused):
        Restoring(sqlite, tmp_path).plan(file, decisions={"students.student:99": "2"})


def test_passwords_are_no_part_of_a_doubt(sqlite: str, tmp_path: Path) -> None:
    small_sites.school_small(sqlite)
    records = [each for each in doubtful.backup_of(sqlite, tmp_path) if each["model"] == "users.customuser"]
    records = [each for each in records if each["pk"] != 2]
    records[0]["fields"]["username"] = "Superuser"
    (doubt,) = Restoring(sqlite, tmp_path).plan(records, accounts="restore").doubts
    assert len(doubt.candidates) == 2
    for values in (doubt.values, *(row.values for row in doubt.candidates)):
        assert "username" in values
        assert "password" not in values


def test_who_gains_what_is_told_before_accounts_are_restored(site_database: str, tmp_path: Path) -> None:
    restoring = Restoring(site_database, tmp_path)
    file = doubtful.without_rights(site_database, tmp_path)
    assert restoring.plan(file).gains == ()
    plan = restoring.plan(file, accounts="restore")
    assert {gain.who: gain.what for gain in plan.gains} == {
        "SuperUser": ("password", "is_active", "role teacher"),
        "principal": ("is_superuser",),
        "Superuser": ("Groups of accounts: Office",),
    }


def test_accounts_that_are_only_kept_as_names_are_listed(site_database: str, tmp_path: Path) -> None:
    restoring = Restoring(site_database, tmp_path)
    small_sites.school_small(site_database)
    records = doubtful.backup_of(site_database, tmp_path)
    sites.execute(site_database, "DELETE FROM users_customuser WHERE id = 3")
    assert restoring.plan(records).placeholders == ()
    kind = {"name": "Late", "category": "x", "description": "", "is_active": True, "created_by": 3}
    stamps = {"created_at": "2025-09-01T09:30:00Z", "updated_at": "2025-09-01T09:30:00Z"}
    plan = restoring.plan([*records, sites.record("fines.finetype", 50, **kind, **stamps)])
    assert (plan.placeholders, plan.placeholder_count) == (("SuperUser",), 1)

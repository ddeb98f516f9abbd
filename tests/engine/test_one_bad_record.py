"""One bad record among good ones: by default nothing is written and it is named; on request exactly it is left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests import sites, small_sites
from webapp.engine import commands, errors
from webapp.engine.answers import Choices, Plan


@dataclass(frozen=True)
class Bad:
    """A change to the record of student 5, or of another model, and the problem that it must give."""

    code: str
    fields: dict[str, Any]
    named: str  # the field
    model: str = "students.student"
    pk: int = 5
    without: tuple[str, ...] = ()
    skip: Choices = field(default_factory=lambda: Choices(on_invalid="skip", on_missing="skip"))


BAD = [
    pytest.param(Bad("bad_value", {"date_of_birth": "2012-02-30"}, "date_of_birth"), id="no such day"),
    pytest.param(Bad("bad_value", {"date_of_birth": 17}, "date_of_birth"), id="a number for a date"),
    pytest.param(Bad("bad_value", {"due_amount": "a lot"}, "due_amount"), id="words for money"),
    pytest.param(Bad("missing_reference", {"class_section": "7-B"}, "class_section"), id="a name that no class has"),
    pytest.param(Bad("too_long", {"mobile_number": "55512345678"}, "mobile_number"), id="eleven digits for ten"),
    pytest.param(Bad("missing_required", {"first_name": None}, "first_name"), id="null for a name"),
    pytest.param(Bad("missing_required", {}, "first_name", without=("first_name",)), id="no name at all"),
    pytest.param(Bad("missing_reference", {"class_section": 77}, "class_section"), id="a class that is nowhere"),
]


@pytest.fixture
def site(site_database: str) -> str:
    """A school that has lost student 5 and all that hung on it."""
    small_sites.school_small(site_database)
    sites.execute(
        site_database,
        "DELETE FROM attendance_attendance WHERE student_id = 5",
        "DELETE FROM student_fees_feedeposit WHERE student_id = 5",
        "DELETE FROM students_student WHERE id = 5",
    )
    return site_database


def records(bad: Bad) -> list[dict[str, Any]]:
    """All students and sections, one of them bad."""
    rows = small_sites.school_rows()
    found = list(
        small_sites.records_of({table: rows[table] for table in ("subjects_classsection", "students_student")})
    )
    for record in found:
        if (record["model"], record["pk"]) == (bad.model, bad.pk):
            record["fields"] |= bad.fields
            for name in bad.without:
                del record["fields"][name]
    return found


def planned(site: str, folder: Path, path: Path, choices: Choices) -> Plan:
    return commands.make_plan(path, site, stages=folder / "stages", output=folder / "plan", choices=choices)


def applied(site: str, folder: Path, plan: Plan) -> str:
    job = commands.apply_plan(folder / "plan", plan.digest, site, job="job", receipt=folder / "receipt")
    return job.status


@pytest.mark.parametrize("bad", BAD)
def test_nothing_is_written_and_the_record_is_named(site: str, tmp_path: Path, bad: Bad) -> None:
    path = sites.fixture(tmp_path / "bad.json", records(bad))
    before = sites.dump(site)
    plan = planned(site, tmp_path, path, Choices())
    assert not plan.ready
    named = [problem for problem in plan.problems if problem.code == bad.code]
    assert [(problem.model, problem.pk) for problem in named][:1] == [(bad.model, str(bad.pk))]
    assert bad.named in named[0].field
    assert named[0].message
    number = next(
        at for at, each in enumerate(records(bad), 1) if str(each["pk"]) == named[0].pk and each["model"] == bad.model
    )
    assert named[0].place.record == number
    with pytest.raises(errors.PlanBlocked):
        applied(site, tmp_path, plan)
    assert sites.dump(site) == before


@pytest.mark.parametrize("bad", BAD)
def test_on_request_exactly_that_record_is_left_out(site: str, tmp_path: Path, bad: Bad) -> None:
    every = records(bad)
    every.append(sites.record("transport.route", 9, name="Route 9"))
    path = sites.fixture(tmp_path / "bad.json", every)
    before = sites.contents(site)
    plan = planned(site, tmp_path, path, bad.skip)
    assert plan.ready, plan.problems
    assert plan.counts.skipped == 1
    assert plan.counts.insert == 1
    assert applied(site, tmp_path, plan) == "done"
    after = sites.contents(site)
    assert len(after["transport_route"]) == len(before["transport_route"]) + 1
    assert after["students_student"] == before["students_student"]


def test_a_reference_may_be_left_empty_instead(site: str, tmp_path: Path) -> None:
    path = sites.fixture(tmp_path / "bad.json", records(Bad("", {"class_section": 77}, "")))
    plan = planned(site, tmp_path, path, Choices(on_missing="null"))
    assert plan.ready
    assert applied(site, tmp_path, plan) == "done"
    assert next(row for row in sites.rows(site, "students_student") if row["id"] == 5)["class_section_id"] is None


def test_a_value_may_be_filled_in_instead(site: str, tmp_path: Path) -> None:
    path = sites.fixture(tmp_path / "bad.json", records(Bad("", {}, "", without=("first_name",))))
    plan = planned(site, tmp_path, path, Choices(fills={"students.student.first_name": "?"}))
    assert plan.ready
    assert applied(site, tmp_path, plan) == "done"
    assert next(row for row in sites.rows(site, "students_student") if row["id"] == 5)["first_name"] == "?"


def test_a_status_that_older_files_lack_comes_from_the_profile(site: str, tmp_path: Path) -> None:
    path = sites.fixture(tmp_path / "old.json", records(Bad("", {}, "", without=("status", "email"))))
    plan = planned(site, tmp_path, path, Choices())
    assert plan.ready, plan.problems
    assert applied(site, tmp_path, plan) == "done"
    row = next(row for row in sites.rows(site, "students_student") if row["id"] == 5)
    assert (row["status"], row["email"]) == ("ACTIVE", "")


def test_what_hangs_on_a_skipped_record_is_left_out_with_it(site: str, tmp_path: Path) -> None:
    every = records(Bad("", {"due_amount": "a lot"}, ""))
    deposits = small_sites.school_rows()["student_fees_feedeposit"]
    every += small_sites.records_of({"student_fees_feedeposit": deposits})
    path = sites.fixture(tmp_path / "bad.json", every)
    plan = planned(site, tmp_path, path, Choices(on_invalid="skip", on_missing="skip"))
    assert plan.ready
    assert (plan.counts.skipped, plan.counts.insert) == (2, 0)

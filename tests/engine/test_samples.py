"""Backups that another program wrote: each is analysed, then restored whole or refused with its reasons."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests import sites
from webapp.engine import commands
from webapp.engine.answers import Analysis, Choices, Plan

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "samples" / "school"
FILES = ("30Teachers", "500Students_Complete", "Fees_Fines", "Subject_Assignments", "Transport_Routes")
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample files are not on this machine")


def sample(name: str) -> Path:
    return next(SAMPLES.glob(f"SampleData_{name}_*.json"))


def analysed(name: str, demo_copy: str, folder: Path) -> Analysis:
    return commands.analyse(sample(name), demo_copy, stages=folder / "stages")


def planned(name: str, demo_copy: str, folder: Path, choices: Choices) -> Plan:
    return commands.make_plan(sample(name), demo_copy, stages=folder / "stages", output=folder / name, choices=choices)


def restore(name: str, demo_copy: str, folder: Path, choices: Choices) -> Plan:
    """Plan, apply, and plan again: the second plan is empty."""
    plan = planned(name, demo_copy, folder, choices)
    assert plan.ready, plan.problems
    outcome = commands.apply_plan(folder / name, plan.digest, demo_copy, job=name, receipt=folder / f"{name}.receipt")
    assert outcome.status == "done"
    assert outcome.counts == plan.counts
    (folder / name).unlink()
    assert planned(name, demo_copy, folder, choices).counts.changes == 0
    return plan


def by_key(demo_copy: str, table: str, key: str) -> dict[Any, sites.Row]:
    return {row[key]: row for row in sites.rows(demo_copy, table)}


@pytest.mark.parametrize("name", FILES)
def test_a_sample_is_analysed(name: str, demo_copy: str, tmp_path: Path) -> None:
    analysis = analysed(name, demo_copy, tmp_path)
    assert analysis.file.records == len(json.loads(sample(name).read_text("utf-8")))
    assert all(model.table for model in analysis.models)
    assert analysis.profile == "school"


@pytest.mark.parametrize("name", FILES)
def test_a_preview_of_a_sample_counts_every_record_and_changes_nothing(
    name: str, demo_copy: str, tmp_path: Path
) -> None:
    before = sites.dump(demo_copy)
    plan = planned(name, demo_copy, tmp_path, Choices())
    counts = plan.counts
    assert counts.insert + counts.update + counts.same + counts.skipped + counts.blocked == sum(
        model.records for model in analysed(name, demo_copy, tmp_path).models
    )
    assert plan.ready or all(problem.code and problem.message for problem in plan.problems)
    assert sites.dump(demo_copy) == before


def test_fields_that_the_school_no_longer_has_block_until_they_are_accepted(demo_copy: str, tmp_path: Path) -> None:
    assert not planned("500Students_Complete", demo_copy, tmp_path, Choices()).ready
    drift = [model.unknown_fields for model in analysed("500Students_Complete", demo_copy, tmp_path).models]
    assert [field.field for fields in drift for field in fields] == ["is_active"]


def test_other_children_under_the_same_numbers_are_left_alone(demo_copy: str, tmp_path: Path) -> None:
    before = by_key(demo_copy, "students_student", "admission_number")
    plan = restore(
        "500Students_Complete", demo_copy, tmp_path, Choices(accept_drift=True, on_missing="null", origin="other")
    )
    assert plan.counts.insert == 500
    after = by_key(demo_copy, "students_student", "admission_number")
    assert {key: after[key] for key in before} == before
    assert len(after) == len(before) + 500


def test_teachers_are_added(demo_copy: str, tmp_path: Path) -> None:
    assert restore("30Teachers", demo_copy, tmp_path, Choices()).counts.insert == 30


def test_transport_goes_before_fees(demo_copy: str, tmp_path: Path) -> None:
    choices = Choices(accept_drift=True)
    early = planned("Fees_Fines", demo_copy, tmp_path, choices)
    assert not early.ready
    assert {problem.field for problem in early.problems} <= {"related_stoppage", "related_stoppage_id"}
    assert restore("Transport_Routes", demo_copy, tmp_path, choices).counts.insert == 20
    (tmp_path / "Fees_Fines").unlink(missing_ok=True)
    restore("Fees_Fines", demo_copy, tmp_path, choices)


def test_two_assignments_of_one_subject_are_named_and_may_be_left_out(demo_copy: str, tmp_path: Path) -> None:
    restore("30Teachers", demo_copy, tmp_path, Choices())
    choices = Choices(origin="same")
    blocked = planned("Subject_Assignments", demo_copy, tmp_path, choices)
    assert {(problem.pk, problem.place.record) for problem in blocked.problems} == {("114", 24), ("130", 40)}
    (tmp_path / "Subject_Assignments").unlink()
    plan = restore("Subject_Assignments", demo_copy, tmp_path, Choices(origin="same", on_invalid="skip"))
    assert plan.counts.skipped == 2
    subjects = by_key(demo_copy, "subjects_subject", "name")
    assert subjects["Physics"]["id"] < 100  # the school had it already, under another number
    assert len(subjects) == 12 + 9


def test_references_to_what_is_nowhere_are_named_by_the_number_in_the_file(demo_copy: str, tmp_path: Path) -> None:
    plan = planned("500Students_Complete", demo_copy, tmp_path, Choices(accept_drift=True, origin="other"))
    assert (plan.problems[0].code, plan.problems[0].pk) == ("missing_reference", "1001")
    assert plan.problem_count == 500

"""The accident of the demo school is undone, and the work since the backup stays."""

from __future__ import annotations

from pathlib import Path

from tests import sites
from webapp.demo.site import DemoSite
from webapp.engine import commands
from webapp.engine.answers import Choices, Outcome, Plan


def planned(demo: DemoSite, demo_copy: str, stages: Path, output: Path, choices: Choices) -> Plan:
    return commands.make_plan(demo.backup, demo_copy, stages=stages, output=output, choices=choices)


def restore(demo: DemoSite, demo_copy: str, stages: Path, folder: Path, choices: Choices, job: str = "j1") -> Outcome:
    plan = planned(demo, demo_copy, stages, folder / f"{job}.plan", choices)
    assert plan.problems == ()
    return commands.apply_plan(
        folder / f"{job}.plan", plan.digest, demo_copy, job=job, receipt=folder / f"{job}.receipt"
    )


def test_the_newest_wins_repairs_the_accident_and_keeps_the_morning(
    demo: DemoSite, demo_copy: str, stages: Path, tmp_path: Path
) -> None:
    before = {row["id"]: row for row in sites.rows(demo_copy, "students_student")}
    outcome = restore(demo, demo_copy, stages, tmp_path, Choices(on_conflict="newest"))
    assert outcome.status == "done"
    assert outcome.counts.insert == sum(demo.lost.values())
    assert outcome.counts.update == sum(demo.spoilt.values()) + 1  # and the laboratory fee has its class again
    assert outcome.counts.delete == 0
    after = {row["id"]: row for row in sites.rows(demo_copy, "students_student")}
    assert len(after) == 2000 + demo.added["students_student"]
    assert not [row for row in after.values() if row["first_name"] == "?????" or row["mobile_number"] == "5550000000"]
    corrected = [key for key, row in before.items() if row["updated_at"] > demo.backup_made]
    assert len(corrected) == 5 + demo.added["students_student"]
    assert [after[key] for key in corrected] == [before[key] for key in corrected]


def test_restored_rows_have_the_keys_that_they_had(
    demo: DemoSite, demo_copy: str, stages: Path, tmp_path: Path
) -> None:
    restore(demo, demo_copy, stages, tmp_path, Choices(on_conflict="newest"))
    section = next(row for row in sites.rows(demo_copy, "subjects_classsection") if row["id"] == 17)
    assert (section["class_name"], section["section_name"]) == ("Class 7", "B")
    pupils = {row["id"] for row in sites.rows(demo_copy, "students_student") if row["class_section_id"] == 17}
    assert len(pupils) == 80
    entries = [row for row in sites.rows(demo_copy, "attendance_attendance") if row["student_id"] in pupils]
    assert len(entries) == demo.lost["attendance_attendance"]


def test_a_second_restore_changes_nothing(demo: DemoSite, demo_copy: str, stages: Path, tmp_path: Path) -> None:
    restore(demo, demo_copy, stages, tmp_path, Choices(on_conflict="newest"))
    again = planned(demo, demo_copy, stages, tmp_path / "again.plan", Choices(on_conflict="newest"))
    assert again.counts.changes == 0


def test_a_preview_leaves_the_site_as_it_is(demo: DemoSite, demo_copy: str, stages: Path, tmp_path: Path) -> None:
    before = sites.dump(demo_copy)
    planned(demo, demo_copy, stages, tmp_path / "preview.plan", Choices())
    assert sites.dump(demo_copy) == before


def test_one_category_brings_its_parents_along(demo: DemoSite, demo_copy: str, stages: Path, tmp_path: Path) -> None:
    choices = Choices(categories=("students",), on_conflict="newest")
    outcome = restore(demo, demo_copy, stages, tmp_path, choices)
    assert outcome.status == "done"
    assert len(sites.rows(demo_copy, "students_student")) == 2003
    assert [row for row in sites.rows(demo_copy, "subjects_classsection") if row["id"] == 17]
    assert (
        len(sites.rows(demo_copy, "transport_transportassignment")) == 600 - demo.lost["transport_transportassignment"]
    )


def test_the_backup_wins_takes_back_the_corrections_too(
    demo: DemoSite, demo_copy: str, stages: Path, tmp_path: Path
) -> None:
    newest = planned(demo, demo_copy, stages, tmp_path / "newest.plan", Choices(on_conflict="newest"))
    backup = planned(demo, demo_copy, stages, tmp_path / "backup.plan", Choices(on_conflict="backup"))
    assert backup.counts.update == newest.counts.update + 5


def test_replace_also_removes_what_is_newer(demo: DemoSite, demo_copy: str, stages: Path, tmp_path: Path) -> None:
    plan = planned(demo, demo_copy, stages, tmp_path / "replace.plan", Choices(remove=True))
    assert plan.removal == sum(demo.added.values())
    assert plan.removal_needs_word

"""Who decides about rows that differ: a person, row by row or table by table, before anything is restored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import attendance_sites as ams
from tests import small_sites
from tests.restoring import Restoring, counted
from webapp.engine.errors import DecisionRefused, PlanBlocked


@pytest.fixture
def site(site_database: str, tmp_path: Path) -> Restoring:
    """The small attendance system on each kind of database."""
    return Restoring(ams.small(site_database), tmp_path, profile="attendance")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A sync file in which the records 3 and 5 differ, and 7 is new."""
    told = ams.of_small()
    told[0] |= {"status": "WO"}
    told[2] |= {"status": "P", "in_time": "09:00"}
    return ams.file(tmp_path / "sync.json", records=[*told, ams.record("PP9", 20, "300045")])


MANUAL: dict[str, Any] = {"on_conflict": "manual"}
LABEL = "core.attendancerecord"


def test_every_differing_row_waits_for_a_word(site: Restoring, file: Path) -> None:
    path, plan = site.planned(file, **MANUAL)
    assert counted(plan) == {"insert": 1, "same": 4, "blocked": 2}
    assert (plan.ready, plan.conflict_count) == (False, 2)
    first, second = plan.conflicts
    assert (first.decision, first.place.record, first.label) == (f"{LABEL}:#3", 3, "PP1 Person PP1, 2025-11-20: P")
    assert [(each.column, each.before, each.after) for each in first.fields] == [("status", "P", "WO")]
    assert [(each.column, each.before, each.after) for each in second.fields] == [
        ("status", "A", "P"),
        ("in_time", None, "09:00:00"),
    ]
    with pytest.raises(PlanBlocked):
        site.apply(path, plan)


def test_rows_are_decided_one_by_one_or_all_that_are_left(site: Restoring, file: Path) -> None:
    before = site.rows("core_attendancerecord")
    one = {f"{LABEL}:#3": "backup"}
    assert site.plan(file, **MANUAL, decisions=one).conflict_count == 1
    outcome = site.restore(file, **MANUAL, decisions={**one, f"{LABEL}:*": "database"})
    assert counted(outcome) == {"insert": 1, "update": 1, "same": 4, "skipped": 1}
    after = site.rows("core_attendancerecord")
    assert after[:4] == [before[0] | {"status": "WO"}, *before[1:]]


def test_a_whole_table_gets_the_backups_version(site: Restoring, file: Path) -> None:
    outcome = site.restore(file, **MANUAL, decisions={f"{LABEL}:*": "backup"})
    assert counted(outcome) == {"insert": 1, "update": 2, "same": 4}
    assert counted(site.plan(file, **MANUAL)) == {"same": 7}


@pytest.mark.parametrize("winner", ["backup", "newest"])
def test_a_word_about_a_row_goes_before_any_policy(site: Restoring, file: Path, winner: str) -> None:
    outcome = site.restore(file, on_conflict=winner, decisions={f"{LABEL}:#5": "database"})
    assert (outcome.counts.update, outcome.counts.skipped) == (1, 1)
    assert site.rows("core_attendancerecord")[2]["status"] == "A"


def test_a_word_about_no_record_is_refused(site: Restoring, file: Path) -> None:
    for decision in (f"{LABEL}:77", "nothing.like:*"):
        with pytest.raises(DecisionRefused):
            site.plan(file, **MANUAL, decisions={decision: "backup"})


@pytest.mark.parametrize("number", ["\u00b2", "9" * 30, "9" * 5000, "-1", ""])
def test_a_number_of_a_record_that_is_none_means_no_record(site: Restoring, file: Path, number: str) -> None:
    decisions = {f"{LABEL}:#{number}": "backup", f"{LABEL}:#3": "database"}
    assert site.plan(file, **MANUAL, decisions=decisions).conflict_count == 1


def test_a_word_about_something_without_end_is_refused(site: Restoring, file: Path) -> None:
    with pytest.raises(DecisionRefused):
        site.plan(file, **MANUAL, decisions={f"{LABEL}:{'[' * 200_000}": "backup"})


def test_a_word_about_a_row_that_no_longer_differs_does_nothing(site: Restoring, file: Path) -> None:
    decisions = {f"{LABEL}:#4": "backup", f"{LABEL}:#3": "database", f"{LABEL}:#5": "database"}
    assert counted(site.plan(file, **MANUAL, decisions=decisions)) == {"insert": 1, "same": 4, "skipped": 2}


def test_what_the_database_wins_stays_byte_for_byte(sqlite: str, tmp_path: Path, file: Path) -> None:
    site = Restoring(ams.small(sqlite), tmp_path, profile="attendance")
    # Forms that this program would not write itself.
    odd = "UPDATE core_attendancerecord SET in_time = '08:35', updated_at = '2025-11-22T09:00:00Z', mandays = '1.0' WHERE id = 1"
    ams.sites.execute(sqlite, odd)
    stored = "SELECT id, quote(in_time), quote(updated_at), quote(mandays), quote(status) FROM core_attendancerecord"
    before = list(ams.sites.connect(sqlite).connect().exec_driver_sql(stored))
    decisions = {f"{LABEL}:*": "database"}
    for choices in ({"on_conflict": "database"}, {"on_conflict": "manual", "decisions": decisions}):
        site.restore(file, **choices)
        after = list(ams.sites.connect(sqlite).connect().exec_driver_sql(stored))
        assert after[:4] == before[:4]


def test_lists_of_references_wait_as_well(sqlite: str, tmp_path: Path) -> None:
    site = Restoring(small_sites.library(sqlite), tmp_path)
    fields = {name: value for name, value in small_sites.library_rows()["library_book"][2].items() if name != "id"}
    fields["tags"] = ["new", "old"]
    records = [{"model": "library.book", "pk": 3, "fields": fields}]
    plan = site.plan(records, **MANUAL)
    assert (plan.conflict_count, {each.table for each in plan.conflicts}) == (2, {"library_book_tags"})
    first = plan.conflicts[0].decision
    outcome = site.restore(records, **MANUAL, decisions={"library.book_tags:*": "database", first: "backup"})
    assert (outcome.counts.insert, outcome.counts.skipped) == (1, 1)
    assert len(site.rows("library_book_tags")) == 4

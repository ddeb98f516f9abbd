"""What holds for every site and every backup. The sites are libraries: a self reference, a cycle, keys of every kind."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests import sites
from tests.restoring import Restoring, counted, wipe
from tests.small_sites import fixture_of, library_rows, records_of
from tests.strategies import Contents, libraries
from webapp.engine.answers import Choices, Plan

few = settings(
    max_examples=int(os.environ.get("LAW_EXAMPLES", "8")),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
"""The fixture gives an empty library; every example wipes it first."""

merges = st.fixed_dictionaries(
    {
        "add": st.booleans(),
        "change": st.booleans(),
        "on_conflict": st.sampled_from(("backup", "database", "newest")),
        "on_missing": st.sampled_from(("fail", "null", "skip")),
        "on_invalid": st.sampled_from(("fail", "skip")),
        "origin": st.sampled_from(("auto", "same", "other")),
    }
)
"""Choices that remove nothing."""


@pytest.fixture
def library(site_database: str, tmp_path: Path) -> Restoring:
    """An empty library."""
    return Restoring(sites.library_schema(site_database), tmp_path)


def holding(library: Restoring, contents: Contents) -> Restoring:
    sites.write(wipe(library.url), contents)
    return library


def bytes_of(url: str) -> bytes:
    """What must not change when nothing is changed: on SQLite the file itself."""
    return Path(url.removeprefix("sqlite:///")).read_bytes() if url.startswith("sqlite") else sites.dump(url).encode()


@given(contents=libraries())
@example(contents=library_rows())
@few
def test_a_site_against_its_own_backup_is_an_empty_plan(library: Restoring, contents: Contents) -> None:
    holding(library, contents)
    before = bytes_of(library.url)
    plan = library.plan(library.own_backup(), remove=True)
    assert counted(plan).keys() <= {"same"}
    assert plan.problem_count == 0
    assert bytes_of(library.url) == before


@given(contents=libraries())
@example(contents=library_rows())
@few
def test_a_backup_restored_into_an_empty_site_gives_equal_rows(library: Restoring, contents: Contents) -> None:
    holding(library, contents)
    own, before = library.own_backup(), sites.contents(library.url)
    wipe(library.url)
    outcome = library.restore(own)
    assert sites.contents(library.url) == before
    assert counted(outcome).keys() <= {"insert"}
    assert counted(library.plan(own)).keys() <= {"same"}


@given(theirs=libraries(crowded=True), ours=libraries(crowded=True), choices=merges)
@few
def test_what_is_applied_is_not_planned_again(
    library: Restoring, theirs: Contents, ours: Contents, choices: dict[str, Any]
) -> None:
    holding(library, ours)
    file = library.file(records_of(theirs))
    before = bytes_of(library.url)
    path, plan = library.planned(file, **choices)
    assert bytes_of(library.url) == before
    assert records_accounted(plan) == sum(map(len, theirs.values()))
    assert_one_record_a_row(library, path, plan)
    if plan.problem_count:
        return
    outcome = library.apply(path, plan)
    assert outcome.counts == plan.counts
    again = library.plan(file, **choices)
    assert again.counts.changes == 0, (again.tables, again.problems)


@given(theirs=libraries(crowded=True), ours=libraries(crowded=True))
@few
def test_replaced_by_a_backup_a_site_holds_what_the_backup_holds(
    library: Restoring, theirs: Contents, ours: Contents
) -> None:
    holding(library, ours)
    file = library.file(records_of(theirs))
    path, plan = library.planned(file, remove=True, on_referenced="remove", origin="same")
    if plan.problem_count:
        return
    library.apply(path, plan, confirm_removal=plan.removal)
    held = [table for table, rows in theirs.items() if rows]
    assert {table: len(library.rows(table)) for table in held} == {table: len(theirs[table]) for table in held}
    assert library.plan(file, remove=True, on_referenced="remove", origin="same").counts.changes == 0


@given(theirs=libraries(crowded=True), ours=libraries(crowded=True), chance=st.randoms(use_true_random=False))
@few
def test_the_order_of_records_does_not_matter(
    library: Restoring, theirs: Contents, ours: Contents, chance: random.Random
) -> None:
    holding(library, ours)
    records = list(records_of(theirs))
    plan = library.plan(records)
    chance.shuffle(records)
    shuffled = library.plan(records)
    assert shuffled.counts == plan.counts
    assert {each.table: each.counts for each in shuffled.tables} == {each.table: each.counts for each in plan.tables}


@given(ours=libraries(crowded=True), theirs=libraries(crowded=True))
@few
def test_counts_of_tables_and_of_rows_agree(library: Restoring, ours: Contents, theirs: Contents) -> None:
    holding(library, ours)
    path, plan = library.planned(fixture_of(library.folder / "theirs.json", theirs), remove=True)
    for each in plan.tables:
        for action in ("insert", "update", "delete", "skipped", "blocked"):
            assert len(library.changes(path, each.table, action)) == getattr(each.counts, action)


def records_accounted(plan: Plan) -> int:
    """Records of the file, as the counts tell it."""
    counts = plan.counts
    return counts.insert + counts.update + counts.same + counts.skipped + counts.blocked


def assert_one_record_a_row(library: Restoring, path: Path, plan: Plan) -> None:
    for each in plan.tables:
        written = [row.pk for action in ("insert", "update") for row in library.changes(path, each.table, action)]
        assert len(written) == len(set(written))


def test_two_equal_choices_give_two_equal_plans(library: Restoring) -> None:
    holding(library, library_rows())
    file = library.file(records_of({"library_tag": [{"code": "new", "title": "Newer"}]}))
    assert library.plan(file) == library.plan(file, on_conflict=Choices().on_conflict)

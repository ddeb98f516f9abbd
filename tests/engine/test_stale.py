"""Between a preview and its apply the world may move: then nothing is written, and what moved is named."""

from __future__ import annotations

import multiprocessing
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests import sites
from tests.restoring import Restoring, counted
from tests.small_sites import library, library_rows, records_of
from webapp.engine import commands, errors


@pytest.fixture
def site(site_database: str, tmp_path: Path) -> Restoring:
    """A library with a few books."""
    return Restoring(library(site_database), tmp_path)


def changed_backup(site: Restoring) -> Path:
    """A backup in which a book is dearer, a tag is new and a loan is gone."""
    contents = library_rows()
    contents["library_book"][0]["price"] = 99
    contents["library_tag"].append({"code": "rare", "title": "Rare"})
    contents["library_loan"].pop()
    return site.file(records_of(contents))


MOVED = {
    "a row to be changed was changed": """UPDATE "library_book" SET "title" = 'Moved' WHERE "id" = 1""",
    "only the case of a letter was changed": """UPDATE "library_book" SET "title" = 'rivers' WHERE "id" = 1""",
    "nothing became empty": """UPDATE "library_book" SET "updated_at" = NULL WHERE "id" = 1""",
    "a row to be removed was changed": """UPDATE "library_loan" SET "note" = 'Moved' WHERE "id" = 3""",
    "a row to be removed is gone": """DELETE FROM "library_loan" WHERE "id" = 3""",
    "the key of a new row was taken": """INSERT INTO "library_tag" VALUES ('rare', 'Taken')""",
}


@pytest.mark.parametrize("statement", MOVED.values(), ids=MOVED.keys())
def test_a_row_that_moved_makes_the_plan_stale(site: Restoring, statement: str) -> None:
    path, plan = site.planned(changed_backup(site), remove=True)
    assert {key: count for key, count in counted(plan).items() if key != "same"} == {
        "insert": 1,
        "update": 1,
        "delete": 1,
    }
    sites.execute(site.url, statement)
    before = sites.dump(site.url)
    with pytest.raises(errors.Stale) as caught:
        site.apply(path, plan, confirm_removal=1)
    assert str(caught.value.facts["model"]) in statement
    assert sites.dump(site.url) == before
    assert site.apply(*site.planned(changed_backup(site), remove=True), confirm_removal=1).status == "done"


def test_a_new_row_that_refers_to_a_row_to_be_removed_stops_the_removal(site: Restoring) -> None:
    contents = library_rows()
    contents["library_author"].pop()
    path, plan = site.planned(records_of(contents), remove=True)
    assert counted(plan)["delete"] == 1
    sites.execute(site.url, 'UPDATE "library_book" SET "author_id" = 3 WHERE "id" = 3')
    before = sites.dump(site.url)
    with pytest.raises(errors.Refusal):
        site.apply(path, plan, confirm_removal=plan.removal)
    assert sites.dump(site.url) == before


def test_a_parent_that_is_gone_stops_its_new_child(site: Restoring) -> None:
    contents = library_rows()
    loan = contents["library_loan"][0] | {"id": 77, "reader": "New", "copy_id": contents["library_copy"][1]["id"]}
    path, plan = site.planned(records_of({"library_loan": [loan]}))
    assert counted(plan) == {"insert": 1}
    sites.execute(site.url, """DELETE FROM "library_copy" WHERE "number" = 2""")
    before = sites.dump(site.url)
    with pytest.raises(errors.Refusal):
        site.apply(path, plan)
    assert sites.dump(site.url) == before


def test_a_changed_structure_makes_the_plan_stale(site: Restoring) -> None:
    path, plan = site.planned(changed_backup(site))
    sites.execute(site.url, 'ALTER TABLE "library_tag" ADD COLUMN "colour" varchar(20) NULL')
    with pytest.raises(errors.Stale):
        site.apply(path, plan)


def test_a_plan_that_was_tampered_with_is_refused(site: Restoring) -> None:
    path, plan = site.planned(changed_backup(site))
    before = sites.dump(site.url)
    connection = sqlite3.connect(path)
    with connection:
        connection.execute('UPDATE "after library_book" SET price = 1')
    connection.close()
    with pytest.raises(errors.PlanChanged):
        site.apply(path, plan)
    path.write_bytes(b"")
    with pytest.raises(errors.PlanChanged):
        site.apply(path, plan)
    path.unlink()
    with pytest.raises(errors.PlanChanged):
        site.apply(path, plan)
    assert sites.dump(site.url) == before


def test_a_plan_for_another_site_is_refused(site: Restoring, tmp_path: Path) -> None:
    path, plan = site.planned(changed_backup(site))
    (tmp_path / "other.sqlite").touch()
    other = Restoring(sites.library_schema(f"sqlite:///{tmp_path / 'other.sqlite'}"), tmp_path / "other")
    with pytest.raises(errors.Stale):
        other.apply(path, plan)
    assert not any(sites.contents(other.url).values())


def test_a_job_is_applied_once(site: Restoring) -> None:
    path, plan = site.planned(changed_backup(site))
    assert commands.settle(site.url, "the-job") == "absent"
    site.apply(path, plan, job="the-job")
    assert commands.settle(site.url, "the-job") == "applied"
    after = sites.dump(site.url)
    with pytest.raises(errors.AlreadyApplied):
        site.apply(path, plan, job="the-job")
    with pytest.raises(errors.Stale):
        site.apply(path, plan, job="another-job")
    assert sites.dump(site.url) == after


def test_a_blocked_plan_is_not_applied(site: Restoring) -> None:
    contents = library_rows()
    contents["library_book"][0]["title"] = "x" * 81
    path, plan = site.planned(records_of(contents))
    assert plan.problem_count == 1
    with pytest.raises(errors.PlanBlocked):
        site.apply(path, plan)


def test_a_cancelled_apply_changes_nothing(site: Restoring) -> None:
    before = sites.dump(site.url)
    phases: set[str] = set()
    for phase in ("lock", "check", "write", "verify", "commit"):
        path, plan = site.planned(changed_backup(site))

        def cancel(found: str, _done: int, _total: int, phase: str = phase) -> None:
            phases.add(found)
            if found == phase:
                raise errors.Cancelled

        with pytest.raises(errors.Cancelled):
            commands.apply_plan(
                path, plan.digest, site.url, job=phase, receipt=site.folder / f"{phase}.receipt", report=cancel
            )
        assert sites.dump(site.url) == before
        assert commands.settle(site.url, phase) == "absent"


def _apply(url: str, folder: Path, path: Path, digest: str, job: str, answers: multiprocessing.Queue[str]) -> None:
    try:
        commands.apply_plan(path, digest, url, job=job, receipt=folder / f"{job}.receipt")
        answers.put("done")
    except errors.Refusal as refusal:
        answers.put(refusal.code)


@pytest.mark.parametrize("jobs", [("one", "two"), ("one", "one")], ids=["two jobs", "one job twice"])
def test_of_two_who_apply_at_once_one_does(site: Restoring, jobs: tuple[str, str]) -> None:
    tags = [{"code": f"t{number}", "title": "Tag"} for number in range(3000)]
    path, plan = site.planned(records_of({"library_tag": tags}))
    context = multiprocessing.get_context("spawn")
    answers: multiprocessing.Queue[str] = context.Queue()
    processes = [
        context.Process(target=_apply, args=(site.url, site.folder, path, plan.digest, job, answers)) for job in jobs
    ]
    for process in processes:
        process.start()
    found = sorted(answers.get(timeout=60) for _ in processes)
    for process in processes:
        process.join(30)
    assert found[0] in {"already_applied", "done", "site_busy", "stale"}
    assert sorted(found).count("done") == 1
    assert len(site.rows("library_tag")) == 3002


def test_a_file_that_another_program_holds_is_busy_and_not_out_of_reach(tmp_path: Path) -> None:
    url = library(f"sqlite:///{tmp_path / 'held.sqlite3'}")
    with closing(sqlite3.connect(tmp_path / "held.sqlite3", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(errors.SiteBusy):
            commands.check_site(url)
        with pytest.raises(errors.OutcomeUnknown):
            commands.settle(url, "nobody")

"""Before a restore changes anything, what it would change is saved; without that nothing is changed, and it leads back."""

from __future__ import annotations

import resource
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests import sites
from tests.restoring import Restoring
from tests.web.flow.conftest import Installation
from tests.web.flow.test_flow import approve, damaged, previewed
from tests.web.flow.test_tasks import limited, many_routes
from webapp import jobs, moves, safety
from webapp.engine import backups, commands
from webapp.models import Backup, RestoreJob, db, now
from webapp.restores import as_text, outcome_of, problem_of
from webapp.storage import storage

__all__ = ["damaged"]

both = pytest.mark.parametrize("site_url", ["sqlite", "postgresql"], indirect=True)


def planned(installation: Installation, backup: Path) -> str:
    """The id of an approved restore that waits for a worker, made without one."""
    job_id = installation.job("queued", backup_id=installation.backup(backup.read_bytes()))
    job = installation.read(job_id)
    key = storage().plan(job_id)
    plan = commands.make_plan(
        backup, installation.site_url, stages=storage().stages, output=storage().path(key), profile="school"
    )
    job.plan_path, job.plan_digest, job.plan_json = key, plan.digest, as_text(plan)
    db.session.commit()
    return job_id


def saved(installation: Installation, job_id: str) -> Backup:
    """The backup from just before a restore."""
    found = installation.read(job_id).safety
    assert found is not None
    return found


@both
def test_what_a_restore_changed_can_be_taken_back_with_it(
    installation: Installation, damaged: Path, tmp_path: Path
) -> None:
    before = sites.contents(installation.site_url)
    job_id = planned(installation, damaged)
    jobs.work(job_id)
    assert installation.read(job_id).status == "done"
    assert sites.contents(installation.site_url) != before
    backup = saved(installation, job_id)
    assert (backup.origin, backup.format, backup.site_id) == ("safety", "native", installation.site_id)
    site = Restoring(installation.site_url, tmp_path, "school")
    site.restore(storage().path(backup.path), remove=True, accounts="restore")
    after = sites.contents(installation.site_url)
    assert {name: rows for name, rows in after.items() if name not in sites.OWN_TABLES} == {
        name: rows for name, rows in before.items() if name not in sites.OWN_TABLES
    }


@both
def test_a_table_that_was_empty_before_is_empty_again(installation: Installation, tmp_path: Path) -> None:
    backup = tmp_path / "school.json"
    commands.backup(installation.site_url, backup, profile="school")
    sites.execute(installation.site_url, "DELETE FROM attendance_attendance")
    before = sites.contents(installation.site_url)
    job_id = planned(installation, backup)
    jobs.work(job_id)
    assert sites.rows(installation.site_url, "attendance_attendance") != []
    site = Restoring(installation.site_url, tmp_path, "school")
    site.restore(storage().path(saved(installation, job_id).path), remove=True)
    after = sites.contents(installation.site_url)
    assert after["attendance_attendance"] == before["attendance_attendance"] == []


def test_it_is_whole_and_sound(installation: Installation, damaged: Path) -> None:
    job_id = planned(installation, damaged)
    jobs.work(job_id)
    backup = saved(installation, job_id)
    path = storage().path(backup.path)
    backups.check(path)
    manifest = backups.manifest(path)
    assert manifest is not None
    assert path.stat().st_size == backup.size
    assert {each.table for each in manifest.tables} >= {"students_student", "attendance_attendance"}


def test_of_a_large_site_only_what_changes_and_what_it_refers_to(installation: Installation, tmp_path: Path) -> None:
    backup = tmp_path / "school.json"
    commands.backup(installation.site_url, backup, profile="school")
    sites.execute(installation.site_url, "DELETE FROM attendance_attendance")
    many_routes(installation, 50_001)
    job_id = planned(installation, backup)
    jobs.work(job_id)
    manifest = backups.manifest(storage().path(saved(installation, job_id).path))
    assert manifest is not None
    assert {each.table for each in manifest.tables} == {
        "attendance_attendance",
        "students_student",
        "subjects_classsection",
    }
    assert saved(installation, job_id).kind == "partial"


def test_it_is_kept_for_its_days_and_the_one_before_a_reset_for_good(installation: Installation, damaged: Path) -> None:
    job_id = planned(installation, damaged)
    jobs.work(job_id)
    backup = saved(installation, job_id)
    backup.created_at = now() - timedelta(days=29)
    safety.sweep()
    assert backup.path
    backup.created_at = now() - timedelta(days=31)
    backup.pinned = True
    db.session.commit()
    safety.sweep()
    assert backup.path
    backup.pinned = False
    again = installation.job("done", backup_id=backup.id)
    safety.sweep()
    assert backup.path
    db.session.delete(installation.read(again))
    db.session.commit()
    safety.sweep()
    assert (backup.path, "30 days" in backup.removed_why) == ("", True)


def test_without_room_for_it_nothing_is_changed(installation: Installation, damaged: Path) -> None:
    many_routes(installation, 40_000)
    job_id = planned(installation, damaged)
    before, files = sites.dump(installation.site_url), installation.files()
    with limited(resource.RLIMIT_FSIZE, 100_000), pytest.raises(safety.SafetyFailed):
        safety.save(installation.read(job_id), lambda *_: None)
    assert installation.files() == files
    assert sites.dump(installation.site_url) == before


def test_a_failed_one_ends_the_restore_and_says_so(installation: Installation, damaged: Path) -> None:
    job_id = planned(installation, damaged)
    before = sites.dump(installation.site_url)
    folder = storage().root / "backups"
    kept = folder.rename(folder.with_name("away"))
    try:
        jobs.work(job_id)
    finally:
        kept.rename(folder)
    job = installation.read(job_id)
    problem = problem_of(job)
    assert (job.status, problem.code if problem else "") == ("failed", "safety_failed")
    assert job.safety_id is None
    assert sites.dump(installation.site_url) == before


def test_a_restore_that_changes_nothing_saves_nothing(installation: Installation, tmp_path: Path) -> None:
    backup = tmp_path / "school.json"
    commands.backup(installation.site_url, backup, profile="school")
    job_id = planned(installation, backup)
    jobs.work(job_id)
    job = installation.read(job_id)
    outcome = outcome_of(job)
    assert (outcome.status if outcome else "", job.safety_id) == ("nothing", None)


def test_a_fresh_proven_backup_may_stand_in_when_that_was_chosen(installation: Installation, damaged: Path) -> None:
    proven = Backup(
        site_id=installation.site_id, name="proven", size=2, sha256="p", path="backups/proven", origin="made",
        format="native", instant=now() - timedelta(minutes=4), proven_at=now(),
    )  # fmt: skip
    db.session.add(proven)
    db.session.commit()
    job = installation.read(planned(installation, damaged))
    assert safety.stand_in(job) is None
    settings = replace(installation.settings, safety_fresh_minutes=5)
    installation.app.config["SETTINGS"] = settings
    assert safety.stand_in(job) is proven
    for name, value in (("instant", now() - timedelta(minutes=6)), ("proven_at", None), ("verified_problem", "x")):
        kept = getattr(proven, name)
        setattr(proven, name, value)
        db.session.commit()
        assert safety.stand_in(job) is None, name
        setattr(proven, name, kept)
        db.session.commit()


@both
def test_the_report_leads_to_it(installation: Installation, worker: subprocess.Popen[bytes], damaged: Path) -> None:
    client = installation.client("admin")
    job_id = previewed(installation, client, damaged)
    assert "a backup of what will change is made" in client.get(f"/restores/{job_id}/confirm/").text
    approve(client, installation, job_id)
    job = installation.wait(job_id)
    assert job.status == "done"
    page = client.get(f"/restores/{job_id}/").text
    assert f"/history/{job.safety_id}/" in page
    assert client.get(f"/history/{job.safety_id}/").status_code == 200


def test_a_worker_that_is_killed_while_it_saves_changed_nothing(installation: Installation, damaged: Path) -> None:
    job_id = planned(installation, damaged)
    before = sites.dump(installation.site_url)
    assert moves.claim(job_id, "queued", "killed")
    left = storage().root / "uploads" / f"safety-{job_id}-00"
    left.write_bytes(b"half")
    installation.expire(job_id)
    job = installation.wait(job_id)
    problem = problem_of(job)
    assert (job.status, problem.code if problem else "") == ("failed", "worker_lost")
    assert not left.exists()
    assert sites.dump(installation.site_url) == before
    assert db.session.query(Backup).filter_by(origin="safety").count() == 0
    assert db.session.query(RestoreJob).filter(RestoreJob.safety_id.is_not(None)).count() == 0

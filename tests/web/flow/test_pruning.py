"""Old working files go, what is in use stays."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.web.flow.conftest import Installation
from webapp import pruning
from webapp.models import AuditEvent, RestoreJob, db, now
from webapp.restores import problem_of
from webapp.storage import storage

DAY = 86_400


def put(folder: str, name: str, *, days: float, size: int = 10) -> Path:
    """A working file that was used so many days ago."""
    path = storage().root / folder / name
    path.write_bytes(b"x" * size)
    at = time.time() - days * DAY
    os.utime(path, (at, at))
    return path


def job(installation: Installation, status: str, days: float, **values: object) -> str:
    """A restore that was last touched so many days ago, with its plan."""
    job_id = installation.job(status, **values)
    at = now() - timedelta(days=days)
    paths = {"plan_path": storage().plan(job_id)}
    if status == "done":
        paths["receipt_path"] = storage().receipt(job_id)
        put("receipts", f"{job_id}.sqlite", days=days)
    put("plans", f"{job_id}.sqlite", days=days)
    db.session.execute(
        db.update(RestoreJob).where(RestoreJob.id == job_id).values(updated_at=at, finished_at=at, **paths)
    )
    db.session.commit()
    return job_id


def plan_of(job_id: str) -> Path:
    return storage().root / "plans" / f"{job_id}.sqlite"


def receipt_of(job_id: str) -> Path:
    return storage().root / "receipts" / f"{job_id}.sqlite"


def test_stages_go_by_age(installation: Installation) -> None:
    old, new = put("stages", "aa-1.sqlite", days=15), put("stages", "bb-1.sqlite", days=13)
    assert pruning.prune().stages == 1
    assert (old.exists(), new.exists()) == (False, True)


@pytest.mark.parametrize("status", ["analysing", "planning", "queued", "running", "unknown"])
def test_what_moves_keeps_its_files(installation: Installation, status: str) -> None:
    job_id = job(installation, status, 400)
    backup = installation.read(job_id).backup
    stage = put("stages", f"{backup.sha256}-1.sqlite", days=400)
    pruning.prune()
    assert plan_of(job_id).exists()
    assert stage.exists()
    assert installation.read(job_id).status == status


def test_a_restore_that_waits_for_its_time_keeps_its_plan(installation: Installation) -> None:
    waiting = job(installation, "planned", 40, scheduled_for=now() + timedelta(days=1))
    pruning.prune()
    assert plan_of(waiting).exists()
    assert installation.read(waiting).status == "planned"


def test_an_old_preview_is_put_away_and_can_be_made_again(installation: Installation) -> None:
    old, new = job(installation, "planned", 31), job(installation, "planned", 29)
    pruning.prune()
    assert (plan_of(old).exists(), plan_of(new).exists()) == (False, True)
    away = installation.read(old)
    assert (away.status, away.plan_path) == ("cancelled", None)
    problem = problem_of(away)
    assert problem is not None
    assert problem.code == "preview_expired"
    client = installation.client("root")
    assert "old and was put away" in client.get(f"/restores/{old}/").text
    assert client.post(f"/restores/{old}/again/").status_code == 303
    assert installation.read(new).status == "planned"


def test_receipts_stay_longer_than_plans(installation: Installation) -> None:
    recent, ancient = job(installation, "done", 100), job(installation, "done", 731)
    pruning.prune()
    for job_id, kept in ((recent, True), (ancient, False)):
        assert not plan_of(job_id).exists(), "the receipt has all of it"
        assert receipt_of(job_id).exists() is kept
        assert (installation.read(job_id).receipt_path is not None) is kept
        assert installation.client("root").get(f"/restores/{job_id}/").status_code == 200


def test_the_oldest_go_first_when_they_are_too_large_together(installation: Installation) -> None:
    settings = installation.app.config["SETTINGS"]
    installation.app.config["SETTINGS"] = replace(settings, work_limit=250)
    stages = [put("stages", f"{days}-1.sqlite", days=days, size=100) for days in (1, 2, 3, 4)]
    fresh = put("stages", "fresh-1.sqlite", days=0, size=100)
    pruning.prune()
    assert [path.exists() for path in stages] == [True, False, False, False]
    assert fresh.exists()


def test_what_was_used_within_the_hour_stays_however_large(installation: Installation) -> None:
    settings = installation.app.config["SETTINGS"]
    installation.app.config["SETTINGS"] = replace(settings, work_limit=1)
    fresh = put("stages", "fresh-1.sqlite", days=0, size=100)
    assert not pruning.prune()
    assert fresh.exists()


def test_zero_keeps_for_good(installation: Installation) -> None:
    settings = installation.app.config["SETTINGS"]
    installation.app.config["SETTINGS"] = replace(
        settings, keep_stage_days=0, keep_plan_days=0, keep_receipt_days=0, work_limit=0
    )
    files = [put(folder, "x-1.sqlite", days=4000) for folder in ("stages", "plans", "receipts")]
    assert not pruning.prune()
    assert all(path.exists() for path in files)


def test_backups_are_never_touched_and_the_audit_says_what_went(installation: Installation) -> None:
    backup = put("backups", "0" * 64, days=4000)
    put("stages", "aa-1.sqlite", days=400, size=7)
    assert pruning.prune().size == 7
    assert backup.exists()
    assert not pruning.prune()
    said = db.session.query(AuditEvent).filter_by(action="work.prune").all()
    assert [event.detail_json for event in said] == ['{"plans":0,"receipts":0,"size":7,"stages":1}']

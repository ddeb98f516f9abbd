"""A restore that is set for a time: planned anew then, and done only if nothing has moved."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests import sites
from tests.web.flow.conftest import Installation
from tests.web.flow.test_flow import damaged
from webapp import accounts, jobs, later, settling
from webapp.engine import commands
from webapp.models import AuditEvent, RestoreJob, db, now
from webapp.restores import as_text, problem_of
from webapp.storage import storage

__all__ = ["damaged"]

both = pytest.mark.parametrize("site_url", ["sqlite", "postgresql"], indirect=True)


def planned(installation: Installation, backup: Path) -> str:
    """The id of a restore whose preview is ready."""
    job_id = installation.job("planned", backup_id=installation.backup(backup.read_bytes()))
    job = installation.read(job_id)
    key = storage().plan(job_id)
    plan = commands.make_plan(
        backup, installation.site_url, stages=storage().stages, output=storage().path(key), profile="school"
    )
    job.plan_path, job.plan_digest, job.plan_json = key, plan.digest, as_text(plan)
    db.session.commit()
    return job_id


def approve(client: FlaskClient, installation: Installation, job_id: str, at: str) -> int:
    digest = installation.read(job_id).plan_digest
    return client.post(f"/restores/{job_id}/confirm/", data={"digest": digest, "when": "later", "at": at}).status_code


def form_time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M")


def let_it_come(installation: Installation, job_id: str, minutes: float = 0.1) -> RestoreJob:
    """As it stands when its time was so many minutes ago and the clock has looked."""
    job = installation.read(job_id)
    job.scheduled_for = now() - timedelta(minutes=minutes)
    db.session.commit()
    settling.sweep()
    settling.sweep()
    return installation.read(job_id)


@both
def test_it_is_done_at_its_time_when_nothing_has_moved(installation: Installation, damaged: Path) -> None:
    client = installation.client("admin")
    job_id = planned(installation, damaged)
    before = sites.dump(installation.site_url)
    assert approve(client, installation, job_id, form_time(now() + timedelta(hours=3))) == 303
    page = client.get(f"/restores/{job_id}/").text
    assert "Set for a time" in page
    assert "Take it back" in page
    assert "set for" in client.get("/history/").text
    assert "set for" in client.get("/").text
    settling.sweep()
    assert installation.read(job_id).status == "planned"
    jobs.work(job_id)
    assert sites.dump(installation.site_url) == before

    assert let_it_come(installation, job_id).status == "queued"
    jobs.work(job_id)
    job = installation.read(job_id)
    assert job.status == "done", problem_of(job)
    assert job.safety_id is not None
    due = db.session.query(AuditEvent).filter_by(action="restore.due").one()
    assert (due.username, due.result) == ("admin", "begun")


@pytest.mark.parametrize(
    "move",
    [
        "UPDATE students_student SET first_name = 'Later' WHERE id = 1",
        "UPDATE students_student SET first_name = 'Later' WHERE id = 2",
        "DELETE FROM student_fees_feedeposit",
    ],
    ids=["a row of the plan", "a row that was the same", "rows that are missing now"],
)
def test_it_is_not_done_when_something_has_moved(installation: Installation, damaged: Path, move: str) -> None:
    job_id = planned(installation, damaged)
    assert approve(installation.client("admin"), installation, job_id, form_time(now() + timedelta(hours=3))) == 303
    sites.execute(installation.site_url, move)
    before = sites.dump(installation.site_url)
    let_it_come(installation, job_id)
    jobs.work(job_id)
    job = installation.read(job_id)
    problem = problem_of(job)
    assert problem is not None
    assert (job.status, problem.code) == ("stale", "moved")
    assert ("Students" if "students_student" in move else "Fee deposits") in problem.message
    assert job.safety_id is None
    assert sites.dump(installation.site_url) == before
    assert "Make a new preview" in installation.client("admin").get(f"/restores/{job_id}/").text


def test_what_does_not_concern_the_plan_may_move(installation: Installation, damaged: Path) -> None:
    job_id = planned(installation, damaged)
    assert approve(installation.client("admin"), installation, job_id, form_time(now() + timedelta(hours=3))) == 303
    sites.execute(installation.site_url, "INSERT INTO transport_route (id, name) VALUES (4711, 'New road')")
    let_it_come(installation, job_id)
    jobs.work(job_id)
    assert installation.read(job_id).status == "done"


def test_it_is_taken_back(installation: Installation, damaged: Path) -> None:
    client = installation.client("admin")
    job_id = planned(installation, damaged)
    approve(client, installation, job_id, form_time(now() + timedelta(hours=3)))
    assert installation.client("viewer").post(f"/restores/{job_id}/take-back/").status_code == 403
    assert client.post(f"/restores/{job_id}/take-back/").status_code == 303
    job = installation.read(job_id)
    assert (job.status, job.scheduled_for) == ("planned", None)
    settling.sweep()
    assert installation.read(job_id).status == "planned"


def test_one_that_is_taken_back_while_the_clock_looks_is_not_begun(installation: Installation, damaged: Path) -> None:
    jobs_ = [installation.read(planned(installation, damaged)) for _ in range(2)]
    for job in jobs_:
        job.scheduled_for = now() - timedelta(minutes=1)
    db.session.commit()
    begun: list[str] = []

    def ring(job_id: str) -> None:
        begun.append(job_id)
        for job in jobs_:
            later.take_back(job)

    later.sweep(ring)
    assert sorted(installation.read(job.id).status for job in jobs_) == ["planned", "queued"]
    assert len(begun) == 1


def test_a_new_preview_ends_it(installation: Installation, damaged: Path) -> None:
    client = installation.client("admin")
    job_id = planned(installation, damaged)
    approve(client, installation, job_id, form_time(now() + timedelta(hours=3)))
    client.post(f"/restores/{job_id}/again/")
    assert installation.read(job_id).scheduled_for is None


@pytest.mark.parametrize(("minutes", "status"), [(59, "queued"), (61, "cancelled")])
def test_a_time_that_was_missed(installation: Installation, damaged: Path, minutes: float, status: str) -> None:
    job_id = planned(installation, damaged)
    approve(installation.client("admin"), installation, job_id, form_time(now() + timedelta(hours=3)))
    before = sites.dump(installation.site_url)
    job = let_it_come(installation, job_id, minutes)
    problem = problem_of(job)
    assert (job.status, problem.code if problem else "") == (status, "" if status == "queued" else "missed")
    assert sites.dump(installation.site_url) == before


def test_a_worker_that_comes_too_late_does_nothing(installation: Installation, damaged: Path) -> None:
    job_id = planned(installation, damaged)
    approve(installation.client("admin"), installation, job_id, form_time(now() + timedelta(hours=3)))
    job = let_it_come(installation, job_id)
    job.scheduled_for = now() - timedelta(hours=2)
    db.session.commit()
    jobs.work(job_id)
    problem = problem_of(installation.read(job_id))
    assert (problem.code if problem else "") == "missed"


def test_rights_are_looked_at_again(installation: Installation, damaged: Path) -> None:
    job_id = planned(installation, damaged)
    approve(installation.client("admin"), installation, job_id, form_time(now() + timedelta(hours=3)))
    accounts.disable(accounts.find_user("admin"))
    before = sites.dump(installation.site_url)
    let_it_come(installation, job_id)
    jobs.work(job_id)
    problem = problem_of(installation.read(job_id))
    assert (problem.code if problem else "") == "not_permitted"
    assert sites.dump(installation.site_url) == before


@pytest.mark.parametrize("at", ["", "tomorrow", "2020-01-01T10:00", "2090-01-01T10:00", "2030-01-01T10:00+02:00"])
def test_times_that_are_none(installation: Installation, damaged: Path, at: str) -> None:
    job_id = planned(installation, damaged)
    assert approve(installation.client("admin"), installation, job_id, at) == 422
    assert installation.read(job_id).scheduled_for is None


def test_of_two_clocks_one_begins_it(installation: Installation, damaged: Path) -> None:
    job_id = planned(installation, damaged)
    approve(installation.client("admin"), installation, job_id, form_time(now() + timedelta(hours=3)))
    rung: list[str] = []
    job = installation.read(job_id)
    job.scheduled_for = now()
    db.session.commit()
    later.sweep(rung.append)
    later.sweep(rung.append)
    assert rung == [job_id]

"""Workers that are killed for good while they save, drill or reset: the site is as it was, and the next one can go on."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests import sites
from tests.web.flow.conftest import Installation
from tests.web.flow.test_flow import damaged
from tests.web.flow.test_proving import made
from tests.web.flow.test_safety import planned
from tests.web.flow.test_tasks import many_routes
from webapp import accounts, settling, tasks
from webapp.models import Backup, RestoreJob, Task, db
from webapp.restores import problem_of
from webapp.storage import storage

__all__ = ["damaged"]

Start = Callable[[], subprocess.Popen[bytes]]


def killed_in(
    installation: Installation,
    start: Start,
    read: Callable[[], RestoreJob | Task],
    phases: set[str],
    *,
    task: bool = False,
) -> None:
    """Let a worker begin, and kill it as soon as it is seen in one of the phases."""
    worker = start()
    end = time.monotonic() + 90
    while (row := read()).phase not in phases:
        assert time.monotonic() < end, (row.status, row.phase)
        installation.app.extensions["enqueue"](row.id, task=task)
        time.sleep(0.02)
    worker.kill()
    worker.wait()
    assert read().status == "running"
    installation.expire(row.id)


def test_while_it_saves_what_a_restore_is_about_to_change(
    installation: Installation, start_worker: Start, damaged: Path
) -> None:
    many_routes(installation, 300_000)
    # So much changes that the backup before it takes its time.
    sites.execute(installation.site_url, "UPDATE transport_route SET name = 'x' || name WHERE id = 1001")
    job_id = planned(installation, damaged)
    sites.execute(installation.site_url, "DELETE FROM transport_route WHERE id > 1000 AND id % 2 = 0")
    many = sites.rows(installation.site_url, "students_student")
    killed_in(installation, start_worker, lambda: installation.read(job_id), {"safety"})
    job = installation.wait(job_id)
    problem = problem_of(job)
    assert (job.status, problem.code if problem else "") == ("failed", "worker_lost")
    assert sites.rows(installation.site_url, "students_student") == many
    assert db.session.query(Backup).filter_by(origin="safety").count() == 0
    assert not list((storage().root / "uploads").iterdir())


def test_while_it_drills(installation: Installation, start_worker: Start) -> None:
    many_routes(installation, 200_000)
    backup = made(installation)
    task = tasks.ask("drill", backup, person=accounts.find_user("root"))
    db.session.commit()
    before = sites.dump(installation.site_url)
    killed_in(
        installation, start_worker, lambda: installation.read_task(task.id), {"match", "plan", "write"}, task=True
    )
    assert backup.proven_at is None
    settling.sweep()
    settling.sweep()
    start_worker()
    ended = installation.wait_for_task(task.id)
    db.session.refresh(backup)
    assert (ended.status, backup.proven_at is not None) == ("done", True)
    assert sites.dump(installation.site_url) == before
    settling.sweep()
    assert list(storage().drills.iterdir()) == []

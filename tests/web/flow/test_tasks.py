"""Work on backups: claimed once, held by a lease, told truly, and nothing half left behind."""

from __future__ import annotations

import hashlib
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from redis import Redis

from tests import sites
from tests.web.flow.conftest import Installation
from webapp import leases, settling, storage, tasks
from webapp.engine.errors import Cancelled
from webapp.models import AuditEvent, Backup, Task, db
from webapp.queue import Stop, connect, open_queue


def test_a_backup_is_made_and_its_task_tells(installation: Installation) -> None:
    task_id = installation.task()
    tasks.perform(task_id)
    task = installation.read_task(task_id)
    backup = task.backup
    assert (task.status, task.error_json, task.owner, task.attempts) == ("done", None, None, 1)
    content = storage.storage().path(backup.path).read_bytes()
    assert (hashlib.sha256(content).hexdigest(), len(content)) == (backup.sha256, backup.size)
    assert backup.records
    assert installation.files() == {backup.path}
    ended = db.session.query(AuditEvent).filter_by(action="backup.ended").one()
    assert (ended.result, ended.username) == ("done", "root")


def test_many_workers_make_one_backup_once(installation: Installation) -> None:
    task_id = installation.task()

    def work(_number: int) -> None:
        with installation.app.app_context():
            tasks.perform(task_id)

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(work, range(6)))
    task = installation.read_task(task_id)
    assert (task.status, task.attempts) == ("done", 1)
    assert installation.files() == {task.backup.path}


def test_the_same_work_is_not_asked_for_twice(installation: Installation) -> None:
    first = installation.read_task(installation.task())
    assert tasks.ask("backup", first.backup) is first
    with pytest.raises(ValueError, match="no kind of task"):
        tasks.ask("eval", first.backup)


def test_a_refusal_is_told_by_the_task_and_by_the_backup(installation: Installation) -> None:
    task_id = installation.task()
    site = installation.read_task(task_id).site
    site.profile = "nobody knows this one"
    db.session.commit()
    tasks.perform(task_id)
    task = installation.read_task(task_id)
    problem = tasks.problem_of(task)
    assert problem is not None
    assert (task.status, problem.code) == ("failed", "unknown_profile")
    assert task.backup.note == problem.message
    assert installation.files() == set()


def test_cancelling_ends_what_waits_and_asks_who_works(installation: Installation) -> None:
    waiting, held = installation.task(), installation.task()
    assert tasks.request_cancel(waiting)
    task = installation.read_task(waiting)
    assert (task.status, task.backup.note) == ("cancelled", "It was cancelled.")
    assert tasks.claim(held, "mine")
    assert tasks.request_cancel(held)
    with pytest.raises(Cancelled):
        leases.Lease(db.engine, held, "mine", Task).extend()
    assert not tasks.request_cancel("0" * 32)


def many_routes(installation: Installation, count: int) -> None:
    """So many rows that a backup takes its time and its room."""
    sites.execute(
        installation.site_url,
        "INSERT INTO transport_route (id, name) WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n"
        f" WHERE i < {1000 + count}) SELECT i, 'route number ' || i FROM n",
    )


@contextmanager
def limited(kind: int, amount: int) -> Iterator[None]:
    """With less of something than the machine has."""
    before = resource.getrlimit(kind)
    resource.setrlimit(kind, (amount, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(kind, before)


def test_a_full_disk_is_told_and_nothing_is_lost(installation: Installation) -> None:
    kept = installation.read_task(installation.task())
    tasks.perform(kept.id)
    before = installation.files()
    many_routes(installation, 20_000)
    # The app database stays below the limit; only the backup's file grows above it.
    with limited(resource.RLIMIT_FSIZE, 1_000_000):
        task_id = installation.task()
        tasks.perform(task_id)
    task = installation.read_task(task_id)
    problem = tasks.problem_of(task)
    assert (task.status, problem.code if problem else "") == ("failed", "disk_full")
    assert installation.files() == before
    again = installation.task()
    tasks.perform(again)
    assert installation.read_task(again).status == "done"


def test_a_worker_that_has_to_stop_gives_the_task_back(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id = installation.task()
    monkeypatch.setattr(Stop, "asked", True)
    tasks.perform(task_id)
    assert (installation.read_task(task_id).status, installation.files()) == ("queued", set())
    monkeypatch.setattr(Stop, "asked", False)
    tasks.perform(task_id)
    assert installation.read_task(task_id).status == "done"


def test_a_worker_that_has_to_stop_ends_what_was_cancelled(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id = installation.task()
    monkeypatch.setattr(Stop, "asked", True)
    db.session.execute(db.update(Task).values(status="running", owner="mine", cancel_requested=True))
    db.session.commit()
    tasks._do(installation.read_task(task_id), "mine", _stopped)
    assert installation.read_task(task_id).status == "cancelled"


def _stopped(_phase: str, _done: int, _total: int) -> None:
    raise Cancelled


def test_a_making_whose_worker_is_lost_is_begun_again_a_few_times(installation: Installation) -> None:
    task_id = installation.task()
    for _ in range(tasks.ATTEMPTS["backup"]):
        backup_id = installation.read_task(task_id).backup_id
        left = installation.settings.data_dir / "uploads" / f".{backup_id}-0a1b.part"
        assert tasks.claim(task_id, "lost")
        left.write_text("half a")
        settling.sweep()
        assert installation.read_task(task_id).status == "running"
        installation.expire(task_id)
        settling.sweep()
    task = installation.read_task(task_id)
    problem = tasks.problem_of(task)
    assert (task.status, problem.code if problem else "") == ("failed", "worker_lost")
    assert task.backup.note == leases.WorkerLost().message
    assert installation.files() == set()


def test_a_file_that_was_kept_just_before_the_worker_was_lost_is_removed(installation: Installation) -> None:
    task_id = installation.task(status="failed")
    backup = installation.read_task(task_id).backup
    backup.sha256 = "f" * 64
    (installation.settings.data_dir / "backups" / backup.sha256).write_text("whole, but nobody's")
    db.session.commit()
    settling.sweep()
    assert installation.files() == set()


def test_who_has_lost_the_lease_ends_nothing(installation: Installation) -> None:
    task_id = installation.task()
    assert tasks.claim(task_id, "slow")
    installation.expire(task_id)
    settling.sweep()
    with pytest.raises(Cancelled):
        leases.Lease(db.engine, task_id, "slow", Task).extend()
    tasks.perform(task_id)
    assert installation.read_task(task_id).status == "done"


def test_a_flushed_queue_loses_no_task_and_an_old_backup_is_taken_up(installation: Installation) -> None:
    waiting = installation.task(updated_at=leases.clock("sqlite", -60))
    db.session.add(Backup(site_id=installation.site_id, name="old.json", size=0, sha256="", origin="made", path=""))
    db.session.commit()
    with Redis.from_url(installation.settings.redis_url) as redis:
        redis.flushall()
    settling.sweep()
    assert open_queue(connect(installation.settings.redis_url)).job_ids == [f"perform-{waiting}"]
    assert db.session.query(Task).count() == 2


def test_a_killed_worker_leaves_no_half_file_and_the_backup_is_made_by_the_next(
    installation: Installation, start_worker: Callable[[], subprocess.Popen[bytes]]
) -> None:
    many_routes(installation, 500_000)
    task_id = installation.task()
    worker = start_worker()
    end = time.monotonic() + 60
    while not installation.files():
        installation.app.extensions["enqueue"](task_id, task=True)
        assert time.monotonic() < end
        time.sleep(0.01)
    worker.kill()
    worker.wait()
    assert installation.read_task(task_id).status == "running"
    installation.expire(task_id)
    settling.sweep()
    start_worker()
    task = installation.wait_for_task(task_id)
    assert (task.status, task.attempts) == ("done", 2)
    assert installation.files() == {task.backup.path}

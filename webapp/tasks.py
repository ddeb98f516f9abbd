"""Work on backups that changes no site: making, verifying, drilling. Each is a row that a worker claims and holds.

A worker is given an id. It claims the task (compare-and-set), does what its kind asks for, and tells the truth:

1. ``queued``: somebody, or a plan, asked for it. A worker claims it as ``running`` and shows signs of life.
2. ``done`` with the answer, ``failed`` with the refusal, or ``cancelled``; only the owner of the lease can say so.
3. A worker that has to stop gives the task back. Work whose worker was lost is queued again, ``ATTEMPTS`` times
   altogether; then it has failed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import CursorResult, select, update

from webapp import audit, leases, making, proving, retention
from webapp.engine.answers import Problem
from webapp.engine.errors import Cancelled, Refusal
from webapp.leases import LEASE_SECONDS, Report, clock
from webapp.models import Backup, Task, User, db
from webapp.queue import Stop
from webapp.restores import as_text

log = logging.getLogger(__name__)

KINDS: Mapping[str, Callable[[Task, Report], msgspec.Struct | None]] = {
    "backup": making.make,
    "verify": proving.verify,
    "drill": proving.drill,
}
"""What each kind of task does; the answer is kept. A function changes rows without committing its result."""

ATTEMPTS: Mapping[str, int] = {"backup": 3, "verify": 3, "drill": 3}
"""How often work is begun whose worker is lost; once, where nothing is said."""

OPEN = ("queued", "running")


class TaskCancelled(Refusal):
    """It was cancelled."""

    code = "task_cancelled"
    hint = "Start it again when it is wanted."


# ---------------------------------------------------------------- asking


def ask(
    kind: str, backup: Backup, *, person: User | None = None, plan_id: int | None = None, due_at: datetime | None = None
) -> Task:
    """A task of that kind on a backup: the one that is under way, or a new one. The caller commits, then rings."""
    if kind not in KINDS:
        raise ValueError(f"no kind of task: {kind}")
    db.session.flush()
    same = select(Task).where(Task.backup_id == backup.id, Task.kind == kind, Task.status.in_(OPEN))
    task = db.session.scalars(same).first()
    if task is None:
        task = Task(
            kind=kind,
            site_id=backup.site_id,
            backup_id=backup.id,
            plan_id=plan_id,
            created_by_id=person.id if person else None,
            due_at=due_at,
        )
        db.session.add(task)
    return task


def request_cancel(task_id: str) -> bool:
    """Ask for a task to end. One that nobody works on ends at once; a running one puts everything back first."""
    task = db.session.get(Task, task_id)
    if task is None:
        return False
    idle = update(Task).where(Task.id == task_id, Task.status == "queued", Task.owner.is_(None))
    problem = TaskCancelled().problem()
    _tell(task, problem)
    if _one(idle.values(_ended("cancelled") | {"error_json": as_text(problem)})):
        _audit(task, "cancelled")
        _tidy(task)
        return True
    return _one(update(Task).where(Task.id == task_id, Task.status == "running").values(cancel_requested=True))


def problem_of(task: Task) -> Problem | None:
    """Why it has failed."""
    return msgspec.json.decode(task.error_json, type=Problem) if task.error_json else None


# ---------------------------------------------------------------- doing


def perform(task_id: str) -> None:
    """Do a task that waits. Without an application context of its own: worker.py gives one."""
    owner = leases.new_owner()
    if not claim(task_id, owner):
        return
    task = db.session.get(Task, task_id, populate_existing=True)
    if task is None:
        return
    with leases.held(leases.Lease(db.engine, task_id, owner, Task)) as report:
        _do(task, owner, report)


def claim(task_id: str, owner: str) -> bool:
    """Take a waiting task for ``owner``."""
    dialect = db.engine.dialect.name
    waiting = update(Task).where(
        Task.id == task_id, Task.status == "queued", Task.owner.is_(None), Task.cancel_requested.is_(False)
    )
    return _one(
        waiting.values(
            status="running", owner=owner, attempts=Task.attempts + 1, heartbeat_at=clock(dialect),
            lease_until=clock(dialect, LEASE_SECONDS), started_at=clock(dialect), finished_at=None,
            error_json=None, phase="", done=0, total=0,
        )
    )  # fmt: skip


def _do(task: Task, owner: str, report: Report) -> None:
    try:
        answer = KINDS[task.kind](task, report)
    except Cancelled:
        db.session.rollback()
        if not (Stop.asked and _back(task, owner)):
            _end(task, "cancelled", owner, TaskCancelled().problem())
    except Refusal as refusal:
        db.session.rollback()
        _end(task, "failed", owner, refusal.problem())
    except Exception as error:
        # Whatever it is, the person must be told.
        log.exception("task %s", task.id)
        db.session.rollback()
        _end(task, "failed", owner, leases.mishap(error).problem())
    else:
        # One transaction: the result and the end of the task, or, when the lease was lost, neither.
        done = update(Task).where(Task.id == task.id, Task.owner == owner, Task.status == "running")
        values = {"answer_json": as_text(answer) if answer is not None else None, "error_json": None}
        if _one(done.values(_ended("done") | values)):
            _audit(task, "done")
            if task.plan:
                retention.thin(task.plan)


def _end(task: Task, status: str, owner: str | None, problem: Problem) -> None:
    """Tell that a task has ended without its result, if it is still the owner's."""
    held = update(Task).where(Task.id == task.id, Task.owner == owner, Task.status == "running")
    _tell(task, problem)
    if _one(held.values(_ended(status) | {"error_json": as_text(problem)})):
        _audit(task, status)
        _tidy(task)


def _back(task: Task, owner: str | None) -> bool:
    """Give a task back, so that another worker takes it up; not one that somebody has asked to end."""
    held = update(Task).where(
        Task.id == task.id, Task.owner == owner, Task.status == "running", Task.cancel_requested.is_(False)
    )
    return _one(held.values(status="queued", owner=None, lease_until=None, phase="", done=0, total=0))


def _ended(status: str) -> dict[str, Any]:
    over = {"owner": None, "lease_until": None, "cancel_requested": False, "phase": ""}
    return {**over, "status": status, "finished_at": clock(db.engine.dialect.name)}


def _tell(task: Task, problem: Problem) -> None:
    """A backup that will not come to be says so in its own row, in the transaction that ends its task."""
    if task.kind == "backup" and not task.backup.path:
        task.backup.note = problem.message


def _tidy(task: Task) -> None:
    if task.kind == "backup":
        making.discard(task.backup)


def _audit(task: Task, status: str) -> None:
    db.session.refresh(task)
    audit.note(
        f"{task.kind}.ended", task.backup.name, result=status, user=task.created_by, site=task.site.name,
        plan=task.plan.name if task.plan else "",
    )  # fmt: skip
    db.session.commit()


def _one(statement: Any) -> bool:
    """Whether the statement met its row. Everything else in the session goes with it, or back."""
    result = db.session.execute(statement, execution_options={"synchronize_session": False})
    met = isinstance(result, CursorResult) and result.rowcount == 1
    if met:
        db.session.commit()
    else:
        db.session.rollback()
    return met


# ---------------------------------------------------------------- the sweeper


def sweep(ring: Callable[[str], object], seconds: int = 5) -> None:
    """Settle the tasks of lost workers, take up backups that nobody has asked a worker for, and ring for what waits."""
    dialect = db.engine.dialect.name
    late = select(Task).where(Task.owner.is_not(None), Task.lease_until < clock(dialect))
    for task in db.session.scalars(late).all():
        if task.cancel_requested:
            _end(task, "cancelled", task.owner, TaskCancelled().problem())
        elif task.attempts >= ATTEMPTS.get(task.kind, 1) or not _back(task, task.owner):
            _end(task, "failed", task.owner, leases.WorkerLost().problem())
    making.sweep()
    proving.sweep()
    if (backup := proving.due()) is not None:
        ask("verify", backup)
        db.session.commit()
    asked = select(Task.id).where(Task.backup_id == Backup.id, Task.kind == "backup").exists()
    wanted = select(Backup).where(Backup.path == "", Backup.note == "", Backup.removed_at.is_(None), ~asked)
    for backup in db.session.scalars(wanted).all():
        ask("backup", backup)
        db.session.commit()
    waiting = select(Task.id).where(
        Task.status == "queued", Task.owner.is_(None), Task.updated_at < clock(dialect, -seconds)
    )
    for task_id in db.session.scalars(waiting.order_by(Task.created_at)):
        ring(task_id)

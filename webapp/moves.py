"""How a restore job moves from draft to done: compare-and-set, and a lease while somebody works on it.

The row in the app database is the truth about intent. Of two concurrent moves exactly one wins, because a move names
the states that it may start from in the ``WHERE`` of its ``UPDATE``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import ColumnElement

from webapp.leases import LEASE_SECONDS, clock
from webapp.models import JobStatus, RestoreJob, Site, db

WAITING: tuple[JobStatus, ...] = ("analysing", "planning", "queued")
"""Somebody asked for work; a worker that finds such a job without an owner may claim it."""

MOVING: frozenset[str] = frozenset({"analysing", "planning", "queued", "running", "unknown"})
"""States that change without a person: a page that shows one of them asks again."""

NEXT: Mapping[str, frozenset[str]] = {
    "draft": frozenset({"analysing", "planning", "cancelled"}),
    "analysing": frozenset({"analysed", "failed", "cancelled"}),
    "analysed": frozenset({"analysing", "planning", "cancelled"}),
    "planning": frozenset({"planned", "failed", "cancelled"}),
    "planned": frozenset({"analysing", "planning", "queued", "cancelled"}),
    "queued": frozenset({"running", "failed", "cancelled"}),
    "running": frozenset({"done", "failed", "cancelled", "stale", "unknown", "queued"}),
    "unknown": frozenset({"done", "failed"}),
    "failed": frozenset({"analysing", "planning", "done"}),
    "cancelled": frozenset({"analysing", "planning"}),
    "stale": frozenset({"analysing", "planning"}),
    "done": frozenset(),
}


def move(
    job_id: str,
    from_: Collection[str],
    to: JobStatus,
    owner: str | None = None,
    *,
    only: ColumnElement[bool] | None = None,
    **values: Any,
) -> bool:
    """Move a job if it is still in one of the states ``from_`` (and, where named, still held by ``owner``, and ``only`` true).

    The lease ends with the move, unless the values give a new one. Returns whether this caller moved it.
    """
    wrong = [state for state in from_ if to not in NEXT[state]]
    if wrong:
        raise ValueError(f"no job moves from {wrong[0]} to {to}")
    statement = update(RestoreJob).where(RestoreJob.id == job_id, RestoreJob.status.in_(tuple(from_)))
    if owner is not None:
        statement = statement.where(RestoreJob.owner == owner)
    if only is not None:
        statement = statement.where(only)
    return _one(
        statement.values({"owner": None, "lease_until": None, "cancel_requested": False, **values, "status": to})
    )


def claim(job_id: str, status: JobStatus, owner: str) -> bool:
    """Take a waiting job for ``owner``. A queued one starts running, if no other job runs on the same site."""
    dialect = db.engine.dialect.name
    held: dict[str, Any] = {
        "owner": owner,
        "heartbeat_at": clock(dialect),
        "lease_until": clock(dialect, LEASE_SECONDS),
        "started_at": clock(dialect),
        "finished_at": None,
        "phase": "",
        "done": 0,
        "total": 0,
    }
    statement = update(RestoreJob).where(
        RestoreJob.id == job_id,
        RestoreJob.status == status,
        RestoreJob.owner.is_(None),
        RestoreJob.cancel_requested.is_(False),
    )
    if status == "queued":
        # Claims on one site wait for each other here; without the row lock two of them could each see no other.
        site_id = select(RestoreJob.site_id).where(RestoreJob.id == job_id).scalar_subquery()
        db.session.execute(select(Site.id).where(Site.id == site_id).with_for_update())
        other = aliased(RestoreJob)
        busy = select(other.id).where(other.site_id == RestoreJob.site_id, other.status == "running").exists()
        statement = statement.where(~busy)
        held["status"] = "running"
    return _one(statement.values(held))


def request_cancel(job_id: str) -> bool:
    """Ask for a job to end. One that nobody works on is cancelled at once; a running one rolls back and then says so."""
    idle = update(RestoreJob).where(RestoreJob.id == job_id, RestoreJob.status.in_(WAITING), RestoreJob.owner.is_(None))
    if _one(idle.values(status="cancelled", cancel_requested=False, finished_at=clock(db.engine.dialect.name))):
        return True
    held = update(RestoreJob).where(RestoreJob.id == job_id, RestoreJob.status.in_((*WAITING, "running")))
    return _one(held.values(cancel_requested=True))


def release(job_id: str, status: JobStatus, owner: str) -> bool:
    """Give a claimed job back, so that another worker takes it up: this one has to stop. Not one that was asked to end."""
    back: JobStatus = "queued" if status == "running" else status
    statement = update(RestoreJob).where(
        RestoreJob.id == job_id,
        RestoreJob.status == status,
        RestoreJob.owner == owner,
        RestoreJob.cancel_requested.is_(False),
    )
    return _one(statement.values(status=back, owner=None, lease_until=None, phase="", done=0, total=0))


def _one(statement: Any) -> bool:
    result = db.session.execute(statement, execution_options={"synchronize_session": False})
    db.session.commit()
    return isinstance(result, CursorResult) and result.rowcount == 1


# ---------------------------------------------------------------- what the sweeper looks for


def expired() -> list[RestoreJob]:
    """Claimed jobs whose owner has shown no sign of life for too long."""
    late = RestoreJob.lease_until < clock(db.engine.dialect.name)
    return list(db.session.scalars(select(RestoreJob).where(RestoreJob.owner.is_not(None), late)))


def unclaimed(seconds: int) -> list[RestoreJob]:
    """Jobs that have waited for some seconds without anybody claiming them."""
    old = RestoreJob.updated_at < clock(db.engine.dialect.name, -seconds)
    waiting = RestoreJob.status.in_(WAITING)
    statement = select(RestoreJob).where(waiting, RestoreJob.owner.is_(None), old).order_by(RestoreJob.created_at)
    return list(db.session.scalars(statement))


def in_doubt(seconds: int) -> list[RestoreJob]:
    """Jobs of which it is not known whether they were committed, not asked about for some seconds."""
    old = RestoreJob.updated_at < clock(db.engine.dialect.name, -seconds)
    return list(db.session.scalars(select(RestoreJob).where(RestoreJob.status == "unknown", old)))


def running_on(site_id: int) -> RestoreJob | None:
    """The job that writes to a site, or is next to do so."""
    statement = (
        select(RestoreJob)
        .where(RestoreJob.site_id == site_id, RestoreJob.status.in_(("queued", "running", "unknown")))
        .order_by(RestoreJob.status.desc(), RestoreJob.created_at)
    )
    return db.session.scalars(statement).first()

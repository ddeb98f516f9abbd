"""Restores that are set for a time: approved now, planned anew then, and done only if nothing has moved.

1. An approved plan gets ``scheduled_for``; the job stays ``planned`` and can be taken back, or planned again, which ends it.
2. The clock queues it when its time has come. One whose time was missed by more than the grace is told and not done.
3. The worker plans again, compares that with the approved plan row by row, and carries the approved plan out, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, select, update
from sqlalchemy.sql.elements import ColumnElement

from webapp import moves
from webapp.audit import note
from webapp.engine.errors import Refusal
from webapp.models import RestoreJob, db, now
from webapp.restores import as_text

GRACE = timedelta(hours=1)
"""How late a restore may still begin when nobody was there at its time."""

FARTHEST = timedelta(days=31)


class TimeRefused(Refusal):
    """A restore cannot be set for that time: {reason}."""

    code = "time_refused"
    hint = "Give a date and a time in UTC that lies ahead, at most 31 days."


class Missed(Refusal):
    """Its time was missed: it was to begin at {at} UTC, and this installation was not at work then. Nothing was changed."""

    code = "missed"
    hint = "Make a new preview, then restore now or set another time."


class Moved(Refusal):
    """Since it was approved, what it would do has moved: {what}. Nothing was changed."""

    code = "moved"
    hint = "Make a new preview and approve that."


def read_time(text: str) -> datetime:
    """A time in UTC as a form sends it.

    Raises:
        TimeRefused: it is none, is over, or lies too far ahead.
    """
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise TimeRefused(reason="it is no date and time", field="at") from None
    if at.tzinfo is not None:
        raise TimeRefused(reason="it has a zone of its own", field="at")
    if at <= now():
        raise TimeRefused(reason="it is over", field="at")
    if at > now() + FARTHEST:
        raise TimeRefused(reason="it lies too far ahead", field="at")
    return at


def schedule(job: RestoreJob, at: datetime, *, confirm_removal: int | None, person_id: int) -> bool:
    """Set an approved plan for a time, if it still is the one that was approved."""
    return _set(
        job,
        RestoreJob.plan_digest == job.plan_digest,
        scheduled_for=at,
        confirm_removal=confirm_removal,
        created_by_id=person_id,
    )


def take_back(job: RestoreJob) -> bool:
    """Let an approved plan wait for a person again."""
    return _set(job, RestoreJob.scheduled_for.is_not(None), scheduled_for=None, confirm_removal=None)


def _set(job: RestoreJob, condition: ColumnElement[bool], **values: object) -> bool:
    statement = update(RestoreJob).where(RestoreJob.id == job.id, RestoreJob.status == "planned", condition)
    result = db.session.execute(statement.values(**values), execution_options={"synchronize_session": False})
    db.session.commit()
    return isinstance(result, CursorResult) and result.rowcount == 1


def too_late(job: RestoreJob) -> Missed | None:
    """What is told of a restore whose time was missed by more than the grace."""
    at = job.scheduled_for
    return Missed(at=f"{at:%d %b %Y, %H:%M}") if at and now() > at + GRACE else None


def sweep(enqueue: Callable[[str], object]) -> None:
    """Queue the restores whose time has come, and tell those whose time was missed."""
    due = select(RestoreJob).where(RestoreJob.status == "planned", RestoreJob.scheduled_for <= now())
    for job, at in [(job, job.scheduled_for) for job in db.session.scalars(due).all()]:
        # Somebody may take it back while this goes on.
        same = RestoreJob.scheduled_for == at
        missed = too_late(job)
        if missed is not None:
            values = {"error_json": as_text(missed.problem()), "finished_at": now(), "scheduled_for": None}
            if moves.move(job.id, ["planned"], "cancelled", None, only=same, **values):
                _audit(job, "missed")
        elif moves.move(job.id, ["planned"], "queued", None, only=same, error_json=None, phase="", done=0, total=0):
            _audit(job, "begun")
            enqueue(job.id)


def _audit(job: RestoreJob, result: str) -> None:
    note("restore.due", f"restore {job.id}", result=result, user=job.created_by, site=job.site.name)
    db.session.commit()


def said(moved: Mapping[str, int]) -> str:
    """What has moved, in words."""
    listed = [f"{title} ({count:,})" for title, count in list(moved.items())[:5]]
    return ", ".join(listed) + (f" and {len(moved) - 5} more" if len(moved) > 5 else "")

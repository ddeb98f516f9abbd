"""How a job ends: what a worker reports, and what the sweeper finds out about a job whose worker was lost.

Whether a restore was committed is asked of the site's own journal and never guessed.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from flask import current_app
from sqlalchemy import select

from webapp import later, moves, plans, safety, tasks
from webapp.audit import note
from webapp.engine import commands
from webapp.engine.answers import Counts, Outcome, Problem
from webapp.engine.errors import Refusal
from webapp.leases import WorkerLost
from webapp.models import JobStatus, RestoreJob, Site, db, now
from webapp.refusals import StorageUnreachable
from webapp.restores import as_text, outcome_of, plan_of
from webapp.seal import site_url
from webapp.storage import storage

log = logging.getLogger(__name__)

KEPT_DAYS = 30
"""How long files that were replaced or removed by a restore are kept beside their folder."""


def settle(job: RestoreJob, owner: str | None = None, problem: Problem | None = None) -> None:
    """Ask the site's journal whether a job was committed, and say so."""
    receipt = storage().path(storage().receipt(job.id))
    try:
        # Only a job with files depends on their folder: it may be away.
        plan = plan_of(job)
        media = job.site.media if plan and plan.files and plan.files.counts.changes else None
        answer = commands.settle(site_url(job.site), job.id, media=media)
    except Refusal as refusal:
        if job.status != "unknown":
            moves.move(job.id, ["running"], "unknown", owner, error_json=as_text(refusal.problem()))
        return
    if answer == "applied":
        kept = commands.receipt_outcome(receipt) if receipt.exists() else None
        finish(job, owner, kept or _as_planned(job), receipt)
    else:
        end(job, "failed", owner, problem or WorkerLost().problem())


def forget_replaced() -> None:
    """Remove from the sites' folders what restores replaced there longer than :data:`KEPT_DAYS` ago."""
    for site in db.session.scalars(select(Site).where(Site.media_root != "")):
        try:
            commands.forget_replaced(Path(site.media_root), datetime.now(UTC) - timedelta(days=KEPT_DAYS))
        except (Refusal, OSError) as error:
            log.warning("the folder of files of %s cannot be tidied: %s", site.name, error)


def _as_planned(job: RestoreJob) -> Outcome:
    """The outcome of a job that the journal knows and whose receipt is lost: what was done is what was planned."""
    plan = plan_of(job)
    return Outcome(
        job=job.id,
        status="done",
        verdict="The database's own journal says that this was verified and committed. Its receipt is lost.",
        counts=plan.counts if plan else Counts(),
        tables=plan.tables if plan else (),
    )


def finish(job: RestoreJob, owner: str | None, outcome: Outcome, receipt: Path) -> None:
    """Tell that a job has come to its outcome."""
    status: JobStatus = "done" if outcome.status == "nothing" else outcome.status
    kept = storage().receipt(job.id) if receipt.exists() else None
    if kept:
        try:
            storage().publish(kept)
        except StorageUnreachable as refusal:
            # The site is committed: a receipt that stays on this machine is no reason to say anything else.
            log.warning("receipt of %s: %s", job.id, refusal.message)
    # A job that was given up as lost and committed all the same is done: the journal is the truth.
    started: list[str] = ["running", "unknown", "failed"] if status == "done" else ["running"]
    if moves.move(
        job.id, started, status, owner,
        outcome_json=as_text(outcome), receipt_path=kept, error_json=None, finished_at=now(),
        phase="",
    ):  # fmt: skip
        _audit(job, status)


def end(job: RestoreJob, status: JobStatus, owner: str | None, problem: Problem) -> None:
    """Tell that a job has ended without changing anything."""
    started = ["running", "unknown"] if status == "failed" else ["running"]
    if moves.move(job.id, started, status, owner, error_json=as_text(problem), finished_at=now()):
        _audit(job, status)


def _audit(job: RestoreJob, status: JobStatus) -> None:
    outcome = outcome_of(job)
    done = outcome.counts if outcome and status == "done" else Counts()
    note(
        "restore.ended", f"restore {job.id}", result=status, user=job.created_by, site=job.site.name,
        backup=job.backup.name, added=done.insert, changed=done.update, removed=done.delete,
    )  # fmt: skip
    db.session.commit()


def sweep() -> None:
    """One round: settle what a lost worker left, ask again about what is unknown, and ring for what waits."""
    for job in moves.expired():
        if job.status == "running":
            safety.discard(job.id)
            settle(job)
        elif job.cancel_requested:
            moves.move(job.id, [job.status], "cancelled", job.owner, finished_at=now())
        else:
            moves.move(
                job.id, [job.status], "failed", job.owner,
                error_json=as_text(WorkerLost().problem()), finished_at=now(),
            )  # fmt: skip
    for job in moves.in_doubt(seconds=30):
        job.heartbeat_at = now()
        db.session.commit()
        settle(job)
    enqueue = current_app.extensions["enqueue"]
    for job in moves.unclaimed(seconds=5):
        enqueue(job.id)
    later.sweep(enqueue)
    safety.sweep()
    for task_id in plans.claim_due():
        enqueue(task_id, task=True)
    tasks.sweep(partial(enqueue, task=True))
    storage().sweep_uploads()
    storage().sweep_copies()

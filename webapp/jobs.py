"""The work that a worker does for a restore job.

A worker is given an id. It claims the job (compare-and-set), does what the job's status asks for, and tells the truth:

1. ``analysing``: read the backup, then ``analysed`` or ``failed``.
2. ``planning``: compute the plan file, then ``planned`` or ``failed``.
3. ``queued``: claim it as ``running``, check again that it may be done, apply the plan, then ``done``, ``stale``,
   ``cancelled`` or ``failed``. Whatever ends in doubt is settled by asking the site's own journal, never guessed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from webapp import audit, later, leases, moves, resets, safety, timeline
from webapp.engine import commands
from webapp.engine.answers import Plan
from webapp.engine.errors import AlreadyApplied, Cancelled, OutcomeUnknown, Refusal, Stale
from webapp.models import JobStatus, RestoreJob, db, now
from webapp.queue import Stop
from webapp.restores import as_text, choices_of, permitted, plan_of
from webapp.seal import site_url
from webapp.settling import end, finish, settle
from webapp.storage import storage
from webapp.stored import expected_sha256, readable, with_bases

log = logging.getLogger(__name__)


class NotPermitted(Refusal):
    """The person who asked for this restore may not do it any more. Nothing was changed."""

    code = "not_permitted"
    hint = "Ask somebody who may."


def work(job_id: str) -> None:
    """Do what a job waits for. Without an application context of its own: worker.py gives one."""
    job = db.session.get(RestoreJob, job_id)
    if job is None or job.status not in STEPS:
        return
    status = cast("JobStatus", job.status)
    owner = leases.new_owner()
    if not moves.claim(job_id, status, owner):
        return
    db.session.expire_all()
    with leases.held(leases.Lease(db.engine, job_id, owner)) as report:
        STEPS[status](job, owner, report)


# ---------------------------------------------------------------- the steps


def analyse(job: RestoreJob, owner: str, report: commands.Report) -> None:
    """Read the backup against the site."""
    with _told(job, owner, "analysing"):
        with readable(job.backup, *job.more) as files:
            analysis = commands.analyse(
                files,
                site_url(job.site),
                stages=storage().stages,
                name=_names(job),
                profile=job.site.profile,
                choices=choices_of(job),
                report=report,
            )
        text = as_text(analysis)
        if not job.more:
            job.backup.analysis_json, job.backup.records = text, analysis.file.records
            job.backup.format = job.backup.format or timeline.format_of(analysis.file.format)
        moves.move(job.id, ["analysing"], "analysed", owner, analysis_json=text, error_json=None, finished_at=now())


def _names(job: RestoreJob) -> list[str]:
    """What people call the files, in the order in which they are read."""
    return [backup.name for backup in with_bases((job.backup, *job.more))]


def plan(job: RestoreJob, owner: str, report: commands.Report) -> None:
    """Compute what the restore would do, into the job's plan file."""
    with _told(job, owner, "planning"):
        key = storage().plan(job.id)
        making = storage().new_upload()
        try:
            made = _plan(job, making, report)
            storage().keep(making, key)
        finally:
            making.unlink(missing_ok=True)
        text = as_text(made)
        moves.move(
            job.id, ["planning"], "planned", owner,
            plan_json=text, plan_digest=made.digest, plan_path=key, error_json=None, finished_at=now(),
        )  # fmt: skip


def _plan(job: RestoreJob, output: Path, report: commands.Report) -> Plan:
    if job.kind == "reset":
        return commands.make_reset_plan(site_url(job.site), output=output, profile=job.site.profile, report=report)
    with readable(job.backup, *job.more) as files:
        return commands.make_plan(
            files,
            site_url(job.site),
            stages=storage().stages,
            output=output,
            name=_names(job),
            profile=job.site.profile,
            choices=choices_of(job),
            expected_sha256=expected_sha256(job.backup, *job.more),
            media=job.site.media,
            report=report,
        )


def apply(job: RestoreJob, owner: str, report: commands.Report) -> None:
    """Do the approved plan, whole or not at all, and say what happened."""
    receipt = storage().path(storage().receipt(job.id))
    try:
        if not permitted(job):
            raise NotPermitted
        if job.scheduled_for:
            _look_again(job, report)
        if job.kind == "reset":
            resets.secure(job, report)
        else:
            safety.save(job, report)
        with _carriers(job) as source:
            outcome = commands.apply_plan(
                storage().fetch(storage().plan(job.id)),
                job.plan_digest or "",
                site_url(job.site),
                job=job.id,
                receipt=receipt,
                confirm_removal=job.confirm_removal,
                media=job.site.media,
                source=source,
                report=report,
            )
    except Cancelled as refusal:
        if not (Stop.asked and moves.release(job.id, "running", owner)):
            end(job, "cancelled", owner, refusal.problem())
    except (Stale, later.Moved) as refusal:
        end(job, "stale", owner, refusal.problem())
    except (AlreadyApplied, OutcomeUnknown):
        settle(job, owner)
    except Refusal as refusal:
        end(job, "failed", owner, refusal.problem())
    except Exception as error:
        # Whatever it is, only the site's journal knows whether it was committed.
        log.exception("job %s", job.id)
        settle(job, owner, leases.mishap(error).problem())
    else:
        finish(job, owner, outcome, receipt)


def _look_again(job: RestoreJob, report: commands.Report) -> None:
    """Plan a restore anew whose time has come: it is done only if the plan would still be the approved one.

    Raises:
        Missed, Moved
    """
    missed = later.too_late(job)
    if missed is not None:
        raise missed
    output = storage().new_upload()
    try:
        _plan(job, output, lambda _phase, done, total: report("again", done, total))
        moved = commands.compare_plans(storage().fetch(storage().plan(job.id)), output)
    finally:
        output.unlink(missing_ok=True)
    if moved:
        raise later.Moved(what=later.said(moved))


@contextmanager
def _carriers(job: RestoreJob) -> Iterator[Path | list[Path]]:
    """The backups that carry the files of a plan; none where it has none to put in place."""
    plan = plan_of(job)
    if plan is None or plan.files is None or not plan.files.counts.changes:
        yield []
        return
    with readable(job.backup, *job.more) as files:
        yield files


STEPS: dict[str, Callable[[RestoreJob, str, commands.Report], None]] = {
    "analysing": analyse,
    "planning": plan,
    "queued": apply,
}


@contextmanager
def _told(job: RestoreJob, owner: str, status: JobStatus) -> Iterator[None]:
    """Reading and planning change nothing, so whatever goes wrong there is simply told."""
    try:
        yield
    except Cancelled as refusal:
        if not (Stop.asked and moves.release(job.id, status, owner)):
            moves.move(job.id, [status], "cancelled", owner, error_json=as_text(refusal.problem()), finished_at=now())
    except Refusal as refusal:
        _fail(job, owner, status, refusal)
    except Exception as error:
        # The person must be told, whatever it is.
        log.exception("job %s", job.id)
        db.session.rollback()
        _fail(job, owner, status, leases.mishap(error))


def _fail(job: RestoreJob, owner: str, status: JobStatus, refusal: Refusal) -> None:
    """Tell that reading or planning came to nothing."""
    if moves.move(job.id, [status], "failed", owner, error_json=as_text(refusal.problem()), finished_at=now()):
        action = "restore.analyse" if status == "analysing" else "restore.plan"
        name = job.backup.name
        audit.note(action, f"restore {job.id}", result="failed", user=job.created_by, backup=name, code=refusal.code)
        db.session.commit()

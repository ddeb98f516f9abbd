"""A reset of a site: planned as its profile declares, approved by a root, and done only behind a proven backup of the whole site.

It is a restore job of the kind ``reset``: leased, journalled and told like any other. Its backup is the one that the worker
makes and drills just before; until then the row says so.
"""

from __future__ import annotations

import secrets

from sqlalchemy import select

from webapp import leases, proving, safety
from webapp.audit import note
from webapp.engine import backups
from webapp.engine.answers import Choices
from webapp.engine.errors import Cancelled, Refusal
from webapp.leases import Report
from webapp.models import Backup, RestoreJob, Site, User, db, now
from webapp.restores import as_text
from webapp.seal import site_url
from webapp.storage import storage

CLEARING = Choices(add=False, change=False, remove=True, origin="same")
WAITING = "It is made and proven when the reset is carried out."


class ResetNotProven(Refusal):
    """The backup before the reset could not be made and proven, so nothing was cleared: {reason}"""

    code = "reset_not_proven"
    hint = "Without a proven backup nothing is cleared. Put that right, then try again."


class WordsWrong(Refusal):
    """The words are not {words}."""

    code = "words_wrong"
    hint = "Type them exactly as they stand there."


def words_for(site: Site) -> str:
    """What a person types to approve a reset."""
    return f"reset {site.name}"


def begin(site: Site, person: User) -> RestoreJob:
    """A reset that waits for its plan: the person's open one, or a new one."""
    open_ = select(RestoreJob).where(
        RestoreJob.site_id == site.id,
        RestoreJob.kind == "reset",
        RestoreJob.created_by_id == person.id,
        RestoreJob.status.in_(("planning", "planned", "queued", "running", "unknown")),
    )
    job = db.session.scalars(open_.order_by(RestoreJob.created_at.desc()).limit(1)).first()
    if job is None:
        backup = _waiting(site.id, person.id)
        db.session.add(backup)
        db.session.flush()
        job = RestoreJob(
            site_id=site.id,
            backup_id=backup.id,
            created_by_id=person.id,
            kind="reset",
            status="planning",
            choices_json=as_text(CLEARING),
        )
        db.session.add(job)
        note("reset.begin", site.name)
        db.session.commit()
    return job


def _waiting(site_id: int, person_id: int | None) -> Backup:
    return Backup(
        site_id=site_id,
        name=f"before-reset-{now():%Y-%m-%d-%H%M%S}.srb",
        size=0,
        sha256="",
        origin="safety",
        format="native",
        path="",
        note=WAITING,
        created_by_id=person_id,
    )


def secure(job: RestoreJob, report: Report) -> None:
    """Make a full backup of the site and prove it by a drill; the job's backup is this one from then on.

    Raises:
        ResetNotProven: nothing may be cleared.
        Cancelled
    """
    if job.backup.path or job.backup.removed_at:
        # An earlier try has made one, before whatever was written since; or somebody has put the line away.
        job.backup = _waiting(job.site_id, job.created_by_id)
        db.session.add(job.backup)
        # Not only flushed: an open transaction would keep the signs of life out of the app database while this is made.
        db.session.commit()
    backup = job.backup
    target = storage().root / "uploads" / f"safety-{job.id}-{secrets.token_hex(4)}"
    try:
        facts = backups.make(
            site_url(job.site),
            target,
            profile=job.site.profile,
            site=job.site.name,
            report=lambda _phase, done, total: report("backup", done, total),
        )
        answer = proving.try_out(
            backup, target, storage().drills / job.id, lambda _phase, done, total: report("drill", done, total)
        )
        # The last look whether the work is still ours: whoever has lost the lease keeps nothing.
        report("drill", facts.records, facts.records)
        safety.store(backup, job.site, target, facts)
        db.session.commit()
    except Cancelled:
        raise
    except Refusal as refusal:
        raise ResetNotProven(reason=refusal.message) from refusal
    except Exception as error:
        # Whatever it is: without a proven backup nothing is cleared.
        raise ResetNotProven(reason=leases.mishap(error).message) from error
    finally:
        target.unlink(missing_ok=True)
    if not answer.proven:
        raise ResetNotProven(reason=answer.verdict)

"""The backup before a restore: made by the worker inside the running job, linked from its report, and no restore without it."""

from __future__ import annotations

import secrets
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from flask import current_app
from sqlalchemy import select

from webapp import keeping, leases
from webapp.engine import backups
from webapp.engine.answers import BackupFacts
from webapp.engine.errors import Cancelled, PlanChanged, Refusal
from webapp.leases import Report
from webapp.models import Backup, RestoreJob, Site, db, now
from webapp.seal import site_url
from webapp.settings import Settings
from webapp.storage import storage
from webapp.stored import encrypt_for


class SafetyFailed(Refusal):
    """The backup before the restore could not be made, so nothing was changed: {reason}"""

    code = "safety_failed"
    hint = "Without it there would be no way back. Put that right, then start the restore again."


def save(job: RestoreJob, report: Report) -> None:
    """Save what a job is about to change, and note it in the job.

    Raises:
        SafetyFailed: nothing was changed.
        Cancelled
    """
    fresh = stand_in(job)
    if fresh is not None:
        job.safety_id = fresh.id
        db.session.commit()
        return
    target = storage().root / "uploads" / f"safety-{job.id}-{secrets.token_hex(4)}"
    try:
        facts = backups.make_before(
            storage().fetch(storage().plan(job.id)),
            site_url(job.site),
            target,
            profile=job.site.profile,
            site=job.site.name,
            report=report,
        )
        if facts is None:
            return
        # The last look whether the work is still ours: whoever has lost the lease keeps nothing.
        report("safety", facts.records, facts.records)
        backup = Backup(
            site_id=job.site_id,
            name=f"before-{job.kind}-{now():%Y-%m-%d-%H%M%S}.srb",
            origin="safety",
            created_by_id=job.created_by_id,
        )
        store(backup, job.site, target, facts)
    except (Cancelled, PlanChanged):
        raise
    except Refusal as refusal:
        raise SafetyFailed(reason=refusal.message) from refusal
    except Exception as error:
        # Whatever it is: without this backup nothing is changed.
        raise SafetyFailed(reason=leases.mishap(error).message) from error
    finally:
        target.unlink(missing_ok=True)
    db.session.add(backup)
    db.session.flush()
    job.safety_id = backup.id
    db.session.commit()


def store(backup: Backup, site: Site, target: Path, facts: BackupFacts) -> None:
    """Put a finished native backup in its place, encrypted where the site has a key, and tell its row. The caller commits."""
    size, sha256 = facts.size, facts.sha256
    if site.recipient:
        target, size, sha256 = encrypt_for(site, target)
        backup.name = f"{backup.name.removesuffix('.age')}.age"  # as those that a plan makes
    storage().keep(target, f"backups/{sha256}")
    backup.path, backup.sha256, backup.size, backup.note = f"backups/{sha256}", sha256, size, ""
    backup.kind = facts.kind
    backup.format, backup.records, backup.instant = "native", facts.records, now()
    backup.encrypted = bool(site.recipient)


def discard(job_id: str) -> None:
    """Remove what a lost worker left half done."""
    for left in (storage().root / "uploads").glob(f"safety-{job_id}-*"):
        left.unlink(missing_ok=True)


def sweep() -> None:
    """Remove backups of this kind that are older than they are kept; those before a reset stay."""
    settings: Settings = current_app.config["SETTINGS"]
    if not settings.safety_days:
        return
    old = select(Backup).where(
        Backup.origin == "safety",
        Backup.path != "",
        Backup.pinned.is_(False),
        Backup.created_at < now() - timedelta(days=settings.safety_days),
        ~select(RestoreJob.id).where(RestoreJob.backup_id == Backup.id).exists(),
    )
    for backup in db.session.scalars(old.limit(20)).all():
        # Whatever stands against it now may be gone in a later round.
        with suppress(Refusal):
            keeping.remove(backup, f"the restore after it is more than {settings.safety_days} days ago")


def stand_in(job: RestoreJob) -> Backup | None:
    """A proven backup of the whole site that is fresh enough, where the settings allow one.

    What was written to the site since its instant is not in it; that this is so cannot be found out cheaply, so it is off
    unless somebody has chosen the minutes.
    """
    settings: Settings = current_app.config["SETTINGS"]
    since = now() - timedelta(minutes=settings.safety_fresh_minutes)
    proven = (
        select(Backup)
        .where(
            Backup.site_id == job.site_id,
            Backup.path != "",
            Backup.kind == "full",
            Backup.categories_json == "[]",
            Backup.origin.in_(("made", "plan")),
            Backup.verified_problem == "",
            Backup.proven_at.is_not(None),
            Backup.instant > since,
        )
        .order_by(Backup.instant.desc())
    )
    return db.session.scalars(proven.limit(1)).first() if settings.safety_fresh_minutes else None

"""How a backup is kept: pinned, so that nothing takes it away, and removed, when nothing stands against it.

A removed backup leaves its row, so that the history tells that it was there and why it is gone. Each function commits
what it did together with its line in the audit.
"""

from __future__ import annotations

from sqlalchemy import or_, select

from webapp import audit, retention
from webapp.engine.errors import Refusal
from webapp.models import Backup, RestoreJob, Site, Task, db, now, restore_job_backup
from webapp.moves import MOVING
from webapp.refusals import BackupBusy, BackupGone, BackupPinned, BaseInUse


def objection(backup: Backup) -> Refusal | None:
    """What stands against removing a backup, if anything does."""
    if backup.removed_at is not None or not (backup.path or backup.note):
        return BackupGone(name=backup.name) if backup.removed_at else BackupBusy(name=backup.name, work="being made")
    if backup.pinned:
        return BackupPinned(name=backup.name)
    if (count := len(increments(backup))) and backup.path:
        return BaseInUse(name=backup.name, count=f"{count} later backup{'s' if count > 1 else ''}")
    if (work := busy(backup)) is not None:
        return BackupBusy(name=backup.name, work=work)
    return None


def increments(backup: Backup) -> list[Backup]:
    """The backups, kept or being made, that cannot be read without this one."""
    return list(
        db.session.scalars(
            select(Backup)
            .where(Backup.base_id == backup.id, Backup.removed_at.is_(None), or_(Backup.path != "", Backup.note == ""))
            .order_by(Backup.created_at)
        )
    )


def newest_whole(site: Site) -> Backup | None:
    """The newest kept backup of a whole site in a format that an increment can build on."""
    whole = (
        Backup.path != "",
        Backup.verified_problem == "",
        Backup.format == "native",
        Backup.categories_json == "[]",
    )
    found = select(Backup).where(Backup.site_id == site.id, *whole).order_by(Backup.created_at.desc()).limit(1)
    return db.session.scalars(found).first()


def is_last(backup: Backup) -> bool:
    """Whether a site would be left without any good backup if this one went."""
    good = (Backup.path != "", Backup.verified_problem == "")
    if not backup.path or backup.verified_problem:
        return False
    others = select(Backup.id).where(Backup.site_id == backup.site_id, Backup.id != backup.id, *good)
    return db.session.scalar(others.limit(1)) is None


def is_shared(backup: Backup) -> bool:
    """Whether another backup has the same bytes, so that the file stays when this one goes."""
    others = select(Backup.id).where(Backup.path == backup.path, Backup.id != backup.id)
    return bool(backup.path) and db.session.scalar(others.limit(1)) is not None


def busy(backup: Backup) -> str | None:
    """What is being done with a backup at the moment, in words."""
    also = select(restore_job_backup.c.job_id).where(restore_job_backup.c.backup_id == backup.id)
    restores = select(RestoreJob.id).where(
        or_(RestoreJob.backup_id == backup.id, RestoreJob.id.in_(also), RestoreJob.safety_id == backup.id),
        or_(RestoreJob.status.in_(MOVING), RestoreJob.scheduled_for.is_not(None) & (RestoreJob.status == "planned")),
    )
    if db.session.scalar(restores.limit(1)):
        return "being restored, or waiting to be"
    tasks = select(Task.kind).where(Task.backup_id == backup.id, Task.status.in_(("queued", "running")))
    kind = db.session.scalar(tasks.limit(1))
    words = {"backup": "being made", "verify": "being checked", "drill": "being drilled"}
    return words.get(kind, "in use") if kind else None


def remove(backup: Backup, why: str, *, by_hand: bool = False) -> None:
    """Take a backup's file away, unless another backup has the same bytes, and say why; ``by_hand``: a person wants it.

    Raises:
        Refusal: something stands against it; nothing was removed.
    """
    stands = objection(backup)
    if stands is not None:
        raise stands
    if backup.path:
        if not retention.remove(backup, why, by_hand=by_hand):
            # Between the look and the removal somebody pinned it, began to use it, or removed it.
            db.session.refresh(backup)
            raise objection(backup) or BackupBusy(name=backup.name, work="in use")
        return
    backup.removed_at, backup.removed_why = now(), why[:200]
    audit.note("backup.remove", backup.name, site=backup.site.name, why=why)
    db.session.commit()


def pin(backup: Backup, pinned: bool) -> None:
    """Keep a backup whatever the retention says, or no longer.

    Raises:
        BackupGone: it was removed.
    """
    if backup.removed_at is not None:
        raise BackupGone(name=backup.name)
    if backup.pinned != pinned:
        backup.pinned = pinned
        audit.note("backup.pin" if pinned else "backup.unpin", backup.name, site=backup.site.name)
    db.session.commit()

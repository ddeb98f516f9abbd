"""How a backup is kept: pinned, so that nothing takes it away, and removed, when nothing stands against it.

A removed backup leaves its row, so that the history tells that it was there and why it is gone. Each function commits
what it did together with its line in the audit.
"""

from __future__ import annotations

from sqlalchemy import func, or_, select, update

from webapp import audit
from webapp.engine.errors import Refusal
from webapp.models import Backup, RestoreJob, Task, User, db, now, restore_job_backup
from webapp.moves import MOVING
from webapp.refusals import BackupBusy, BackupGone, BackupPinned, BaseInUse
from webapp.storage import storage


def objection(backup: Backup) -> Refusal | None:
    """What stands against removing a backup, if anything does."""
    if backup.removed_at is not None or not (backup.path or backup.note):
        return BackupGone(name=backup.name) if backup.removed_at else BackupBusy(name=backup.name, work="being made")
    if backup.pinned:
        return BackupPinned(name=backup.name)
    if (count := len(increments(backup))) and backup.path:
        return BaseInUse(name=backup.name, count=count)
    if (work := busy(backup)) is not None:
        return BackupBusy(name=backup.name, work=work)
    return None


def increments(backup: Backup) -> list[Backup]:
    """The kept backups that cannot be read without this one."""
    return list(
        db.session.scalars(
            select(Backup).where(Backup.base_id == backup.id, Backup.path != "").order_by(Backup.created_at)
        )
    )


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


def remove(backup: Backup, why: str, *, user: User | None = None) -> None:
    """Take a backup's file away, unless another backup has the same bytes, and say why.

    Raises:
        Refusal: something stands against it; nothing was removed.
    """
    stands = objection(backup)
    if stands is not None:
        raise stands
    key, sha256 = backup.path, backup.sha256
    # Of two removals at the same moment one is told that the backup is gone.
    gone = db.session.execute(
        update(Backup)
        .where(Backup.id == backup.id, Backup.removed_at.is_(None), Backup.pinned.is_(False))
        .values(path="", removed_at=now(), removed_why=why[:200])
    )
    if not gone.rowcount:  # type: ignore[attr-defined]
        db.session.rollback()
        raise BackupGone(name=backup.name)
    audit.note("backup.delete", backup.name, user=user, site=backup.site.name, why=why, sha256=sha256, size=backup.size)
    db.session.commit()
    if key and not db.session.scalar(select(func.count()).select_from(Backup).where(Backup.path == key)):
        storage().remove(key)


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

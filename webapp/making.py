"""Making a backup's file. The row of a backup exists before its file; a making that broke off leaves neither half a file
nor a row that looks like a backup.

1. The engine writes into the uploads folder, under a name that begins with the backup's id.
2. The row is told the sha256, so that a file which was kept just before a crash is found again.
3. The file is put in its place, and the row learns its path in the same transaction that ends the task.
"""

from __future__ import annotations

import secrets

import msgspec
from sqlalchemy import select

from webapp.engine import commands
from webapp.engine.answers import BackupFacts
from webapp.leases import Report
from webapp.models import Backup, Task, db
from webapp.seal import site_url
from webapp.storage import storage
from webapp.stored import encrypt_for


def make(task: Task, report: Report) -> BackupFacts:
    """Write the file of the task's backup. The caller commits, together with the end of the task."""
    backup = task.backup
    discard(backup)
    target = storage().root / "uploads" / f"{backup.id}-{secrets.token_hex(4)}"
    try:
        facts = commands.backup(site_url(backup.site), target, profile=backup.site.profile, report=report)
        size, sha256 = facts.size, facts.sha256
        if backup.encrypted:
            report("encrypt", 0, 1)
            target, size, sha256 = encrypt_for(backup.site, target)
        # The last look whether the work is still ours: whoever has lost the lease keeps nothing.
        report("keep", facts.records, facts.records)
        backup.sha256 = sha256
        db.session.commit()
        storage().keep(target, f"backups/{sha256}")
    finally:
        target.unlink(missing_ok=True)
    backup.path = f"backups/{sha256}"
    backup.size, backup.records, backup.note = size, facts.records, ""
    return msgspec.structs.replace(facts, path=backup.path, size=size, sha256=sha256)


def discard(backup: Backup) -> None:
    """Remove what an earlier making of this backup left behind."""
    if backup.path or backup.removed_at:
        return
    for left in (storage().root / "uploads").glob(f"*{backup.id}*"):
        left.unlink(missing_ok=True)
    if backup.sha256 and not holds(backup.sha256):
        storage().remove(f"backups/{backup.sha256}")
    backup.sha256 = ""
    db.session.commit()


def holds(sha256: str) -> bool:
    """Whether any backup still has the file of that sha256."""
    return db.session.scalar(select(Backup.id).where(Backup.sha256 == sha256, Backup.path != "").limit(1)) is not None


def sweep() -> None:
    """Remove files that were put in their place for a backup which then did not come to be."""
    busy = select(Task.id).where(Task.backup_id == Backup.id, Task.status.in_(("queued", "running"))).exists()
    half = select(Backup).where(Backup.path == "", Backup.sha256 != "", Backup.removed_at.is_(None), ~busy)
    for backup in db.session.scalars(half).all():
        discard(backup)

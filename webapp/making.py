"""Making a backup's file. The row of a backup exists before its file; a making that broke off leaves neither half a file
nor a row that looks like a backup.

1. The engine writes into the uploads folder, under a name that begins with the backup's id.
2. The row is told the sha256, so that a file which was kept just before a crash is found again.
3. The file is put in its place, and the row learns its path in the same transaction that ends the task.
"""

from __future__ import annotations

import logging
import secrets
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from sqlalchemy import or_, select

from webapp.engine import backups
from webapp.engine.answers import BackupFacts
from webapp.engine.errors import BaseUnfit, DiskFull, FileRefused
from webapp.leases import NoRoom, Report
from webapp.models import Backup, Task, db
from webapp.refusals import FileDamaged, FileMissing, KeyMissing
from webapp.seal import site_url
from webapp.storage import storage
from webapp.stored import encrypt_for, readable, with_bases

log = logging.getLogger(__name__)

FULL_EVERY = 7
"""A plan of increments makes every so-manieth backup a full one."""


def make(task: Task, report: Report) -> BackupFacts:
    """Write the file of the task's backup. The caller commits, together with the end of the task."""
    backup = task.backup
    discard(backup)
    target = storage().root / "uploads" / f"{backup.id}-{secrets.token_hex(4)}"
    try:
        facts = _write(backup, target, report)
        size, sha256 = facts.size, facts.sha256
        if backup.encrypted:
            report("encrypt", 0, 1)
            target, size, sha256 = encrypt_for(backup.site, target)
        # The last look whether the work is still ours: whoever has lost the lease keeps nothing.
        report("keep", facts.records, facts.records)
        backup.sha256 = sha256
        db.session.commit()
        storage().keep(target, f"backups/{sha256}")
    except DiskFull as refusal:
        raise NoRoom from refusal
    finally:
        target.unlink(missing_ok=True)
    backup.path = f"backups/{sha256}"
    backup.size, backup.records, backup.note = size, facts.records, ""
    backup.kind, backup.format = facts.kind, facts.format
    if backup.encrypted and not backup.name.endswith(".age"):
        backup.name += ".age"
    backup.instant = _instant(facts.instant)
    return msgspec.structs.replace(facts, path=backup.path, size=size, sha256=sha256)


def _write(backup: Backup, target: Path, report: Report) -> BackupFacts:
    """Write what has changed since the backup that it can build on, or, where there is none that fits, everything."""
    backup.base_id = None
    if backup.kind == "incremental" and (base := base_for(backup)):
        # Kept in the row before it is read: from now on no rule removes it.
        backup.base_id = base.id
        db.session.commit()
        try:
            with readable(base) as files:
                return _engine(backup, target, report, [files] if isinstance(files, Path) else files)
        except (BaseUnfit, FileRefused, FileMissing, FileDamaged, KeyMissing) as refusal:
            log.info("backup %s is a full one: %s", backup.id, refusal.message)
            target.unlink(missing_ok=True)
            backup.base_id = None
    db.session.commit()
    return _engine(backup, target, report, [])


def _engine(backup: Backup, target: Path, report: Report, base: list[Path]) -> BackupFacts:
    site = backup.site
    return backups.make(
        site_url(site),
        target,
        profile=site.profile,
        categories=tuple(msgspec.json.decode(backup.categories_json, type=list[str])),
        format=backup.format,
        media=Path(site.media_root) if backup.media and site.media_root else None,
        base=base,
        site=site.name,
        report=report,
    )


def base_for(backup: Backup) -> Backup | None:
    """The newest good backup of the same plan, or for one made by hand of the site, that an increment can stand on.

    None begins a new chain: when there is none yet, when what was asked for has changed, and with every
    ``FULL_EVERY``-th backup, so that no chain grows long.
    """
    same = (
        Backup.site_id == backup.site_id,
        Backup.format == backup.format,
        Backup.categories_json == backup.categories_json,
        Backup.media.is_(backup.media),
    )
    earlier = select(Backup).where(
        *((Backup.plan_id == backup.plan_id,) if backup.plan_id is not None else same),
        Backup.id != backup.id,
        Backup.path != "",
        Backup.created_at <= backup.created_at,
    )
    newest = db.session.scalars(earlier.order_by(Backup.created_at.desc(), Backup.id.desc()).limit(1)).first()
    chain = with_bases((newest,)) if newest else []
    whole = all(each.path and not each.verified_problem for each in chain)
    alike = all(
        (each.format, each.categories_json, each.media) == (backup.format, backup.categories_json, backup.media)
        for each in chain
    )
    return newest if whole and alike and len(chain) < FULL_EVERY else None


def _instant(text: str) -> datetime | None:
    """The instant of a snapshot, naive UTC."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None) if text else None


def discard(backup: Backup) -> None:
    """Remove what an earlier making of this backup left behind."""
    if backup.path or backup.removed_at:
        return
    for left in (storage().root / "uploads").glob(f"*{backup.id}*"):
        left.unlink(missing_ok=True)
    if backup.sha256 and not holds(backup.sha256, besides=backup):
        storage().remove(f"backups/{backup.sha256}")
    backup.sha256 = ""
    db.session.commit()


def holds(sha256: str, *, besides: Backup | None = None) -> bool:
    """Whether any backup has the file of that sha256, or is about to: its row is told that before the file is kept."""
    there = or_(Backup.path != "", Backup.removed_at.is_(None))
    others = select(Backup.id).where(Backup.sha256 == sha256, there, Backup.id != (besides.id if besides else ""))
    return db.session.scalar(others.limit(1)) is not None


def sweep() -> None:
    """Remove files that were put in their place for a backup which then did not come to be."""
    busy = select(Task.id).where(Task.backup_id == Backup.id, Task.status.in_(("queued", "running"))).exists()
    half = select(Backup).where(Backup.path == "", Backup.sha256 != "", Backup.removed_at.is_(None), ~busy)
    for backup in db.session.scalars(half).all():
        discard(backup)

"""Seeing that backups are good: their bytes from time to time by the clock, and whole by a drill when somebody asks.

Verifying reads a stored file and holds it against the sha256 under which it was kept. A drill restores it for trial
into a scratch database (:mod:`webapp.engine.drill`); only that proves a backup. Neither touches a site's rows.
"""

from __future__ import annotations

import hashlib
import shutil
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from flask import current_app
from sqlalchemy import func, select

from webapp.engine import backups, commands
from webapp.engine.answers import DrillAnswer
from webapp.engine.errors import FileRefused
from webapp.leases import Report
from webapp.models import Backup, RestoreJob, Task, db, now
from webapp.refusals import FileDamaged, FileMissing, KeyMissing
from webapp.restores import as_text
from webapp.seal import site_url
from webapp.settings import Settings
from webapp.storage import BLOCK, storage
from webapp.stored import readable

AGAIN = timedelta(hours=6)
"""So long after a verification that came to nothing the clock leaves that backup alone."""


def verify(task: Task, report: Report) -> None:
    """Read the file of the task's backup and note what was found. Damage is a finding, not a failure of the work."""
    backup = task.backup
    try:
        look_at(backup, report)
    except (FileMissing, FileDamaged, FileRefused) as refusal:
        backup.verified_problem = refusal.message
    else:
        backup.verified_problem = ""
    backup.verified_at = now()


def look_at(backup: Backup, report: Report) -> None:
    """Read a stored file whole, and each part of a native one, with what it builds on.

    Raises:
        FileMissing, FileDamaged, FileRefused
    """
    path = storage().fetch(backup.path)
    digest, done, size = hashlib.sha256(), 0, path.stat().st_size
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
            done += len(block)
            report("verify", done, size)
    if digest.hexdigest() != backup.sha256:
        raise FileDamaged(key=backup.path)
    if backup.format == "native":
        # Without the key to an encrypted one its bytes are all that can be looked at.
        with suppress(KeyMissing), readable(backup) as files:
            backups.check(files, report)


def drill(task: Task, report: Report) -> DrillAnswer:
    """Try the task's backup out, and note what came of it."""
    with readable(task.backup) as files:
        return try_out(task.backup, files, storage().drills / task.id, report)


def try_out(backup: Backup, files: Path | list[Path], scratch: Path, report: Report) -> DrillAnswer:
    """Drill a backup and write the answer into its row. The caller commits."""
    try:
        answer = commands.drill(
            files, site_url(backup.site), scratch=scratch, profile=backup.site.profile, report=report
        )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    backup.drill_json = as_text(answer)
    backup.proven_at = now() if answer.proven else None
    return answer


# ---------------------------------------------------------------- the clock


def due() -> Backup | None:
    """The backup whose verification is due next, unless one is under way: they are spread, and the oldest look comes first."""
    settings: Settings = current_app.config["SETTINGS"]
    under_way = select(Task.id).where(Task.kind == "verify", Task.status.in_(("queued", "running")))
    if not settings.verify_days or db.session.scalar(under_way.limit(1)):
        return None
    # What could not be looked at (a store that is away, a key that cannot be read) is not asked for again at once.
    tried = (Task.backup_id == Backup.id, Task.kind == "verify", Task.created_at > now() - AGAIN)
    # A backup was read when it was kept: the first look is due one round after that.
    last = func.coalesce(Backup.verified_at, Backup.created_at)
    late = last < now() - timedelta(days=settings.verify_days)
    wanted = select(Backup).where(Backup.path != "", late, ~select(Task.id).where(*tried).exists())
    return db.session.scalars(wanted.order_by(last).limit(1)).first()


def sweep() -> None:
    """Remove what killed drills have left."""
    # Looked at before the rows: what begins meanwhile is not among them.
    found = list(storage().drills.iterdir())
    running = select(Task.id).where(Task.kind == "drill", Task.status == "running")
    jobs = select(RestoreJob.id).where(RestoreJob.status == "running")
    busy = {*db.session.scalars(running), *db.session.scalars(jobs)}
    for left in found:
        if left.name not in busy:
            shutil.rmtree(left, ignore_errors=True)

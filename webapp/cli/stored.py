"""Stored backups on the command line, by the beginning of their id."""

from __future__ import annotations

from sqlalchemy import select

from webapp import audit, proving
from webapp.cli import register, terminal
from webapp.engine.answers import DrillAnswer
from webapp.models import Backup, db, new_id
from webapp.refusals import UnknownBackup
from webapp.storage import storage
from webapp.stored import readable


def drill(beginning: str) -> DrillAnswer:
    """Try a stored backup out and keep the answer with it."""
    with register.app():
        backup = find(beginning)
        progress = terminal.Progress()
        try:
            with readable(backup) as files:
                answer = proving.try_out(backup, files, storage().drills / new_id(), progress)
        finally:
            progress.clear()
        audit.note("drill.ended", backup.name, result="done" if answer.proven else "failed", site=backup.site.name)
        db.session.commit()
        return answer


def find(beginning: str) -> Backup:
    """The stored backup whose id begins so.

    Raises:
        UnknownBackup: there is none, or more than one.
    """
    found = []
    if beginning.isalnum():
        query = select(Backup).where(Backup.id.startswith(beginning), Backup.path != "").limit(2)
        found = list(db.session.scalars(query))
    if len(found) != 1:
        raise UnknownBackup(id=beginning, count="more than one" if found else "no")
    return found[0]

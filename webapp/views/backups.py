"""Backups: make one now, and download one."""

from __future__ import annotations

from flask import Blueprint, Response, abort, current_app, send_file, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from webapp import tasks
from webapp.audit import note
from webapp.models import Backup, db, now
from webapp.storage import storage
from webapp.views.fragments import see_other
from webapp.views.permissions import allow, find_backup, find_site, person

blueprint = Blueprint("backups", __name__)


@blueprint.post("/sites/<int:site_id>/backup/")
@allow("admin")
def make(site_id: int) -> Response:
    """Have a backup of a site made now; one that is being made is not asked for twice."""
    site = find_site(site_id)
    unmade = (Backup.path == "", Backup.note == "", Backup.removed_at.is_(None))
    waiting = select(Backup).where(Backup.site_id == site.id, *unmade)
    backup = db.session.scalars(waiting).first()
    if backup is None:
        backup = Backup(
            site_id=site.id,
            name=f"{site.name}-{now():%Y%m%d-%H%M%S}.json",
            size=0,
            sha256="",
            origin="made",
            path="",
            created_by_id=person().id,
        )
        db.session.add(backup)
        note("backup.make", backup.name, site=site.name)
    task = tasks.ask("backup", backup, person=person())
    db.session.commit()
    current_app.extensions["enqueue"](task.id, task=True)
    return see_other(url_for("history.page", site=site.id))


@blueprint.get("/backups/<backup_id>/file/")
@allow("admin")
def download(backup_id: str) -> AnyResponse:
    """The file as it is kept."""
    backup = find_backup(backup_id)
    key = backup.path or abort(404)
    path = storage().fetch(key) if storage().exists(key) else abort(404)
    note("backup.download", backup.name, site=backup.site.name)
    db.session.commit()
    return send_file(
        path,
        as_attachment=True,
        # The stored name came from somebody's upload; this one is plain.
        download_name=f"backup-{backup.site.name}-{backup.sha256[:12]}{_suffix(backup.name)}",
        mimetype="application/octet-stream",
    )


def _suffix(name: str) -> str:
    endings = (".json", ".jsonl", ".json.gz", ".json.bz2", ".json.xz", ".jsonl.gz", ".zip", ".gz")
    return next((ending for ending in sorted(endings, key=len, reverse=True) if name.lower().endswith(ending)), ".bin")

"""Files that a browser or a program sends, kept as backups of a site."""

from __future__ import annotations

from typing import BinaryIO, cast

from flask import current_app, request
from sqlalchemy import select

from webapp.audit import note
from webapp.models import Backup, Site, db
from webapp.restores import NothingUploaded
from webapp.storage import storage
from webapp.stored import is_encrypted
from webapp.views.permissions import person

RAW = "application/octet-stream"


def received(site: Site) -> list[Backup]:
    """The files that were sent: fields of a form, or the bare bytes with ``?name=``. The same bytes twice are one backup.

    Raises:
        NothingUploaded, UploadIncomplete, UploadTooLarge, StorageFull: the file is not kept.
    """
    limit: int = current_app.config["SETTINGS"].max_upload
    if request.mimetype == RAW:
        kept = storage().receive(cast(BinaryIO, request.stream), expected=request.content_length, limit=limit)
        return [_known(site, kept.sha256) or _new(site, request.args.get("name", ""), kept.key, kept.size, kept.sha256)]
    found: dict[str, Backup] = {}
    for file in request.files.getlist("file"):
        if file.filename:
            kept = storage().receive(cast(BinaryIO, file.stream), expected=None, limit=limit)
            backup = _known(site, kept.sha256) or _new(site, file.filename, kept.key, kept.size, kept.sha256)
            found[backup.id] = backup
    if not found:
        raise NothingUploaded
    return list(found.values())


def _known(site: Site, sha256: str) -> Backup | None:
    # One that was removed has the sha256 still, and its file no more.
    kept = (Backup.site_id == site.id, Backup.sha256 == sha256, Backup.path != "")
    return db.session.scalars(select(Backup).where(*kept).order_by(Backup.created_at)).first()


def _new(site: Site, name: str, key: str, size: int, sha256: str) -> Backup:
    # Some browsers send a whole path; only its last part says anything.
    short = name.replace("\\", "/").rpartition("/")[2].strip()[:255] or "backup"
    backup = Backup(
        site_id=site.id,
        name=short,
        size=size,
        sha256=sha256,
        origin="upload",
        format="",
        path=key,
        created_by_id=person().id,
    )
    backup.encrypted = is_encrypted(key)
    db.session.add(backup)
    note("backup.upload", short, site=site.name, sha256=sha256, size=size)
    db.session.commit()
    return backup

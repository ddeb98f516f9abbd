"""The five addresses of the restore system: fragments for a browser, JSON for ``Accept: application/json``.

An API client logs in like a person, sends the session's cookie and the header ``X-CSRFToken``; the token is in the
answer of ``GET /restore/categories/``.
"""

from __future__ import annotations

from typing import BinaryIO, cast

from flask import Blueprint, Response, abort, current_app, jsonify, request
from flask_wtf.csrf import generate_csrf
from sqlalchemy import select

from webapp.audit import note
from webapp.models import Backup, RestoreJob, Site, db
from webapp.restores import ChoiceRefused, NothingUploaded, analysis_of, begin, choices_of, may_choose
from webapp.storage import storage
from webapp.stored import is_encrypted
from webapp.views.choosing import choices_from, choosable
from webapp.views.fragments import page_or_fragment, wants_json
from webapp.views.permissions import allow, find_backup, find_job, find_site, person
from webapp.views.restores import again, started
from webapp.views.steps import show

blueprint = Blueprint("api", __name__, url_prefix="/restore")

RAW = "application/octet-stream"


@blueprint.post("/upload/")
@allow("admin")
def upload() -> Response:
    """Keep an uploaded file as a backup and have it analysed. As a form, or as the bare bytes with ``?site=&name=``."""
    return started(begin(_received(), person(), "analysing"))


@blueprint.post("/analyze/")
@allow("admin")
def analyze() -> Response:
    """Analyse: a file that is sent along, a ``backup`` from the history, or a ``job`` once more."""
    if job_id := request.values.get("job"):
        return again(find_job(job_id), "analysing")
    if backup_id := request.values.get("backup"):
        return started(begin(find_backup(backup_id), person(), "analysing"))
    return upload()


@blueprint.post("/history/<backup_id>/")
@allow("admin")
def from_history(backup_id: str) -> Response:
    """Preview the restore of a backup from the history with the choices given. It restores nothing."""
    backup = find_backup(backup_id)
    found = analysis_of(backup)
    known = tuple(each.facts.key for each in choosable(found)) if found else ()
    choices = choices_from(request.form, known)
    if not may_choose(person(), backup.site, choices):
        raise ChoiceRefused
    return started(begin(backup, person(), "planning" if found else "analysing", choices))


@blueprint.get("/job/<job_id>/")
@allow("viewer")
def job(job_id: str) -> Response:
    """Where a restore stands; a page that shows a moving state asks here."""
    return show(find_job(job_id))


@blueprint.get("/categories/")
@allow("viewer")
def categories() -> Response:
    """What can be chosen in a backup: categories with their counts."""
    owner = _asked()
    found = analysis_of(owner)
    choices = choices_of(owner) if isinstance(owner, RestoreJob) else None
    if wants_json():
        entries = [
            {
                "key": category.key,
                "title": category.title,
                "records": category.records,
                "tables": category.tables,
                "needs": category.needs,
            }
            for category in [each.facts for each in (choosable(found) if found else [])]
        ]
        return jsonify(categories=entries, analysed=found is not None, csrf_token=generate_csrf())
    return page_or_fragment(
        "restores/categories.html",
        "restores/_categories.html",
        analysis=found,
        choices=choices,
        choosable=choosable(found) if found else [],
    )


def _asked() -> RestoreJob | Backup:
    if job_id := request.args.get("job"):
        return find_job(job_id)
    return find_backup(request.args.get("backup", ""))


def _received() -> Backup:
    """The upload as a backup of its site; the same bytes twice are one backup.

    Raises:
        NothingUploaded, UploadIncomplete, UploadTooLarge, StorageFull: nothing is kept.
    """
    site = find_site(request.values.get("site", type=int) or abort(404))
    limit: int = current_app.config["SETTINGS"].max_upload
    if request.mimetype == RAW:
        name = request.args.get("name", "")
        received = storage().receive(cast(BinaryIO, request.stream), expected=request.content_length, limit=limit)
    else:
        file = request.files.get("file")
        if file is None or not file.filename:
            raise NothingUploaded
        name = file.filename
        received = storage().receive(cast(BinaryIO, file.stream), expected=None, limit=limit)
    return _known(site, received.sha256) or _new(site, name, received.key, received.size, received.sha256)


def _known(site: Site, sha256: str) -> Backup | None:
    return db.session.scalars(select(Backup).where(Backup.site_id == site.id, Backup.sha256 == sha256)).first()


def _new(site: Site, name: str, key: str, size: int, sha256: str) -> Backup:
    # Some browsers send a whole path; only its last part says anything.
    short = name.replace("\\", "/").rpartition("/")[2].strip()[:255] or "backup"
    backup = Backup(
        site_id=site.id, name=short, size=size, sha256=sha256, origin="upload", path=key, created_by_id=person().id
    )
    backup.encrypted = is_encrypted(key)
    db.session.add(backup)
    note("backup.upload", short, site=site.name, sha256=sha256, size=size)
    db.session.commit()
    return backup

"""Several backups in one restore: files are added to it and taken out again, and all of them are read anew as one."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, request

from webapp.audit import note
from webapp.engine.answers import Choices
from webapp.models import db
from webapp.restores import NotNow, SeveralSites, as_text, choices_of, require_file
from webapp.views.permissions import allow, find_backup, find_job
from webapp.views.receiving import received
from webapp.views.restores import again
from webapp.views.steps import CHOOSABLE, show
from webapp.words import STATUS

blueprint = Blueprint("together", __name__)


@blueprint.post("/restores/<job_id>/files/")
@allow("admin")
def change(job_id: str) -> Response:
    """Add files that are sent along and each ``backup`` named, take out each one to ``remove``, and analyse them as one."""
    job = find_job(job_id)
    if job.status not in CHOOSABLE:
        return show(job, status=422, refusal=NotNow(status=STATUS[job.status][0]))
    wanted = {backup.id: backup for backup in job.more}
    for backup in map(find_backup, filter(None, request.form.getlist("backup"))):
        require_file(backup)
        wanted[backup.id] = backup
    if any(backup.site_id != job.site_id for backup in wanted.values()):
        return show(job, status=422, refusal=SeveralSites())
    if any(file.filename for file in request.files.getlist("file")):
        wanted |= {backup.id: backup for backup in received(job.site)}
    for unwanted in (job.backup_id, *request.form.getlist("remove")):
        wanted.pop(unwanted, None)
    job.more = list(wanted.values())
    note(
        "restore.files",
        f"restore {job.id}",
        site=job.site.name,
        files=[job.backup.name, *(each.name for each in job.more)],
    )
    db.session.commit()
    # What was chosen of other files may not be in these.
    kept = msgspec.structs.replace(Choices(), repairs=choices_of(job).repairs)
    return again(job, "analysing", choices_json=as_text(kept), plan_json=None)

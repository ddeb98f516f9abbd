"""The five addresses of the restore system: fragments for a browser, JSON for ``Accept: application/json``.

An API client logs in like a person, sends the session's cookie and the header ``X-CSRFToken``; the token is in the
answer of ``GET /restore/categories/``.
"""

from __future__ import annotations

from flask import Blueprint, Response, abort, jsonify, request
from flask_wtf.csrf import generate_csrf

from webapp.models import Backup, RestoreJob
from webapp.restores import (
    ChoiceRefused,
    NothingUploaded,
    analysis_of,
    begin,
    choices_of,
    may_choose,
    objection_to_keys,
)
from webapp.views.choosing import choices_from, choosable
from webapp.views.fragments import page_or_fragment, wants_json
from webapp.views.permissions import allow, find_backup, find_job, find_site, person
from webapp.views.receiving import received
from webapp.views.restores import again, started
from webapp.views.steps import show

blueprint = Blueprint("api", __name__, url_prefix="/restore")


@blueprint.post("/upload/")
@allow("admin")
def upload() -> Response:
    """Keep uploaded files as backups and have them analysed, several as one restore.

    As a form, or one as the bare bytes with ``?site=&name=``; with ``&keep=yes`` it is kept and nothing else.
    """
    site = find_site(request.values.get("site", type=int) or abort(404))
    first, *more = received(site)
    if request.args.get("keep"):
        return jsonify(backup=first.id)
    return started(begin(first, person(), "analysing", more=more))


@blueprint.post("/analyze/")
@allow("admin")
def analyze() -> Response:
    """Analyse: files that are sent along, each ``backup`` named from the history, or a ``job`` once more."""
    if job_id := request.values.get("job"):
        return again(find_job(job_id), "analysing")
    if named := request.values.getlist("backup"):
        first, *more = map(find_backup, named)
        return started(begin(first, person(), "analysing", more=more))
    if "site" not in request.values:
        raise NothingUploaded
    return upload()


@blueprint.post("/history/<backup_id>/")
@allow("admin")
def from_history(backup_id: str) -> Response:
    """Preview the restore of a backup from the history, and of ``more`` together with it, with the choices given. It restores nothing."""
    backup = find_backup(backup_id)
    more = [find_backup(each) for each in request.form.getlist("more")]
    found = None if more else analysis_of(backup)
    known = tuple(each.facts.key for each in choosable(found)) if found else ()
    choices = choices_from(request.form, known)
    if not may_choose(person(), backup.site, choices):
        raise ChoiceRefused
    if objection := objection_to_keys(backup.site, choices):
        raise objection
    return started(begin(backup, person(), "planning" if found else "analysing", choices, more))


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

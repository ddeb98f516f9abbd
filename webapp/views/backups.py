"""What is done with backups: make one, check it, drill it, download it, pin it, delete it."""

from __future__ import annotations

from pathlib import PurePath

from flask import Blueprint, Response, abort, current_app, flash, render_template, request, send_file, url_for
from werkzeug.wrappers import Response as AnyResponse

from webapp import keeping, ordering, plans, tasks
from webapp.audit import note
from webapp.engine.errors import Refusal
from webapp.models import Backup, Site, Task, db
from webapp.refusals import NotYours, WordNotTyped
from webapp.storage import storage
from webapp.views.fragments import see_other
from webapp.views.history import show
from webapp.views.permissions import RIGHTS, allow, find_backup, find_site, find_task, person

blueprint = Blueprint("backups", __name__)

WORD = "delete"
DONE = {"verify": "It is being checked.", "drill": "It is being drilled: restored into an empty copy and compared."}


@blueprint.get("/sites/<int:site_id>/backup/")
@allow("admin")
def choose(site_id: int) -> str:
    """What to back up of a site, and how."""
    return _form(find_site(site_id))


@blueprint.post("/sites/<int:site_id>/backup/")
@allow("admin")
def make(site_id: int) -> Response | tuple[str, int]:
    """Have a backup of a site made now: as usual, or as the form of choices says."""
    site = find_site(site_id)
    wanted = _wanted() if "chosen" in request.form else ordering.usual(site)
    try:
        task = ordering.order(site, wanted, person())
    except Refusal as refusal:
        return _form(site, refusal, wanted), 422
    current_app.extensions["enqueue"](task.id, task=True)
    return see_other(url_for("history.page", site=site.id))


@blueprint.post("/backups/<backup_id>/verify/")
@allow("admin")
def verify(backup_id: str) -> Response:
    """Have every byte of a backup looked at."""
    return _work("verify", find_backup(backup_id))


@blueprint.post("/backups/<backup_id>/drill/")
@allow("admin")
def drill(backup_id: str) -> Response:
    """Have a backup restored into an empty copy of today's schema, as the proof that it can be."""
    return _work("drill", find_backup(backup_id))


@blueprint.post("/backups/tasks/<task_id>/cancel/")
@allow("admin")
def cancel(task_id: str) -> Response:
    """Stop what is being done with a backup."""
    task = find_task(task_id)
    backup = task.backup
    if tasks.request_cancel(task.id):
        note("task.cancel", backup.name, site=backup.site.name, kind=task.kind)
        db.session.commit()
    return see_other(url_for("history.backup", backup_id=backup.id, tab="checks"))


@blueprint.post("/backups/<backup_id>/pin/")
@allow("admin")
def pin(backup_id: str) -> Response:
    """Keep a backup whatever the retention says, or no longer."""
    backup = find_backup(backup_id)
    try:
        keeping.pin(backup, request.form.get("pinned") == "yes")
    except Refusal as refusal:
        return show(backup, status=422, refusal=refusal)
    flash(f"{backup.name} is {'pinned: it stays until somebody unpins it' if backup.pinned else 'no longer pinned'}.")
    return see_other(url_for("history.backup", backup_id=backup.id))


@blueprint.get("/backups/<backup_id>/delete/")
@allow("admin")
def deletion(backup_id: str) -> str:
    """What deleting a backup means, and the button."""
    return _deletion(find_backup(backup_id))


@blueprint.post("/backups/<backup_id>/delete/")
@allow("admin")
def delete(backup_id: str) -> Response | tuple[str, int]:
    """Delete a backup's file; its line stays in the history."""
    backup = find_backup(backup_id)
    try:
        if not _may_delete(backup):
            raise NotYours(name=backup.name)
        if keeping.is_last(backup) and request.form.get("word", "").strip().lower() != WORD:
            raise WordNotTyped(word=WORD, field="word")
        keeping.remove(backup, f"Deleted by {person().username}", by_hand=True)
    except Refusal as refusal:
        db.session.rollback()
        note("backup.remove", backup.name, result="refused", site=backup.site.name, code=refusal.code)
        db.session.commit()
        return _deletion(backup, refusal), 422
    flash(f"{backup.name} is deleted. Its line stays in the history.")
    return see_other(url_for("history.page", site=backup.site_id))


@blueprint.get("/backups/<backup_id>/file/")
@allow(RIGHTS["download"])
def download(backup_id: str) -> AnyResponse:
    """The file as it is kept."""
    backup = find_backup(backup_id)
    key = backup.path or abort(404)
    path = storage().fetch(key) if storage().exists(key) else abort(404)
    note("backup.download", backup.name, site=backup.site.name, size=backup.size, sha256=backup.sha256)
    db.session.commit()
    return send_file(path, as_attachment=True, download_name=plain_name(backup), mimetype="application/octet-stream")


def plain_name(backup: Backup) -> str:
    """The name that a download is given: whose, of when, and which; never what somebody called the upload."""
    at = backup.instant or backup.created_at
    return f"{backup.site.name}-{at:%Y%m%d-%H%M%S}-{backup.sha256[:8]}{_ending(backup.name)}"


ENDINGS = frozenset(
    {".json", ".jsonl", ".xml", ".yaml", ".yml", ".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".lzma", ".sql", ".dump",
     ".sqlite", ".sqlite3", ".db", ".age", ".srb"}
)  # fmt: skip


def _ending(name: str) -> str:
    """The known endings of a name, at most three: ".json.gz", ".tar.gz.age"."""
    known: list[str] = []
    for suffix in reversed(PurePath(name.lower()).suffixes[-3:]):
        if suffix not in ENDINGS:
            break
        known.insert(0, suffix)
    return "".join(known) or ".bin"


def _work(kind: str, backup: Backup) -> Response:
    if not backup.path or kind not in tasks.KINDS:
        abort(404)
    note(f"backup.{kind}", backup.name, site=backup.site.name)
    _begin(kind, backup)
    flash(DONE[kind])
    return see_other(url_for("history.backup", backup_id=backup.id, tab="checks"))


def _begin(kind: str, backup: Backup) -> Task:
    task = tasks.ask(kind, backup, person=person())
    db.session.commit()
    current_app.extensions["enqueue"](task.id, task=True)
    return task


def _may_delete(backup: Backup) -> bool:
    """A root any, an admin what they made or uploaded themselves: one stolen account does not take all backups along."""
    return person().role == "root" or backup.created_by_id == person().id


def _deletion(backup: Backup, refusal: Refusal | None = None) -> str:
    stands = keeping.objection(backup)
    if stands is None and not _may_delete(backup):
        stands = NotYours(name=backup.name)
    return render_template(
        "history/delete.html", backup=backup, refusal=refusal, stands=stands, last=keeping.is_last(backup),
        shared=keeping.is_shared(backup), word=WORD,
    )  # fmt: skip


def _wanted() -> ordering.Order:
    form = request.form
    return ordering.Order(
        kind=form.get("kind", "full"),
        format=form.get("format", "native"),
        categories=tuple(form.getlist("category")),
        media="media" in form,
        encrypted="encrypted" in form,
    )


def _form(site: Site, refusal: Refusal | None = None, wanted: ordering.Order | None = None) -> str:
    return render_template(
        "history/make.html",
        site=site,
        refusal=refusal,
        wanted=wanted or ordering.usual(site),
        categories=plans.known_categories(site),
        formats=plans.formats(),
        base=keeping.newest_whole(site),
    )

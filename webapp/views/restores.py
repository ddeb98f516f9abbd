"""The flow of one restore, each at a permanent address: pick, analysis, choose, preview, confirm, progress, report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from flask import Blueprint, Response, abort, current_app, request, send_file, url_for
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from webapp import later, moves
from webapp.audit import note
from webapp.engine import commands
from webapp.engine.answers import Plan
from webapp.engine.errors import PlanBlocked, PlanChanged, Refusal, RemovalNotConfirmed, SiteBusy
from webapp.memory import remember
from webapp.models import Backup, JobStatus, RestoreJob, db
from webapp.restores import (
    ChoiceRefused,
    NotNow,
    analysis_of,
    as_text,
    begin,
    choices_of,
    may_choose,
    objection_to_keys,
    plan_of,
    require_file,
)
from webapp.storage import storage
from webapp.views.choosing import choices_from, choosable, without_place
from webapp.views.fragments import page_or_fragment, see_other, wants_json
from webapp.views.permissions import allow, find_backup, find_job, own_sites, person
from webapp.views.steps import CHOOSABLE, files_of, show
from webapp.words import STATUS

blueprint = Blueprint("restores", __name__)

PAGE_ROWS = 25
SEEN_BACKUPS = 30


@blueprint.get("/restore/")
@allow("viewer")
def pick() -> Response:
    """Upload a backup, or take one from the history."""
    sites = list(db.session.scalars(own_sites()))
    wanted = request.args.get("site", type=int)
    kept = select(Backup).where(Backup.path != "").order_by(Backup.created_at.desc())
    if wanted is None:
        newest = db.session.scalar(kept.where(Backup.site_id.in_([site.id for site in sites])).limit(1))
        wanted = newest.site_id if newest else None
    site = next((site for site in sites if site.id == wanted), sites[0] if sites else None)
    backups = db.session.scalars(kept.where(Backup.site_id == (site.id if site else 0)).limit(SEEN_BACKUPS))
    return page_or_fragment(
        "restores/pick.html",
        "restores/_pick.html",
        sites=sites,
        site=site,
        backups=list(backups),
        limit=current_app.config["SETTINGS"].max_upload,
    )


@blueprint.post("/restore/start/<backup_id>/")
@allow("admin")
def start(backup_id: str) -> Response:
    """Begin with a backup that is there already."""
    return started(begin(find_backup(backup_id), person(), "analysing"))


def started(job: RestoreJob) -> Response:
    """Wake a worker for a job that waits, and go to its page."""
    current_app.extensions["enqueue"](job.id)
    if wants_json():
        return show(job, status=202)
    return see_other(url_for("restores.page", job_id=job.id))


@blueprint.get("/restores/<job_id>/")
@allow("viewer")
def page(job_id: str) -> Response:
    """Where a restore stands."""
    return show(find_job(job_id))


@blueprint.get("/restores/<job_id>/analysis/")
@allow("viewer")
def analysis(job_id: str) -> Response:
    """What the backup holds."""
    job = find_job(job_id)
    return show(job, "analysis" if job.analysis_json else "")


@blueprint.get("/restores/<job_id>/choose/")
@allow("admin")
def choose(job_id: str) -> Response:
    """What is to be restored, and how."""
    job = find_job(job_id)
    return show(job, "choose" if job.analysis_json and job.status in CHOOSABLE else "")


@blueprint.post("/restores/<job_id>/choose/")
@allow("admin")
def decide(job_id: str) -> Response:
    """Take the choices and have the preview made."""
    job = find_job(job_id)
    found = analysis_of(job)
    choices = choices_from(request.form, tuple(each.facts.key for each in choosable(found)) if found else ())
    before = choices_of(job)
    choices = msgspec.structs.replace(choices, repairs=before.repairs, decisions=before.decisions)
    if not may_choose(person(), job.site, choices):
        return show(job, "choose", status=422, refusal=ChoiceRefused(), choices=choices)
    if objection := objection_to_keys(job.site, choices):
        return show(job, "choose", status=422, refusal=objection, choices=choices)
    places = without_place(found) if found else []
    drift = [name for each in places if choices.accept_drift or each.label in choices.drift for name in each.names]
    remember(job.site_id, match_by=choices.match_by, drift=drift)
    note(
        "restore.choose",
        f"restore {job.id}",
        site=job.site.name,
        categories=choices.categories,
        remove=choices.remove,
        on_conflict=choices.on_conflict,
        accounts=choices.accounts,
    )
    db.session.commit()
    return again(job, "planning", choices_json=as_text(choices))


@blueprint.post("/restores/<job_id>/again/")
@allow("admin")
def repeat(job_id: str) -> Response:
    """Make the preview again, or the analysis where there is none yet."""
    job = find_job(job_id)
    return again(job, "planning" if job.plan_json or job.kind == "reset" else "analysing")


def again(job: RestoreJob, to: JobStatus, **values: Any) -> Response:
    """Send a job back to the worker, with what has changed."""
    if job.kind != "reset" or values:
        # The backup of a reset is made when it is carried out.
        require_file(job.backup)
    from_ = [state for state in moves.NEXT if to in moves.NEXT[state] and state != "draft"]
    if not moves.move(
        job.id,
        from_,
        to,
        None,
        **values,
        error_json=None,
        plan_digest=None,
        confirm_removal=None,
        scheduled_for=None,
        phase="",
        done=0,
        total=0,
    ):
        # A second click finds the first one's work under way; anything else is told.
        if job.status != to:
            return show(job, status=422, refusal=NotNow(status=STATUS[job.status][0]))
        return see_other(url_for("restores.page", job_id=job.id))
    return started(job)


@blueprint.get("/restores/<job_id>/preview/")
@allow("viewer")
def preview(job_id: str) -> Response:
    """What would change, or what was to be changed."""
    job = find_job(job_id)
    return show(job, "preview" if job.plan_json and job.status not in moves.MOVING else "")


@blueprint.get("/restores/<job_id>/rows/<table>/")
@allow("viewer")
def rows(job_id: str, table: str) -> Response:
    """The rows behind a number."""
    job = find_job(job_id)
    plan = plan_of(job) or abort(404)
    shown = (*plan.tables, *filter(None, [files_of(plan)]))
    about = next((entry for entry in shown if entry.table == table), None) or abort(404)
    action, text = request.args.get("action", ""), request.args.get("text", "").strip()
    after = request.args.get("after", 0, type=int)
    found = commands.plan_rows(_rows_file(job), table, action=action, text=text, after=after, limit=PAGE_ROWS)
    if wants_json():
        return Response(msgspec.json.encode(found), mimetype="application/json")
    return page_or_fragment(
        "restores/rows.html",
        "restores/_more_rows.html" if after else "restores/_rows.html",
        job=job, plan=plan, about=about, found=found, action=action, text=text, after=after,
    )  # fmt: skip


def _rows_file(job: RestoreJob) -> Path:
    key = job.receipt_path or job.plan_path or abort(404)
    return storage().fetch(key) if storage().exists(key) else abort(404)


@blueprint.get("/restores/<job_id>/confirm/")
@allow("admin")
def confirm(job_id: str) -> Response:
    """One sentence that says what will be done, and the button that does it."""
    job = find_job(job_id)
    if job.kind == "reset":
        return see_other(url_for("resets.confirm", job_id=job.id))
    return show(job, "confirm" if job.status == "planned" else "")


@blueprint.post("/restores/<job_id>/confirm/")
@allow("admin")
def restore(job_id: str) -> Response:
    """Approve the plan that was shown, and no other."""
    job = find_job(job_id)
    plan = plan_of(job)
    if job.status != "planned" or plan is None:
        return see_other(url_for("restores.page", job_id=job.id))  # the second of two clicks
    typed = request.form.get("removal", type=int)
    refusal = _objection(job, plan, request.form.get("digest", ""), typed)
    if refusal is not None:
        note("restore.confirm", f"restore {job.id}", result="refused", code=refusal.code)
        db.session.commit()
        return show(job, "confirm", status=422, refusal=refusal)
    who = person().id  # the worker asks again, when it starts, whether this person may
    if request.form.get("when") == "later":
        return _schedule(job, typed, who)
    if moves.move(
        job.id,
        ["planned"],
        "queued",
        only=RestoreJob.plan_digest == plan.digest,
        confirm_removal=typed,
        scheduled_for=None,
        error_json=None,
        phase="",
        done=0,
        total=0,
        created_by_id=who,
    ):
        note("restore.confirm", f"restore {job.id}", site=job.site.name, digest=plan.digest)
        db.session.commit()
        current_app.extensions["enqueue"](job.id)
    return see_other(url_for("restores.page", job_id=job.id))


def _objection(job: RestoreJob, plan: Plan, digest: str, typed: int | None) -> Refusal | None:
    if job.kind == "reset" or not may_choose(person(), job.site, choices_of(job)):
        return ChoiceRefused()
    if digest != plan.digest or job.plan_digest != plan.digest:
        return PlanChanged()
    if not plan.ready:
        return PlanBlocked(count=plan.problem_count)
    if plan.removal and typed != plan.removal:
        return RemovalNotConfirmed(removal=plan.removal)
    later_on = request.form.get("when") == "later"
    return SiteBusy() if moves.running_on(job.site_id) and not later_on else None


def _schedule(job: RestoreJob, typed: int | None, who: int) -> Response:
    """Set the plan that was shown for a time."""
    try:
        at = later.read_time(request.form.get("at", ""))
    except later.TimeRefused as refusal:
        return show(job, "confirm", status=422, refusal=refusal)
    if later.schedule(job, at, confirm_removal=typed, person_id=who):
        note("restore.schedule", f"restore {job.id}", site=job.site.name, at=at.isoformat(), digest=job.plan_digest)
        db.session.commit()
    return see_other(url_for("restores.page", job_id=job.id))


@blueprint.post("/restores/<job_id>/take-back/")
@allow("admin")
def take_back(job_id: str) -> Response:
    """Do not carry a plan out at its time after all; it waits for a person again."""
    job = find_job(job_id)
    if later.take_back(job):
        note("restore.take_back", f"restore {job.id}", site=job.site.name)
        db.session.commit()
    return see_other(url_for("restores.page", job_id=job.id))


@blueprint.post("/restores/<job_id>/cancel/")
@allow("admin")
def cancel(job_id: str) -> Response:
    """Stop what is going on; whatever was written is rolled back."""
    job = find_job(job_id)
    if moves.request_cancel(job.id):
        note("restore.cancel", f"restore {job.id}", site=job.site.name)
        db.session.commit()
    return see_other(url_for("restores.page", job_id=job.id))


@blueprint.get("/restores/<job_id>/receipt/")
@allow("viewer")
def receipt(job_id: str) -> AnyResponse:
    """The receipt: as JSON lines for a person's own tools, or the file itself, which keeps secrets as they are, for a root."""
    job = find_job(job_id)
    path = storage().fetch(job.receipt_path or abort(404))
    note("restore.receipt", f"restore {job.id}", site=job.site.name)
    db.session.commit()
    name = f"receipt-{job.site.name}-{job.id[:8]}"
    if request.args.get("form") == "sqlite":
        if current_user.role != "root":
            abort(403)
        return send_file(path, as_attachment=True, download_name=f"{name}.sqlite", mimetype="application/vnd.sqlite3")
    response = Response(_lines(path), mimetype="application/x-ndjson")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.jsonl"'
    return response


def _lines(path: Path) -> Iterator[bytes]:
    plan = commands.read_plan(path)
    yield msgspec.json.encode(plan) + b"\n"
    for table in (*plan.tables, *filter(None, [files_of(plan)])):
        if not table.counts.changes and not table.counts.skipped:
            continue
        after: int | None = 0
        while after is not None:
            found = commands.plan_rows(path, table.table, after=after, limit=500)
            for row in found.rows:
                if row.action != "same":
                    yield msgspec.json.encode(row) + b"\n"
            after = found.next

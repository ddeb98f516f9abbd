"""The reset of a site: what it clears, the preview that every restore has, and an approval with typed words and the password."""

from __future__ import annotations

from flask import Blueprint, Response, abort, current_app, render_template, request, url_for

from webapp import accounts, moves, resets
from webapp.audit import note
from webapp.engine.answers import Plan
from webapp.engine.errors import PlanBlocked, PlanChanged, Refusal, SiteBusy
from webapp.extensions import limiter
from webapp.models import RestoreJob, db
from webapp.restores import plan_of
from webapp.views.fragments import see_other
from webapp.views.permissions import allow, find_job, find_site, person
from webapp.views.restores import started
from webapp.views.steps import show

blueprint = Blueprint("resets", __name__)


@blueprint.get("/sites/<int:site_id>/reset/")
@allow("root")
def page(site_id: int) -> str:
    """What a reset is, before anything is looked at."""
    return render_template("sites/reset.html", site=find_site(site_id))


@blueprint.post("/sites/<int:site_id>/reset/")
@allow("root")
def begin(site_id: int) -> Response:
    """Have the plan made: what would go, table by table."""
    return started(resets.begin(find_site(site_id), person()))


@blueprint.get("/restores/<job_id>/reset/")
@allow("root")
def confirm(job_id: str) -> Response:
    """The words, the password, and the button."""
    job = _found(job_id)
    return show(job, "reset" if job.status == "planned" else "")


@blueprint.post("/restores/<job_id>/reset/")
@allow("root")
@limiter.limit("10 per 15 minutes", deduct_when=lambda response: response.status_code == 422)
def approve(job_id: str) -> Response:
    """Approve the plan that was shown, and no other."""
    job = _found(job_id)
    plan = plan_of(job)
    if job.status != "planned" or plan is None:
        return see_other(url_for("restores.page", job_id=job.id))  # the second of two clicks
    try:
        _object(job, plan)
    except Refusal as refusal:
        note("reset.confirm", job.site.name, result="refused", code=refusal.code)
        db.session.commit()
        return show(job, "reset", status=422, refusal=refusal)
    who = person().id  # the worker asks again, when it starts, whether this person may
    if moves.move(
        job.id, ["planned"], "queued", only=RestoreJob.plan_digest == plan.digest,
        confirm_removal=plan.removal, created_by_id=who, error_json=None, phase="", done=0, total=0,
    ):  # fmt: skip
        note("reset.confirm", job.site.name, digest=plan.digest, rows=plan.removal)
        db.session.commit()
        current_app.extensions["enqueue"](job.id)
    return see_other(url_for("restores.page", job_id=job.id))


def _found(job_id: str) -> RestoreJob:
    job = find_job(job_id)
    return job if job.kind == "reset" else abort(404)


def _object(job: RestoreJob, plan: Plan) -> None:
    words = resets.words_for(job.site)
    if request.form.get("words", "").strip() != words:
        raise resets.WordsWrong(words=words, field="words")
    accounts.confirm(person(), request.form.get("password", ""))
    if request.form.get("digest", "") != plan.digest or job.plan_digest != plan.digest:
        raise PlanChanged
    if not plan.ready:
        raise PlanBlocked(count=plan.problem_count)
    if moves.running_on(job.site_id):
        raise SiteBusy

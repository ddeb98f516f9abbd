"""Backup plans: how they stand, running them, and changing them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, current_app, flash, render_template, request, url_for
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from webapp import audit, charts, plans, presets, retention, schedules, standing, tasks
from webapp.engine.errors import Refusal
from webapp.models import Backup, BackupPlan, Site, Task, db
from webapp.plans import Wish
from webapp.schedules import Rhythm
from webapp.views.fragments import page_or_fragment, see_other
from webapp.views.permissions import LARGEST, allow, find_site, own_sites, person

blueprint = Blueprint("plans", __name__, url_prefix="/plans")

RUNS = 20


def find_plan(plan_id: int) -> BackupPlan:
    """A plan of one of the person's own sites, else 404."""
    plan = db.session.get(BackupPlan, min(plan_id, LARGEST)) or abort(404)
    find_site(plan.site_id)
    return plan


@blueprint.get("/")
@allow("viewer")
def index() -> Response:
    """The plans of the person's sites; those that need somebody come first."""
    sites = list(db.session.scalars(own_sites()))
    return page_or_fragment(
        "plans/page.html", "plans/_list.html", standings=standing.standings(sites), sites=sites,
        presets=presets.PRESETS, at=plans.read_clock(),
    )  # fmt: skip


@blueprint.get("/<int:plan_id>/")
@allow("viewer")
def page(plan_id: int) -> Response:
    """One plan: its runs, what it keeps, and what goes next."""
    return _page(find_plan(plan_id))


@blueprint.get("/new")
@allow("admin")
def new() -> str:
    """The form of a new plan, filled in from a template when one is named."""
    sites = list(db.session.scalars(own_sites()))
    wanted = request.args.get("site", type=int)
    site = next((each for each in sites if each.id == wanted), sites[0] if sites else abort(404))
    preset = presets.find(request.args.get("template", ""))
    return _form(site, presets.wish(preset, site) if preset else Wish("", Rhythm("daily")), preset=preset)


@blueprint.post("/")
@allow("admin")
def create() -> Response | tuple[str, int]:
    """Keep a new plan."""
    site = find_site(request.form.get("site", 0, type=int))
    wish = read_wish(request.form)
    try:
        plan = plans.add(site, wish, person())
    except Refusal as refusal:
        return _form(site, wish, refusal=refusal), 422
    flash(f"{plan.name} is kept." + ("" if plan.enabled else " It is off until you switch it on."))
    return see_other(url_for("plans.page", plan_id=plan.id))


@blueprint.get("/<int:plan_id>/edit")
@allow("admin")
def edit(plan_id: int) -> str:
    """The form of a plan."""
    plan = find_plan(plan_id)
    return _form(plan.site, plans.wish_of(plan), plan)


@blueprint.post("/<int:plan_id>/")
@allow("admin")
def change(plan_id: int) -> Response | tuple[str, int]:
    """Save a plan."""
    plan = find_plan(plan_id)
    wish = read_wish(request.form)
    try:
        plans.change(plan, wish)
    except Refusal as refusal:
        db.session.rollback()
        return _form(plan.site, wish, plan, refusal=refusal), 422
    flash(f"{plan.name} is saved.")
    return see_other(url_for("plans.page", plan_id=plan.id))


@blueprint.post("/<int:plan_id>/run")
@allow("admin")
def run(plan_id: int) -> Response:
    """Have a backup made now."""
    plan = find_plan(plan_id)
    try:
        task = plans.run_now(plan, person())
    except plans.PlanBusy as refusal:
        return _page(plan, refusal)
    current_app.extensions["enqueue"](task.id, task=True)
    return see_other(url_for("plans.page", plan_id=plan.id))


@blueprint.post("/<int:plan_id>/cancel")
@allow("admin")
def cancel(plan_id: int) -> Response:
    """Stop the backup that is being made; nothing of it is kept."""
    plan = find_plan(plan_id)
    task = plans.under_way(plan)
    if task is not None and tasks.request_cancel(task.id):
        audit.note("task.cancel", task.backup.name, site=plan.site.name, plan=plan.name)
        db.session.commit()
    return see_other(url_for("plans.page", plan_id=plan.id))


@blueprint.post("/<int:plan_id>/enable")
@allow("admin")
def enable(plan_id: int) -> Response:
    """Switch a plan on, or off with ``enabled=no``."""
    plan = find_plan(plan_id)
    plans.enable(plan, request.form.get("enabled") != "no")
    flash(f"{plan.name} is {'on' if plan.enabled else 'off'}.")
    return see_other(url_for("plans.page", plan_id=plan.id))


@blueprint.get("/<int:plan_id>/delete")
@allow("admin")
def ask(plan_id: int) -> str:
    """What deleting a plan means."""
    plan = find_plan(plan_id)
    return render_template("plans/delete.html", plan=plan, now=standing.standing(plan))


@blueprint.post("/<int:plan_id>/delete")
@allow("admin")
def remove(plan_id: int) -> Response:
    """Delete a plan; its backups stay."""
    plan = find_plan(plan_id)
    name = plan.name
    plans.remove(plan)
    flash(f"{name} is deleted. Its backups are still in the history.")
    return see_other(url_for("plans.index"))


def read_wish(form: MultiDict[str, str]) -> Wish:
    """What a form says. What is no number is one that is refused with its field."""

    def number(name: str, missing: int | None) -> int | None:
        text = form.get(name, "").strip()
        return missing if not text else int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1

    return Wish(
        name=form.get("name", "").strip(),
        rhythm=Rhythm(
            form.get("frequency", ""),
            form.get("at", "").strip() or "02:00",
            number("weekday", 0) or 0,
            1 if (day := number("day", 1)) is None else day,
            form.get("cron", ""),
        ),
        kind=form.get("kind", "full"),
        categories=tuple(form.getlist("category")),
        media="media" in form,
        format=form.get("format", "native"),
        encrypted="encrypted" in form,
        timezone=form.get("timezone", "").strip() or "UTC",
        keep_days=number("keep_days", None),
        keep_count=number("keep_count", None),
        enabled="enabled" in form,
    )


def _page(plan: BackupPlan, refusal: Refusal | None = None) -> Response:
    at = plans.read_clock()
    now = standing.standing(plan, at)
    judged = retention.judged(plan)
    coming = retention.coming(plan, plan.next_at or at)
    runs = select(Backup).where(Backup.plan_id == plan.id).order_by(Backup.created_at.desc()).limit(RUNS)
    context: dict[str, Any] = {
        "plan": plan,
        "now": now,
        "runs": list(db.session.scalars(runs)),
        "tasks": _tasks(plan),
        "judged": {backup.id: verdict for backup, verdict in judged},
        "coming": {backup.id: why for backup, why in coming},
        "dots": charts.thinning(
            [(backup.created_at, verdict.why, backup.id) for backup, verdict in judged],
            {each.id for each, _ in coming},
            at,
        ),
        "refusal": refusal,
        "at": at,
        "most": RUNS,
    }
    return page_or_fragment("plans/plan.html", "plans/_plan.html", status=422 if refusal else 200, **context)


def _tasks(plan: BackupPlan) -> dict[str, Task]:
    """The task of each run, by its backup."""
    query = (
        select(Task).where(Task.plan_id == plan.id, Task.kind == "backup").order_by(Task.created_at.desc()).limit(RUNS)
    )
    return {task.backup_id: task for task in db.session.scalars(query)}


def _form(
    site: Site, wish: Wish, plan: BackupPlan | None = None, *, preset: presets.Preset | None = None,
    refusal: Refusal | None = None,
) -> str:  # fmt: skip
    return render_template(
        "plans/form.html",
        site=site,
        sites=list(db.session.scalars(own_sites())),
        plan=plan,
        wish=wish,
        preset=preset,
        presets=presets.PRESETS,
        refusal=refusal,
        categories=plans.known_categories(site),
        frequencies=schedules.FREQUENCIES,
        weekdays=schedules.WEEKDAYS,
        zones=schedules.zones(),
        kinds=plans.KINDS,
        formats=plans.formats(),
    )

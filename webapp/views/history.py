"""Backups and restores of the person's sites on one time line, and the window and page of one backup."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, Response, request, url_for
from sqlalchemy import or_, select

from webapp import badges, keeping, tasks, timeline
from webapp.models import Backup, RestoreJob, Task, db, restore_job_backup
from webapp.restores import analysis_of, outcome_of, plan_of
from webapp.stored import with_bases
from webapp.views.choosing import choosable
from webapp.views.fragments import page_or_fragment, see_other, wants_fragment
from webapp.views.permissions import LARGEST, allow, find_backup, find_job, own_sites, person
from webapp.views.steps import contents

blueprint = Blueprint("history", __name__, url_prefix="/history")

LENGTH = 40
TABS = {"contents": "Contents", "checks": "Checks and drills", "restores": "Restores", "chain": "Chain"}
FILTERS = ("site", "kind", "format", "by", "state", "text", "day")


@blueprint.get("/")
@allow("viewer")
def page() -> Response:
    """The time line, newest first."""
    return page_or_fragment("history/page.html", _part(), **_line())


@blueprint.get("/<backup_id>/")
@allow("viewer")
def backup(backup_id: str) -> Response:
    """One backup: what it holds, how it was checked, what was restored from it, what it hangs together with."""
    return show(find_backup(backup_id))


@blueprint.get("/<backup_id>/entry/")
@allow("viewer")
def entry(backup_id: str) -> Response:
    """A backup's line in the history; one with work under way asks here how far that is."""
    found = find_backup(backup_id)
    return page_or_fragment("history/backup.html", "history/_entry.html", **_about(found))


@blueprint.get("/restores/<job_id>/entry/")
@allow("viewer")
def restore_entry(job_id: str) -> Response:
    """A restore's line in the history; one that moves asks here."""
    job = find_job(job_id)
    line = timeline.Entry(job.created_at, job.id, job.backup, job)
    if not wants_fragment():
        return see_other(url_for("restores.page", job_id=job.id))
    return page_or_fragment("history/page.html", "history/_entry.html", entry=line, **WORDS)


def show(found: Backup, *, status: int = 200, **more: Any) -> Response:
    """The page of a backup, or for htmx the window with the same."""
    return page_or_fragment(
        "history/backup.html", "history/_backup.html", status=status, **(_about(found) | more), in_window=True
    )


def _about(found: Backup) -> dict[str, Any]:
    tab = request.args.get("tab", "")
    tab = tab if tab in TABS else "contents"
    analysis = analysis_of(found)
    return {
        "backup": found,
        "entry": timeline.with_tasks([found])[0],
        "tab": tab,
        "tabs": TABS,
        "analysis": analysis,
        **(contents(analysis) if analysis and tab == "contents" else {}),
        "choosable": choosable(analysis) if analysis else [],
        "bases": with_bases((found,))[:-1],
        "increments": keeping.increments(found),
        "restores": _restores_of(found) if tab == "restores" else [],
        "checks": _checks_of(found) if tab == "checks" else [],
        "drill": badges.drill_of(found),
        "objection": keeping.objection(found),
        **WORDS,
    }


WORDS: dict[str, Any] = {
    "badges": badges.of,
    "ORIGINS": badges.ORIGINS,
    "DAY_SIGNS": timeline.DAY_SIGNS,
    "FORMATS": timeline.FORMATS,
    "problem_of": tasks.problem_of,
    "outcome_of": outcome_of,
    "plan_of": plan_of,
}


def _restores_of(found: Backup) -> list[RestoreJob]:
    also = select(restore_job_backup.c.job_id).where(restore_job_backup.c.backup_id == found.id)
    jobs = select(RestoreJob).where(or_(RestoreJob.backup_id == found.id, RestoreJob.id.in_(also)))
    return list(db.session.scalars(jobs.order_by(RestoreJob.created_at.desc()).limit(LENGTH)))


def _checks_of(found: Backup) -> list[Task]:
    done = select(Task).where(Task.backup_id == found.id).order_by(Task.created_at.desc()).limit(LENGTH)
    return list(db.session.scalars(done))


def _part() -> str:
    return "history/_more.html" if request.args.get("after") else "history/_list.html"


def _line() -> dict[str, Any]:
    sites = list(db.session.scalars(own_sites()))
    asked = {name: request.args.get(name, "").strip()[:200] for name in FILTERS}
    site_id = request.args.get("site", type=int)
    shown = tuple(site.id for site in sites if site_id in (None, site.id))
    wanted = timeline.Wanted(
        sites=shown, kind=asked["kind"], format=asked["format"], by=asked["by"], state=asked["state"],
        text=asked["text"], day=_day(asked["day"]),
    )  # fmt: skip
    found = timeline.find(wanted, after=request.args.get("after", ""), limit=LENGTH + 1)
    everybody = timeline.people([site.id for site in sites])
    if person().role != "root":
        # Whom an installation knows is for root; others see themselves.
        everybody = {user_id: name for user_id, name in everybody.items() if user_id == person().id}
    return {
        "sites": sites,
        "entries": found[:LENGTH],
        "next": found[LENGTH - 1].cursor if len(found) > LENGTH else "",
        "after": request.args.get("after", ""),
        "days": timeline.days(shown),
        "site_id": site_id if site_id is None or site_id < LARGEST else 0,
        "asked": {name: value for name, value in asked.items() if value},
        "wanted": wanted,
        "removed": timeline.removed(wanted),
        "kinds": timeline.KINDS,
        "makers": {**timeline.MAKERS, **{f"person-{user_id}": f"by {name}" for user_id, name in everybody.items()}},
        "states": timeline.STATES,
        "formats": timeline.formats([site.id for site in sites]),
        **WORDS,
    }


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None

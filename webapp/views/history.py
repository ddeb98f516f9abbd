"""Backups and restores of the person's sites on one time line, and the window that a backup opens in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy import select

from webapp import charts
from webapp.models import Backup, RestoreJob, Site, db, now
from webapp.restores import analysis_of, outcome_of, plan_of
from webapp.views.choosing import choosable
from webapp.views.fragments import page_or_fragment, wants_fragment
from webapp.views.permissions import allow, find_backup, own_sites
from webapp.views.steps import contents

blueprint = Blueprint("history", __name__, url_prefix="/history")

LENGTH = 100


@dataclass(frozen=True)
class Entry:
    """One line of the time line: a backup, or a restore."""

    at: datetime
    site: Site
    backup: Backup
    job: RestoreJob | None = None


@blueprint.get("/")
@allow("viewer")
def page() -> Response:
    """The time line, newest first."""
    return page_or_fragment("history/page.html", "history/_list.html", **_line(), open=None)


@blueprint.get("/<backup_id>/")
@allow("viewer")
def backup(backup_id: str) -> Response:
    """The window of one backup, over the time line when the address is opened by itself."""
    found = find_backup(backup_id)
    analysis = analysis_of(found)
    context: dict[str, Any] = {
        "backup": found,
        "analysis": analysis,
        **(contents(analysis) if analysis else {}),
        "choosable": choosable(analysis) if analysis else [],
    }
    line: dict[str, Any] = {} if wants_fragment() else _line()
    return page_or_fragment("history/page.html", "history/_backup.html", **context, **line, open=found)


def _line() -> dict[str, Any]:
    sites = list(db.session.scalars(own_sites()))
    wanted, kind = request.args.get("site", type=int), request.args.get("kind", "")
    shown = [site.id for site in sites if wanted in (None, site.id)]
    entries: list[Entry] = []
    if kind != "restores":
        backups = select(Backup).where(Backup.site_id.in_(shown)).order_by(Backup.created_at.desc()).limit(LENGTH)
        entries += [Entry(found.created_at, found.site, found) for found in db.session.scalars(backups)]
    if kind != "backups":
        jobs = select(RestoreJob).where(RestoreJob.site_id.in_(shown)).order_by(RestoreJob.created_at.desc())
        entries += [Entry(job.created_at, job.site, job.backup, job) for job in db.session.scalars(jobs.limit(LENGTH))]
    kept = [entry.at for entry in entries if entry.job is None and entry.backup.path]
    begun = [entry.at for entry in entries if entry.job is not None]
    entries.sort(key=lambda entry: entry.at, reverse=True)
    return {
        "sites": sites,
        "entries": entries[:LENGTH],
        "days": charts.days(kept, begun, now().date()),
        "site_id": wanted,
        "kind": kind,
        "outcome_of": outcome_of,
        "plan_of": plan_of,
    }

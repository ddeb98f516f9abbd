"""The first page: how each site stands, and the one thing to do next."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, render_template
from sqlalchemy import select

from webapp import first_start
from webapp.models import Backup, RestoreJob, Site, db
from webapp.views.permissions import allow, own_sites

blueprint = Blueprint("home", __name__)

ENDED = ("done", "failed", "cancelled", "stale")
MOST_OPEN = 3


@dataclass(frozen=True)
class Standing:
    """How a site stands: its newest backup, the restore that ended last, and those that are not at their end."""

    site: Site
    backup: Backup | None
    last: RestoreJob | None
    open: list[RestoreJob]
    restored: bool


@blueprint.get("/")
@allow("viewer")
def home() -> str:
    """Every site of the person, and the demo's story as long as nothing was restored there."""
    standings = [_standing(site) for site in db.session.scalars(own_sites())]
    demo = next((standing for standing in standings if first_start.is_first(standing.site) and standing.backup), None)
    story = first_start.story_of(demo.site) if demo and not demo.restored else None
    return render_template("home/page.html", standings=standings, demo=demo, story=story)


def _standing(site: Site) -> Standing:
    backups = select(Backup).where(Backup.site_id == site.id, Backup.path != "").order_by(Backup.created_at.desc())
    jobs = select(RestoreJob).where(RestoreJob.site_id == site.id).order_by(RestoreJob.updated_at.desc())
    return Standing(
        site=site,
        backup=db.session.scalars(backups.limit(1)).first(),
        last=db.session.scalars(jobs.where(RestoreJob.status.in_(ENDED)).limit(1)).first(),
        open=list(db.session.scalars(jobs.where(RestoreJob.status.not_in(ENDED)).limit(MOST_OPEN))),
        restored=db.session.scalars(jobs.where(RestoreJob.status == "done").limit(1)).first() is not None,
    )

"""The first page: how each site stands, and the one thing to do next."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, render_template
from sqlalchemy import select

from webapp import first_start
from webapp.models import Backup, RestoreJob, Site, db
from webapp.views.permissions import allow, own_sites
from webapp.words import MOVING

blueprint = Blueprint("home", __name__)


@dataclass(frozen=True)
class Standing:
    """How a site stands: its newest backup, its newest restores, and whether one is under way."""

    site: Site
    backup: Backup | None
    jobs: list[RestoreJob]

    @property
    def moving(self) -> list[RestoreJob]:
        """Restores that are at work now."""
        return [job for job in self.jobs if job.status in MOVING]


@blueprint.get("/")
@allow("viewer")
def home() -> str:
    """Every site of the person, and the demo's story as long as nothing was restored there."""
    standings = [_standing(site) for site in db.session.scalars(own_sites())]
    demo = next((standing for standing in standings if standing.site.is_demo and standing.backup), None)
    restored = demo is not None and any(job.status == "done" for job in demo.jobs)
    return render_template(
        "home/page.html",
        standings=standings,
        demo=demo,
        restored=restored,
        story=first_start.demo_story() if demo and not restored else None,
    )


def _standing(site: Site) -> Standing:
    backups = select(Backup).where(Backup.site_id == site.id, Backup.path != "").order_by(Backup.created_at.desc()).limit(1)
    jobs = select(RestoreJob).where(RestoreJob.site_id == site.id).order_by(RestoreJob.created_at.desc()).limit(5)
    return Standing(site, db.session.scalar(backups), list(db.session.scalars(jobs)))

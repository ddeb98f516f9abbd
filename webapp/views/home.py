"""The first page: how each site stands, and the one thing to do next."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template

from webapp import badges, first_start, readiness, timeline
from webapp.models import db
from webapp.views.fragments import page_or_fragment
from webapp.views.permissions import allow, find_site, own_sites

blueprint = Blueprint("home", __name__)

WORDS: dict[str, Any] = {"badges": badges.of, "DAY_SIGNS": timeline.DAY_SIGNS, "most": readiness.MOST}


@blueprint.get("/")
@allow("viewer")
def home() -> str:
    """Every site of the person, and the demo's story as long as nothing was restored there."""
    found = [readiness.of(site) for site in db.session.scalars(own_sites())]
    demo = next((each for each in found if first_start.is_first(each.site) and each.good), None)
    story = first_start.story_of(demo.site) if demo and not demo.restored else None
    last_night = first_start.first_backup(demo.site) if demo and story else None
    return render_template("home/page.html", found=found, demo=demo, story=story, last_night=last_night, **WORDS)


@blueprint.get("/sites/<int:site_id>/standing/")
@allow("viewer")
def standing(site_id: int) -> Response:
    """How one site stands; a card on which work is under way asks here."""
    ready = readiness.of(find_site(site_id))
    return page_or_fragment("home/site.html", "home/_site.html", ready=ready, story=None, **WORDS)

"""Sites: the databases that may be restored."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, abort, current_app, flash, render_template, request, url_for
from sqlalchemy import func, select

from webapp import accounts, first_start, site_address, sites
from webapp.engine import commands
from webapp.engine.answers import SiteCheck
from webapp.engine.errors import Refusal
from webapp.models import Backup, RestoreJob, Site, db
from webapp.refusals import UnknownSite
from webapp.seal import seal, unseal
from webapp.views.fragments import see_other
from webapp.views.permissions import allow, find_site, own_sites, person

blueprint = Blueprint("sites", __name__, url_prefix="/sites")

TICKET = "checked site"
TICKET_SECONDS = 30 * 60


@blueprint.get("/")
@allow("viewer")
def index() -> str:
    """The person's sites."""
    found = [(site, sites.last_check(site)) for site in db.session.scalars(own_sites())]
    offered = first_start.offered() if person().role == "root" else ()
    return render_template("sites/index.html", sites=found, offered=offered)


@blueprint.post("/demo")
@allow("root")
def add_demo() -> Response:
    """Make one of the practice sites and register it."""
    try:
        site = first_start.add_demo_site(request.form.get("demo", ""))
    except UnknownSite:
        abort(404)
    flash(f"{site.title} is ready. Nothing real can break there.")
    return see_other(url_for("sites.page", site_id=site.id))


@blueprint.get("/new")
@allow("root")
def new() -> str:
    """The form for an address."""
    return _form(None, "")


@blueprint.post("/check")
@allow("root")
def check() -> str | tuple[str, int]:
    """Connect to an address and show what is there, before anything is saved."""
    typed, password = request.form.get("address", ""), request.form.get("password", "")
    try:
        url = site_address.allowed(typed, password, current_app.config["SETTINGS"])
        found = commands.check_site(url, request.form.get("profile") or None)
    except Refusal as refusal:
        return _form(refusal, site_address.without_password(typed)), 422
    title = request.form.get("title", "").strip()
    return _found(url, found, title, sites.suggest_name(title or found.profile))


@blueprint.post("/")
@allow("root")
def create() -> Response | tuple[str, int]:
    """Save the site that was checked. The address comes back sealed: what was checked is what is saved."""
    ticket = unseal(request.form.get("ticket", ""), TICKET, seconds=TICKET_SECONDS)
    url, check = msgspec.json.decode(ticket, type=tuple[str, SiteCheck])
    name, title = request.form.get("name", "").strip(), request.form.get("title", "")
    try:
        site = sites.register(name, title, url, check)
    except Refusal as refusal:
        return _found(url, check, title, name, refusal), 422
    flash(f"{site.title} is registered.")
    return see_other(url_for("sites.page", site_id=site.id))


@blueprint.get("/<int:site_id>/")
@allow("viewer")
def page(site_id: int) -> str:
    """One site: what the last check found, and who works with it."""
    return _page(find_site(site_id))


@blueprint.post("/<int:site_id>/check")
@allow("admin")
def check_again(site_id: int) -> Response | tuple[str, int]:
    """Connect again; a root may have it read as another kind of application."""
    site = find_site(site_id)
    profile = request.form.get("profile") if person().role == "root" else None
    try:
        sites.check_again(site, profile or None)
    except Refusal as refusal:
        return _page(site, refusal), 422
    flash(f"{site.title} was checked just now.")
    return see_other(url_for("sites.page", site_id=site.id))


@blueprint.post("/<int:site_id>/people")
@allow("root")
def set_people(site_id: int) -> Response:
    """Say which admins and viewers work with the site."""
    site = find_site(site_id)
    chosen = request.form.getlist("user", type=int)
    sites.set_people(site, [user for user in accounts.list_users() if user.id in chosen])
    flash("Saved who works with this site.")
    return see_other(url_for("sites.page", site_id=site.id))


@blueprint.post("/<int:site_id>/files")
@allow("root")
def set_media(site_id: int) -> Response | tuple[str, int]:
    """Say in which folder the application keeps its files."""
    site = find_site(site_id)
    try:
        folder = request.form.get("folder", "").strip()
        if folder != site.media_root:
            folder = site_address.allowed_folder(folder, current_app.config["SETTINGS"])
    except Refusal as refusal:
        return _page(site, refusal), 422
    sites.set_media(site, folder)
    flash("Files are restored with their rows from now on." if folder else "Files are left alone from now on.")
    return see_other(url_for("sites.page", site_id=site.id))


@blueprint.post("/<int:site_id>/remove")
@allow("root")
def remove(site_id: int) -> Response | tuple[str, int]:
    """Forget a site that has no history."""
    site = find_site(site_id)
    try:
        sites.remove(site)
    except Refusal as refusal:
        return _page(site, refusal), 422
    flash(f"{site.title} is removed from the register. Its database is as it was.")
    return see_other(url_for("sites.index"))


def _form(refusal: Refusal | None, address: str) -> str:
    folders = current_app.config["SETTINGS"].site_folders
    title = request.form.get("title", "")
    return render_template("sites/new.html", refusal=refusal, address=address, title=title, folders=folders)


def _found(url: str, check: SiteCheck, title: str, name: str, refusal: Refusal | None = None) -> str:
    ticket = seal(msgspec.json.encode((url, check)).decode(), TICKET)
    return render_template("sites/found.html", check=check, title=title, name=name, ticket=ticket, refusal=refusal)


def _page(site: Site, refusal: Refusal | None = None) -> str:
    check = sites.last_check(site)
    recognised = check.recognised if check else ()
    return render_template(
        "sites/page.html",
        site=site,
        check=check,
        profiles=list(dict.fromkeys((*recognised, site.profile, "generic"))),
        refusal=refusal,
        backups=_count(Backup, site),
        restores=_count(RestoreJob, site),
        story=first_start.story_of(site) if not _count(RestoreJob, site) else None,
        last_night=first_start.first_backup(site),
        people=[user for user in accounts.list_users() if user.role != "root"] if person().role == "root" else [],
    )


def _count(kind: type[Backup] | type[RestoreJob], site: Site) -> int:
    return db.session.scalar(select(func.count()).select_from(kind).where(kind.site_id == site.id)) or 0

"""Accounts, for root."""

from __future__ import annotations

from flask import Blueprint, Response, abort, flash, render_template, request, url_for

from webapp import accounts, sites
from webapp.engine.errors import Refusal
from webapp.models import ROLES, Site, User, db
from webapp.passwords import random_password
from webapp.views.fragments import see_other
from webapp.views.permissions import LARGEST, allow

blueprint = Blueprint("users", __name__, url_prefix="/users")


@blueprint.get("/")
@allow("root")
def index() -> str:
    """All accounts."""
    return render_template("users/index.html", users=accounts.list_users())


@blueprint.get("/new")
@allow("root")
def new() -> str:
    """The form for another account."""
    return _form(None, "", "viewer", [])


@blueprint.post("/")
@allow("root")
def create() -> str | tuple[str, int]:
    """Add an account and show its password once."""
    username, role, chosen = request.form.get("username", ""), request.form.get("role", ""), _chosen_sites()
    password = random_password()
    try:
        user = accounts.create_user(username, password, role, chosen)
    except Refusal as refusal:
        return _form(refusal, username, role, chosen), 422
    return render_template("users/password.html", user=user, password=password, is_new=True)


@blueprint.get("/<int:user_id>/")
@allow("root")
def page(user_id: int) -> str:
    """One account."""
    return _page(_find(user_id))


@blueprint.post("/<int:user_id>/access")
@allow("root")
def set_access(user_id: int) -> Response | tuple[str, int]:
    """Another role, other sites."""
    user = _find(user_id)
    try:
        accounts.set_role(user, request.form.get("role", ""))
    except Refusal as refusal:
        return _page(user, refusal), 422
    accounts.set_sites(user, _chosen_sites())
    flash(f"Saved what {user.username} may do.")
    return see_other(url_for("users.page", user_id=user.id))


@blueprint.post("/<int:user_id>/password")
@allow("root")
def reset_password(user_id: int) -> str:
    """A new random password, shown once."""
    user, password = _find(user_id), random_password()
    accounts.set_password(user, password)
    return render_template("users/password.html", user=user, password=password, is_new=False)


@blueprint.post("/<int:user_id>/active")
@allow("root")
def set_active(user_id: int) -> Response | tuple[str, int]:
    """Close an account, or open it again."""
    user = _find(user_id)
    try:
        if request.form.get("active") == "yes":
            accounts.enable(user)
            flash(f"{user.username} may log in again.")
        else:
            accounts.disable(user)
            flash(f"{user.username} is disabled; open sessions have ended.")
    except Refusal as refusal:
        return _page(user, refusal), 422
    return see_other(url_for("users.page", user_id=user.id))


def _find(user_id: int) -> User:
    return db.session.get(User, min(user_id, LARGEST)) or abort(404)


def _page(user: User, refusal: Refusal | None = None) -> str:
    return render_template("users/page.html", user=user, refusal=refusal, roles=ROLES, all_sites=sites.list_sites())


def _form(refusal: Refusal | None, username: str, role: str, chosen: list[Site]) -> str:
    return render_template(
        "users/new.html",
        refusal=refusal,
        username=username,
        role=role,
        chosen=chosen,
        roles=ROLES,
        all_sites=sites.list_sites(),
    )


def _chosen_sites() -> list[Site]:
    ids = request.form.getlist("site", type=int)
    return [site for site in sites.list_sites() if site.id in ids]

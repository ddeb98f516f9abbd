"""A person's own account."""

from __future__ import annotations

from flask import Blueprint, Response, flash, render_template, request, session, url_for
from flask_login import login_user

from webapp import accounts
from webapp.engine.errors import Refusal
from webapp.extensions import limiter
from webapp.models import User, db
from webapp.refusals import PasswordsDiffer
from webapp.views.fragments import see_other
from webapp.views.permissions import allow, person

blueprint = Blueprint("account", __name__, url_prefix="/account")


@blueprint.get("/")
@allow("viewer")
def page() -> str:
    """Who I am here, and my password."""
    return render_template("account/page.html", refusal=None)


@blueprint.post("/password")
@allow("viewer")
@limiter.limit("10 per 15 minutes", deduct_when=lambda response: response.status_code == 422)
def change_password() -> Response | tuple[str, int]:
    """Change my password; my other sessions end."""
    user = person()
    try:
        if request.form.get("password") != request.form.get("again"):
            raise PasswordsDiffer(field="again")
        accounts.change_password(user, request.form.get("current", ""), request.form.get("password", ""))
    except Refusal as refusal:
        return render_template("account/page.html", refusal=refusal), 422
    _begin_again(user)
    flash("Your password is changed. Other sessions of this account have ended.")
    return see_other(url_for("account.page"))


@blueprint.post("/sign-out-everywhere")
@allow("viewer")
def sign_out_everywhere() -> Response:
    """End all sessions but this one."""
    user = person()
    accounts.end_sessions(user)
    _begin_again(user)
    flash("All other sessions of this account have ended.")
    return see_other(url_for("account.page"))


def _begin_again(user: User) -> None:
    """A new session of the new epoch for the person who is here."""
    db.session.refresh(user)
    session.clear()
    login_user(user)

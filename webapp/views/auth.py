"""Logging in and out."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, redirect, render_template, request, session, url_for
from flask_login import current_user, login_user, logout_user
from werkzeug.wrappers import Response as AnyResponse

from webapp import accounts, audit
from webapp.extensions import limiter
from webapp.models import db
from webapp.refusals import LoginRefused
from webapp.views.fragments import see_other
from webapp.views.permissions import allow

blueprint = Blueprint("auth", __name__)


def _account() -> str:
    return "account " + accounts.canonical(request.form.get("username", ""))


def _was_refused(response: Response) -> bool:
    return response.status_code == 422


@blueprint.get("/login")
@allow("anyone")
def login() -> str | AnyResponse:
    """The form. Who is logged in already goes on."""
    if current_user.is_authenticated:
        return redirect(_next_address())
    return render_template("auth/login.html", refusal=None, username="")


@blueprint.post("/login")
@allow("anyone")
@limiter.limit("30 per 15 minutes", deduct_when=_was_refused)
@limiter.limit("10 per 15 minutes", key_func=_account, deduct_when=_was_refused)
def log_in() -> Response | tuple[str, int]:
    """Open a new session for the right name and password."""
    username = request.form.get("username", "")
    try:
        user = accounts.log_in(username, request.form.get("password", ""))
    except LoginRefused as refusal:
        return render_template("auth/login.html", refusal=refusal, username=username), 422
    address = _next_address()
    session.clear()  # nothing that was planted in the session before the login lives on
    login_user(user)
    return see_other(address)


@blueprint.post("/logout")
@allow("viewer")
def log_out() -> Response:
    """End this session."""
    audit.note("logout", current_user.username)
    db.session.commit()
    logout_user()
    session.clear()
    return see_other(url_for("auth.login"))


def _next_address() -> str:
    """Where the person wanted to go: a path of this site, or the first page."""
    address = request.values.get("next", "")
    return address if is_local(address) else url_for("home.home")


def is_local(address: str) -> bool:
    """Whether an address is a path of this site. Browsers read ``/\\host`` and ``//host`` as another host."""
    if not address.startswith("/") or address.startswith(("//", "/\\")):
        return False
    if any(character.isspace() or ord(character) < 32 or character == "\\" for character in address):
        return False
    parts = urlsplit(address)
    return not parts.scheme and not parts.netloc

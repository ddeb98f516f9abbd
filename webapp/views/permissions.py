"""Who may do what: every route declares its role, and what is found belongs to a site that the person may see.

A site that is not the person's own is as one that does not exist: 404.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar
from urllib.parse import quote

from flask import Flask, Response, abort, current_app, jsonify, request, url_for
from flask_login import current_user
from sqlalchemy import Select, select
from werkzeug.wrappers import Response as AnyResponse

from webapp import audit
from webapp.models import Backup, RestoreJob, Site, Task, User, db
from webapp.views.fragments import see_other, wants_json

Needed = Literal["anyone", "viewer", "admin", "root"]
RIGHTS: Mapping[str, Needed] = {"download": "admin"}
"""Rights that are more than a page: whole databases leave the house by a download. One line changes who has it."""

STRANGERS_BODY = 64 * 1024
"""Bytes that somebody may send without being logged in: a name, a password and a token."""
LARGEST = 2**31 - 1
"""Above every id; databases refuse to look for larger numbers."""
View = TypeVar("View", bound=Callable[..., Any])


class UndeclaredRoute(Exception):
    """A route says nothing about who may use it."""


def allow(role: Needed) -> Callable[[View], View]:
    """Declare the least role that may use a route. It goes under the route decorator."""

    def declare(view: View) -> View:
        view.needed_role = role  # type: ignore[attr-defined]
        return view

    return declare


def needed_role(app: Flask, endpoint: str) -> Needed:
    """What a route declared."""
    role: Needed | None = vars(app.view_functions[endpoint]).get("needed_role")
    if role is None:
        raise UndeclaredRoute(endpoint)
    return role


def require_declarations(app: Flask) -> None:
    """Refuse to start an app with a route that declares no role."""
    for rule in app.url_map.iter_rules():
        needed_role(app, rule.endpoint)


def guard() -> AnyResponse | None:
    """Before every request: let it pass, ask to log in, or refuse."""
    if request.endpoint is None:
        return None  # no such address: 404 for everybody
    role = needed_role(current_app, request.endpoint)
    if not current_user.is_authenticated:
        request.max_content_length = STRANGERS_BODY
    if role == "anyone" or (current_user.is_authenticated and current_user.may(role)):
        return None
    if current_user.is_authenticated:
        audit.note("permission", request.path, result="refused", method=request.method)
        db.session.commit()
        abort(403)
    return ask_to_log_in()


def ask_to_log_in() -> Response:
    """To the login page and back again; 401 for an API client."""
    if wants_json():
        response = jsonify(code="login_required", message="Log in first.", hint="")
        response.status_code = 401
        return response
    login = url_for("auth.login")
    if request.method == "GET" and request.full_path != "/?":
        login += "?next=" + quote(request.full_path.rstrip("?"))
    return see_other(login)


def person() -> User:
    """Who is logged in."""
    return current_user._get_current_object()  # type: ignore[no-any-return]


def own_sites() -> Select[Site]:
    """The sites that the person may see: all for root, else the assigned ones."""
    query = select(Site).order_by(Site.title)
    return query if person().role == "root" else query.where(Site.users.any(User.id == person().id))


def find_site(site_id: int) -> Site:
    """The person's own site of that id, else 404."""
    site = db.session.scalar(own_sites().where(Site.id == min(site_id, LARGEST)))
    if site is None and (foreign := db.session.get(Site, min(site_id, LARGEST))) is not None:
        audit.note("permission", request.path, result="refused", method=request.method, site=foreign.name)
        db.session.commit()
    return site or abort(404)


def find_backup(backup_id: str) -> Backup:
    """A backup of one of the person's own sites, else 404."""
    backup = db.session.get(Backup, backup_id) or abort(404)
    find_site(backup.site_id)
    return backup


def find_job(job_id: str) -> RestoreJob:
    """A restore on one of the person's own sites, else 404."""
    job = db.session.get(RestoreJob, job_id) or abort(404)
    find_site(job.site_id)
    return job


def find_task(task_id: str) -> Task:
    """Work on a backup of one of the person's own sites, else 404."""
    task = db.session.get(Task, task_id) or abort(404)
    find_site(task.site_id)
    return task


def may_do(right: str) -> bool:
    """Whether the person has a right of :data:`RIGHTS`; for templates."""
    return bool(current_user.is_authenticated and current_user.may(RIGHTS[right]))

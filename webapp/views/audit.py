"""The audit, for root: who did what, when, from where, with what result, and whether the chain is whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from flask import Blueprint, Response, request, stream_with_context
from flask_login import current_user
from sqlalchemy import select

from webapp import audit, events
from webapp.models import Site, db, now
from webapp.views.fragments import page_or_fragment
from webapp.views.permissions import LARGEST, allow

blueprint = Blueprint("audit", __name__, url_prefix="/audit")

LENGTH = 50


@blueprint.get("/")
@allow("root")
def page() -> Response:
    """The entries, newest first."""
    wanted, before = _wanted(), min(request.args.get("before", 0, type=int), LARGEST)
    found = events.find(wanted, before=before, limit=LENGTH + 1)
    names = list(db.session.scalars(select(Site.name).order_by(Site.name)))
    context: dict[str, Any] = {
        "found": found[:LENGTH],
        "next": found[LENGTH - 1].id if len(found) > LENGTH else None,
        "before": before,
        "wanted": wanted,
        "asked": {key: value for key, value in request.args.items() if value and key != "before"},
        "sites": names,
        "people": [name for name in events.people() if name],
        "actions": events.actions(),
        "results": events.results(),
        "words": events,
    }
    return page_or_fragment("audit/page.html", "audit/_entries.html", **context)


@blueprint.get("/check/")
@allow("root")
def check() -> Response:
    """Look at every entry: is each as it was written, and none missing?"""
    return page_or_fragment("audit/check.html", "audit/_check.html", chain=audit.check())


@blueprint.get("/export.csv")
@allow("root")
def export() -> Response:
    """The entries that the filters leave, for a spreadsheet."""
    wanted = _wanted()
    audit.note("audit.export", "", filters=dict(request.args))
    db.session.commit()
    response = Response(stream_with_context(_encoded(wanted)), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="audit-{now():%Y%m%d-%H%M%S}.csv"'
    return response


def complete(response: Response) -> Response:
    """After every request: what somebody who is logged in sent is in the audit, whether its view said more or not."""
    if request.method != "POST" or not current_user.is_authenticated:
        return response
    refused, noted = response.status_code >= 400, request.environ.get(audit.NOTED)
    if noted is None or (refused and noted == "done"):
        db.session.rollback()  # what a view did not commit, it did not do
        result = "refused" if refused else "done"
        audit.note(request.endpoint or "request", request.path, result=result, status=response.status_code)
        db.session.commit()
    return response


def _encoded(wanted: events.Wanted) -> Iterator[bytes]:
    yield from (line.encode() for line in events.as_csv(wanted))


def _wanted() -> events.Wanted:
    given = {name: request.args.get(name, "").strip()[:200] for name in ("person", "action", "site", "result", "text")}
    return events.Wanted(**given, since=_day("since"), until=_day("until"))


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None

"""Whether the app lives, for whatever starts and watches it."""

from __future__ import annotations

from flask import Blueprint, Response
from sqlalchemy import text

from webapp.extensions import limiter
from webapp.models import db
from webapp.views.permissions import allow

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@allow("anyone")
@limiter.exempt
def healthz() -> Response:
    """200 when the app database answers. No details: anyone may ask."""
    db.session.execute(text("SELECT 1"))
    return Response("ok\n", mimetype="text/plain")

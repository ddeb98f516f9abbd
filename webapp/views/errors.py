"""What was refused or went wrong, told the same way everywhere: a page, a fragment for htmx, or JSON."""

from __future__ import annotations

from flask import Flask, Response, jsonify, make_response, render_template
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from webapp.engine.errors import Refusal
from webapp.models import db
from webapp.views.fragments import wants_fragment, wants_json

SENTENCES = {
    400: ("This request could not be understood", "Go back, reload the page and try again."),
    403: ("Your account may not do this", "Ask a root of this installation if you need it."),
    404: ("There is nothing here", "It may have been removed, or it belongs to a site that is not yours."),
    405: ("This address does not work that way", "Go back and use the buttons of the page."),
    413: ("The file is too large", "Compress it, or ask the person who runs this server to raise the limit."),
    429: ("Too many attempts", "Wait a few minutes and try again."),
    500: (
        "Something went wrong here",
        "Nothing was changed unless a report says so. The server's log has the details.",
    ),
}


def install(app: Flask) -> None:
    """Answer for every refusal and error of an app."""
    app.register_error_handler(Refusal, refused)
    app.register_error_handler(CSRFError, outdated_form)
    app.register_error_handler(HTTPException, wrong)


def refused(refusal: Refusal) -> Response:
    """A refusal that no view has answered itself."""
    db.session.rollback()
    return tell(422, refusal.code, refusal.message, refusal.hint)


def outdated_form(_error: CSRFError) -> Response:
    """The form's token is missing or belongs to an earlier session."""
    return tell(400, "csrf", "This page is out of date", "Reload it and try again. Nothing was changed.")


def wrong(error: HTTPException) -> Response:
    """An HTTP error."""
    status = error.code or 500
    if error.response is not None or status < 400:
        return make_response(error.get_response())
    if status >= 500:
        db.session.rollback()
    message, hint = SENTENCES.get(status, (error.name, ""))
    return tell(status, error.name.lower().replace(" ", "_"), message, hint)


def tell(status: int, code: str, message: str, hint: str) -> Response:
    """One problem in the form that the client asked for."""
    if wants_json():
        response = jsonify(code=code, message=message, hint=hint)
    else:
        page = "_refusal.html" if wants_fragment() else "error.html"
        response = make_response(render_template(page, status=status, code=code, message=message, hint=hint))
    response.status_code = status
    response.vary.add("HX-Request")
    return response

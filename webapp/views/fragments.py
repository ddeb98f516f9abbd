"""Page or fragment: one template file each, and the request says which of the two is wanted."""

from __future__ import annotations

from flask import Response, make_response, render_template, request


def wants_fragment() -> bool:
    """htmx asks for a part of a page. A boosted link or a step back in the history wants the whole."""
    headers = request.headers
    return "HX-Request" in headers and "HX-Boosted" not in headers and "HX-History-Restore-Request" not in headers


def wants_json() -> bool:
    """An API client asks: JSON is preferred over a page."""
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def page_or_fragment(page: str, fragment: str, *, status: int = 200, **context: object) -> Response:
    """Render the page, or for htmx its fragment alone."""
    response = make_response(render_template(fragment if wants_fragment() else page, **context), status)
    response.vary.add("HX-Request")
    return response


def see_other(address: str) -> Response:
    """Go on to another page after a success: 303 for a browser, a redirect that htmx understands for htmx."""
    if wants_fragment():
        return Response(status=204, headers={"HX-Redirect": address})
    return Response(status=303, headers={"Location": address})

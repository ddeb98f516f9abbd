"""What every page has in common: headers, tokens, errors, and that it works for whom it is made."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask

from tests.web.visitor import Visitor, signed_in
from webapp.app import CONTENT_SECURITY_POLICY

TEMPLATES = Path(__file__).parent.parent.parent / "templates"


def test_every_answer_carries_the_security_headers(app: Flask, people: SimpleNamespace) -> None:
    visitor = signed_in(app, "root")
    for path in ("/", "/login", "/sites/", "/nothing-here", "/healthz", "/static/app.css"):
        headers = visitor.get(path).headers
        assert headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY, path
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
    assert visitor.get("/").headers["Cache-Control"] == "no-store"
    assert "unsafe" not in CONTENT_SECURITY_POLICY


def test_cookies_are_for_this_site_only(app: Flask, people: SimpleNamespace) -> None:
    app.config["SESSION_COOKIE_SECURE"] = True
    cookie = Visitor(app).client.get("/login", base_url="https://localhost").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" in cookie


def test_templates_hold_no_inline_script_style_or_handler() -> None:
    for path in sorted(TEMPLATES.rglob("*.html")):
        text = path.read_text()
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:|hx-on|hx-vals=[\"']js:", text), path
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), path


def test_a_post_without_the_token_is_refused_and_does_nothing(app: Flask, people: SimpleNamespace) -> None:
    visitor = signed_in(app, "root")
    answer = visitor.client.post(f"/sites/{people.own}/people", data={"user": people.users["viewer"]})
    assert answer.status_code == 400
    assert "out of date" in answer.text
    assert Visitor(app).client.post("/login", data={"username": "root"}).status_code == 400


def test_errors_are_a_page_a_fragment_or_json(app: Flask, people: SimpleNamespace) -> None:
    visitor = signed_in(app, "viewer")
    page = visitor.get("/nothing-here")
    assert page.status_code == 404
    assert "<html" in page.text
    fragment = visitor.get("/nothing-here", headers={"HX-Request": "true"})
    assert fragment.status_code == 404
    assert "<html" not in fragment.text
    assert "There is nothing here" in fragment.text
    told = visitor.get("/nothing-here", headers={"Accept": "application/json"})
    assert told.get_json().keys() == {"code", "message", "hint"}
    assert visitor.get("/users/").status_code == 403


def test_a_stranger_may_not_send_much(app: Flask) -> None:
    answer = Visitor(app).post("/login", {"username": "x" * 100_000})
    assert answer.status_code == 413


def test_health_needs_no_login_and_tells_nothing(app: Flask) -> None:
    answer = Visitor(app).get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")


@pytest.mark.parametrize("who", ["viewer", "admin", "root"])
def test_every_link_and_form_of_the_first_pages_leads_somewhere(app: Flask, people: SimpleNamespace, who: str) -> None:
    visitor = signed_in(app, who)
    for path in (
        "/",
        "/sites/",
        f"/sites/{people.own}/",
        "/account/",
        "/history/",
        "/restore/",
        "/plans/",
        f"/plans/{people.plans['own']}/",
    ):
        page = visitor.get(path)
        assert page.status_code == 200, path
        for link in re.findall(r'<a [^>]*href="(/[^"#]*)', page.text):
            assert visitor.get(link.replace("&amp;", "&")).status_code in {200, 303}, (path, link)


def test_a_viewer_is_shown_nothing_that_they_may_not_do(app: Flask, people: SimpleNamespace) -> None:
    visitor = signed_in(app, "viewer")
    for path in ("/", "/sites/", f"/sites/{people.own}/", "/plans/", f"/plans/{people.plans['own']}/"):
        actions = re.findall(r'<form[^>]*action="([^"]+)"', visitor.get(path).text)
        assert actions == ["/logout"], path


def test_an_id_that_no_database_can_hold_is_not_there(app: Flask, people: SimpleNamespace) -> None:
    visitor = signed_in(app, "root")
    for path in ("/sites/{}/", "/users/{}/", "/restore/?site={}", "/history/?site={}"):
        assert visitor.get(path.format(9**40)).status_code in (200, 404), path
    assert visitor.post("/restore/upload/", {"site": str(9**40)}).status_code == 404

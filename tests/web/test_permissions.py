"""Every route, everybody, every kind of object: generated from the routes themselves."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from flask import Flask
from flask_login import FlaskLoginClient
from werkzeug.routing import Rule

from tests.web.visitor import Visitor
from webapp.models import ROLES, User, db
from webapp.views.permissions import UndeclaredRoute, needed_role, require_declarations

MISSING = {
    "site_id": 999,
    "backup_id": "0" * 32,
    "job_id": "0" * 32,
    "user_id": 999,
    "plan_id": 999,
    "task_id": "0" * 32,
}
FREE = {"table": "library_book", "filename": "app.css"}
"""Parts of an address that name no object of a person."""


def objects(people: SimpleNamespace, whose: str) -> dict[str, object]:
    if whose == "missing":
        return MISSING
    site = people.own if whose == "own" else people.foreign
    return {
        "site_id": site,
        "backup_id": people.backups[whose],
        "job_id": people.jobs[whose],
        "user_id": people.users["viewer"],
        "plan_id": people.plans[whose],
        "task_id": people.tasks[whose],
    }


def address(app: Flask, rule: Rule, values: dict[str, object]) -> str:
    given = {name: values.get(name, FREE.get(name)) for name in rule.arguments}
    with app.test_request_context():
        built = app.url_map.bind("localhost").build(rule.endpoint, given)
    return quote(built, safe="/?=&%-._~")


def routes(app: Flask) -> list[tuple[Rule, str]]:
    return [
        (rule, method)
        for rule in sorted(app.url_map.iter_rules(), key=str)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def visit(app: Flask, name: str | None, method: str, path: str) -> tuple[int, str]:
    visitor = Visitor(app)
    if name:
        # Without a password: several hundred argon2 hashes would say nothing more.
        app.test_client_class = FlaskLoginClient
        with app.app_context():
            user = db.session.query(User).filter_by(username=name).one()
        visitor.client = app.test_client(user=user)
        visitor.get("/account/")
    answer = visitor.get(path) if method == "GET" else visitor.post(path)
    return answer.status_code, answer.text


@pytest.mark.parametrize("who", [None, "viewer", "admin", "root"])
def test_everybody_gets_exactly_their_routes(
    app: Flask, people: SimpleNamespace, put_back: Callable[[], None], who: str | None
) -> None:
    wrong = []
    for rule, method in routes(app):
        role = needed_role(app, rule.endpoint)
        enough = role == "anyone" or (who is not None and ROLES.index(who) >= ROLES.index(role))
        names_object = bool(rule.arguments & MISSING.keys())
        for whose in ("missing", "foreign", "own") if names_object else ("own",):
            put_back()
            path = address(app, rule, objects(people, whose))
            status, _ = visit(app, who, method, path)
            if not enough:
                right = status == (303 if who is None else 403)
            elif names_object and (whose == "missing" or (whose == "foreign" and who != "root")):
                right = status == 404 or (whose == "foreign" and "user_id" in rule.arguments)
            else:
                right = status not in {401, 403} and status < 500
            if not right:
                wrong.append(f"{who} {method} {path} ({whose}): {status}")
    assert wrong == []


def test_a_foreign_object_is_told_like_a_missing_one(app: Flask, people: SimpleNamespace) -> None:
    for rule, method in routes(app):
        if method == "GET" and rule.arguments & {"site_id", "backup_id", "job_id", "plan_id", "task_id"}:
            told = {
                visit(app, "viewer", method, address(app, rule, objects(people, whose)))[0]
                for whose in ("foreign", "missing")
            }
            assert len(told) == 1, rule


def test_lists_hold_only_own_sites(app: Flask, people: SimpleNamespace) -> None:
    for path in ("/", "/sites/", "/history/", "/restore/", "/account/", "/plans/"):
        assert "The foreign school" not in visit(app, "viewer", "GET", path)[1], path
        assert "The foreign school" not in visit(app, "admin", "GET", path)[1], path
    assert "The foreign school" in visit(app, "root", "GET", "/sites/")[1]


def test_an_undeclared_route_keeps_the_app_from_starting(app: Flask) -> None:
    app.view_functions["new"] = lambda: "no role"
    app.url_map.add(Rule("/new", endpoint="new"))
    with pytest.raises(UndeclaredRoute):
        require_declarations(app)

"""Accounts as a root manages them."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from flask import Flask

from tests.web.visitor import PASSWORD, Visitor, signed_in
from webapp import accounts
from webapp.engine.errors import Refusal
from webapp.refusals import LastRoot, PasswordRefused, UsernameRefused


def shown_password(page: str) -> str:
    found = re.search(r'<code class="secret">([^<]+)</code>', page)
    assert found
    return found[1]


def test_a_new_user_gets_a_password_that_is_shown_once(app: Flask, people: SimpleNamespace) -> None:
    root = signed_in(app, "root")
    page = root.post("/users/", {"username": "Meera", "role": "admin", "site": [people.own]})
    assert page.status_code == 200
    password = shown_password(page.text)
    meera = Visitor(app)
    assert meera.sign_in("meera", password).status_code == 303
    assert "The own school" in meera.get("/sites/").text
    with app.app_context():
        user_id = accounts.find_user("meera").id
    assert password not in root.get(f"/users/{user_id}/").text


def test_a_reset_password_ends_the_sessions(app: Flask, people: SimpleNamespace) -> None:
    admin, root = signed_in(app, "admin"), signed_in(app, "root")
    page = root.post(f"/users/{people.users['admin']}/password")
    assert admin.get("/").status_code == 303
    assert Visitor(app).sign_in("admin", PASSWORD).status_code == 422
    assert Visitor(app).sign_in("admin", shown_password(page.text)).status_code == 303


def test_the_last_root_stays(app: Flask, people: SimpleNamespace) -> None:
    root, own = signed_in(app, "root"), people.users["root"]
    assert root.post(f"/users/{own}/active", {"active": "no"}).status_code == 422
    assert root.post(f"/users/{own}/access", {"role": "viewer"}).status_code == 422
    with app.app_context():
        accounts.create_user("second", PASSWORD, "root")
        accounts.disable(accounts.find_user("root"))
        with pytest.raises(LastRoot):
            accounts.set_role(accounts.find_user("second"), "admin")


@pytest.mark.parametrize("name", ["", " ", "a b", "<script>", "x" * 81, "ADMIN", "ａｄｍｉｎ"])
def test_a_name_that_is_taken_or_strange_is_refused(app: Flask, people: SimpleNamespace, name: str) -> None:
    with app.app_context(), pytest.raises(UsernameRefused):
        accounts.create_user(name, PASSWORD, "viewer")
    answer = signed_in(app, "root").post("/users/", {"username": name, "role": "viewer"})
    assert answer.status_code == 422


@pytest.mark.parametrize("password", ["", "short", "meera-meera", "x" * 201])
def test_a_weak_password_is_refused(app: Flask, password: str) -> None:
    with app.app_context(), pytest.raises(PasswordRefused):
        accounts.create_user("meera", password, "viewer")


def test_an_unknown_role_is_refused(app: Flask) -> None:
    with app.app_context(), pytest.raises(Refusal, match="no role named owner"):
        accounts.create_user("meera", PASSWORD, "owner")

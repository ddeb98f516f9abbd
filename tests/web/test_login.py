"""Who gets in, how long, and who does not."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from tests.web.visitor import PASSWORD, Visitor, signed_in
from webapp import accounts, audit
from webapp.models import AuditEvent, User, db
from webapp.passwords import is_right
from webapp.views.auth import is_local

ROOT = Path(__file__).parent.parent.parent


def user(name: str) -> User:
    return accounts.find_user(name)


def test_the_right_password_opens_and_the_wrong_one_does_not(app: Flask, people: SimpleNamespace) -> None:
    visitor = Visitor(app)
    refused = visitor.sign_in("admin", "not the password")
    assert refused.status_code == 422
    assert "The name or the password is not right" in refused.text
    assert visitor.get("/").status_code == 303
    assert visitor.sign_in("  ADMIN ").status_code == 303  # names are kept in one spelling
    assert visitor.get("/").status_code == 200


def test_an_unknown_name_gets_the_same_answer_and_the_same_work(app: Flask, people: SimpleNamespace) -> None:
    visitor = Visitor(app)
    known, unknown = visitor.sign_in("admin", "x" * 12), visitor.sign_in("nobody", "x" * 12)
    assert known.status_code == unknown.status_code == 422
    assert known.text.replace("admin", "") != ""
    assert known.text.count("not right") == unknown.text.count("not right")
    assert is_right(None, PASSWORD) is False
    with app.app_context():
        hash_of_admin = user("admin").password_hash
    seconds = {}
    for name, kept in (("known", hash_of_admin), ("unknown", None)):
        start = time.process_time()
        for _ in range(3):
            is_right(kept, "x" * 12)
        seconds[name] = time.process_time() - start
    # Not a measurement: a check that skipped the hash would be a thousand times faster.
    assert seconds["unknown"] > seconds["known"] / 10


def test_a_disabled_account_stays_outside(app: Flask, people: SimpleNamespace) -> None:
    with app.app_context():
        accounts.disable(user("viewer"))
    assert Visitor(app).sign_in("viewer").status_code == 422


@pytest.mark.parametrize("change", ["disable", "password", "role"])
def test_open_sessions_end_when_an_account_loses_something(app: Flask, people: SimpleNamespace, change: str) -> None:
    visitor = signed_in(app, "admin")
    assert visitor.get("/").status_code == 200
    with app.app_context():
        if change == "disable":
            accounts.disable(user("admin"))
        elif change == "password":
            accounts.set_password(user("admin"), "another long password")
        else:
            accounts.set_role(user("admin"), "viewer")
    assert visitor.get("/").status_code == 303


def test_a_login_starts_a_new_session(app: Flask, people: SimpleNamespace) -> None:
    visitor = Visitor(app)
    visitor.get("/login")
    with visitor.client.session_transaction() as session:
        session["planted"] = "by somebody else"
        before = session["csrf_token"]
    visitor.sign_in("admin")
    visitor.get("/")
    with visitor.client.session_transaction() as session:
        assert "planted" not in session
        assert session["csrf_token"] != before


def test_signing_out_ends_the_session(app: Flask, people: SimpleNamespace) -> None:
    visitor = signed_in(app, "admin")
    visitor.get("/")
    assert visitor.post("/logout").status_code == 303
    assert visitor.get("/").status_code == 303


def test_too_many_wrong_passwords_close_the_account_for_a_while(app: Flask, people: SimpleNamespace) -> None:
    visitor = Visitor(app)
    answers = [visitor.sign_in("admin", "wrong password").status_code for _ in range(11)]
    assert answers == [422] * 10 + [429]
    assert visitor.sign_in("admin").status_code == 429  # also with the right one, so that a guess cannot be told
    assert visitor.sign_in("viewer").status_code == 303  # somebody else is not locked out


def test_too_many_wrong_names_close_the_address_for_a_while(app: Flask, people: SimpleNamespace) -> None:
    visitor = Visitor(app)
    answers = [visitor.sign_in(f"guess{number}", "wrong password").status_code for number in range(31)]
    assert answers[-1] == 429
    assert set(answers[:30]) == {422}


WITHOUT_REDIS = """
import sys
from pathlib import Path
from tests.web.visitor import Visitor
from webapp.app import create_app
from webapp.models import db
from webapp.settings import read_settings
app = create_app(read_settings({"SMART_RESTORE_DATA": sys.argv[1], "REDIS_URL": "unix:///nowhere/redis.sock"}))
with app.app_context():
    db.create_all()
visitor = Visitor(app)
print(*(visitor.sign_in("admin", "wrong password").status_code for _ in range(11)))
"""


def test_the_limit_holds_without_redis(tmp_path: Path) -> None:
    # A process of its own: the limiter remembers that its Redis was away.
    script = [sys.executable, "-c", WITHOUT_REDIS, str(tmp_path / "data")]
    done = subprocess.run(script, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == ["422"] * 10 + ["429"]


@pytest.mark.parametrize("address", ["/sites/", "/history/?site=1", "/restores/0a1b/preview/?table=x&after=3"])
def test_after_the_login_a_person_goes_where_they_wanted(app: Flask, people: SimpleNamespace, address: str) -> None:
    visitor = Visitor(app)
    asked = visitor.get(address)
    assert asked.status_code == 303
    assert asked.location.startswith("/login?next=")
    assert visitor.sign_in("admin", next_address=address).location == address


@pytest.mark.parametrize(
    "address",
    ["//evil.test", "/\\evil.test", "https://evil.test/", "javascript:alert(1)", "/\t/evil.test", "\\\\evil.test", "x"],
)
def test_next_is_never_another_host(app: Flask, people: SimpleNamespace, address: str) -> None:
    assert Visitor(app).sign_in("admin", next_address=address).location == "/"


@given(st.text(alphabet="/\\.:@?#htps evil\t\n\r\x00", max_size=12))
def test_a_local_address_stays_on_this_host_whatever_it_is(address: str) -> None:
    if is_local(address):
        # What browsers do before they read an address: drop tabs and line ends, and take \ for /.
        cleaned = address.replace("\t", "").replace("\n", "").replace("\r", "").replace("\\", "/")
        assert cleaned.startswith("/")
        assert not cleaned.startswith("//")


def test_an_api_client_is_told_to_log_in(app: Flask, people: SimpleNamespace) -> None:
    answer = Visitor(app).get("/sites/", headers={"Accept": "application/json"})
    assert answer.status_code == 401
    assert answer.get_json()["code"] == "login_required"


def test_htmx_is_led_to_the_login_page(app: Flask, people: SimpleNamespace) -> None:
    answer = Visitor(app).get("/sites/", headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"].startswith("/login")


def test_a_person_changes_their_own_password(app: Flask, people: SimpleNamespace) -> None:
    here, elsewhere = signed_in(app, "admin"), signed_in(app, "admin")
    here.get("/account/")
    new = "a quite different one"
    wrong = here.post("/account/password", {"current": "guess", "password": new, "again": new})
    assert wrong.status_code == 422
    assert "current password is not right" in wrong.text
    short = here.post("/account/password", {"current": PASSWORD, "password": "short", "again": "short"})
    assert "fewer than 10 characters" in short.text
    differ = here.post("/account/password", {"current": PASSWORD, "password": new, "again": new + "!"})
    assert "two new passwords are not the same" in differ.text
    assert here.post("/account/password", {"current": PASSWORD, "password": new, "again": new}).status_code == 303
    assert here.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 303
    assert Visitor(app).sign_in("admin", new).status_code == 303


def test_the_first_root_has_a_random_password_that_is_made_once(app: Flask) -> None:
    with app.app_context():
        first = accounts.ensure_first_root()
        assert first is not None
        assert first.password not in repr(first)
        assert accounts.ensure_first_root() is None
        assert accounts.log_in(first.username, first.password).role == "root"


def test_logins_and_refusals_are_in_the_audit_and_an_edit_is_found(app: Flask, people: SimpleNamespace) -> None:
    visitor = Visitor(app)
    visitor.sign_in("admin", "wrong password")
    visitor.sign_in("nobody", "wrong password")
    visitor.sign_in("admin")
    with app.app_context():
        rows = db.session.query(AuditEvent).order_by(AuditEvent.id).all()
        assert [(row.action, row.subject, row.result) for row in rows] == [
            ("login", "admin", "refused"),
            ("login", "nobody", "refused"),
            ("login", "admin", "done"),
        ]
        assert all("wrong password" not in row.detail_json for row in rows)
        assert audit.first_broken() is None
        rows[1].subject = "somebody"
        db.session.commit()
        assert audit.first_broken() is rows[1]
        rows[1].subject = "nobody"
        db.session.delete(rows[0])
        db.session.commit()
        assert audit.first_broken() is rows[1]

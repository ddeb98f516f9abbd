"""Registering a site: what is allowed, what is refused, and where its password never shows up."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask

from tests.web.visitor import Visitor, signed_in
from webapp import site_address, sites
from webapp.engine.errors import AddressRefused
from webapp.models import AuditEvent, Site, db
from webapp.seal import site_url
from webapp.settings import Settings

SECRET = "hunter2-hunter2"


def ticket(page: str) -> str:
    found = re.search(r'name="ticket" value="([^"]+)"', page)
    assert found
    return found[1]


def test_a_sqlite_file_is_checked_shown_and_then_saved(app: Flask, people: SimpleNamespace, sqlite: str) -> None:
    root = signed_in(app, "root")
    page = root.post("/sites/check", {"title": "St. Mary's", "address": sqlite})
    assert page.status_code == 200
    assert "Save this site" in page.text
    with app.app_context():
        assert db.session.query(Site).count() == 2  # nothing is saved by looking
    form = {"ticket": ticket(page.text), "title": "St. Mary's", "name": "st-mary-s"}
    saved = root.post("/sites/", form)
    assert saved.status_code == 303
    assert "St. Mary&#39;s" in root.get(saved.location).text
    with app.app_context():
        assert site_url(sites.find("st-mary-s")) == sqlite
    again = root.post("/sites/", form)
    assert again.status_code == 422
    assert "it is taken" in again.text


def test_a_forged_ticket_is_refused(app: Flask, people: SimpleNamespace) -> None:
    answer = signed_in(app, "root").post("/sites/", {"ticket": "gAAAAA", "title": "x", "name": "x"})
    assert answer.status_code == 422
    with app.app_context():
        assert db.session.query(Site).count() == 2


@pytest.mark.parametrize("name", ["", "UPPER", "a b", "../x", "-x", "x" * 61, "own"])
def test_a_name_that_cannot_stand_in_an_address_is_refused(
    app: Flask, people: SimpleNamespace, sqlite: str, name: str
) -> None:
    root = signed_in(app, "root")
    page = root.post("/sites/check", {"title": "x", "address": sqlite})
    answer = root.post("/sites/", {"ticket": ticket(page.text), "title": "x", "name": name})
    assert answer.status_code == 422


def test_the_password_of_a_site_is_nowhere(
    app: Flask, people: SimpleNamespace, postgresql: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with app.app_context():
        app.extensions["storage"].prepare()
    root = signed_in(app, "root")
    page = root.post("/sites/check", {"title": "Shop", "address": postgresql, "password": SECRET})
    assert page.status_code == 200
    root.post("/sites/", {"ticket": ticket(page.text), "title": "Shop", "name": "shop"})
    with app.app_context():
        shop = sites.find("shop")
        assert SECRET in site_url(shop)
        assert SECRET not in shop.address
        assert SECRET not in shop.url_sealed
        assert all(SECRET not in row.detail_json for row in db.session.query(AuditEvent))
        pages = [page.text, *(root.get(path).text for path in ("/", "/sites/", f"/sites/{shop.id}/", "/history/"))]
        db.session.remove()
    assert all(SECRET not in text for text in pages)
    assert SECRET not in caplog.text
    data = Path(app.config["SETTINGS"].data_dir)
    assert all(SECRET.encode() not in path.read_bytes() for path in data.rglob("*") if path.is_file())


def test_a_database_that_does_not_answer_is_named_without_its_password(app: Flask, people: SimpleNamespace) -> None:
    typed = f"postgresql://reader:{SECRET}@127.0.0.1:1/shop"
    answer = signed_in(app, "root").post("/sites/check", {"title": "Shop", "address": typed})
    assert answer.status_code == 422
    assert "cannot be reached" in answer.text
    assert SECRET not in answer.text
    assert "postgresql://reader@127.0.0.1:1/shop" in answer.text  # ready to be tried again


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://u:{SECRET}@h:x/d",
        f"postgresql://u@h/d?password={SECRET}",
        f"postgresql://u:{SECRET}@h/d?service=x",
        f"mysql://u:{SECRET}@h/d",
        f"sqlite://u:{SECRET}@h/d",
    ],
)
def test_a_refused_address_is_shown_without_its_password(app: Flask, people: SimpleNamespace, address: str) -> None:
    answer = signed_in(app, "root").post("/sites/check", {"title": "x", "address": address})
    assert answer.status_code == 422
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nonsense",
        "mysql://u@h/d",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///relative.sqlite",
        "sqlite:////etc/passwd",
        "sqlite:///file:/etc/passwd?uri=true",
        "postgresql://u@h/d?options=-csearch_path%3Devil",
        "postgresql://u@h/d?sslkey=/etc/shadow",
        "postgresql://u@h/d?service=x",
        "postgresql://u@h/",
        "postgresql+psycopg2://u@h/d",
    ],
)
def test_other_addresses_are_refused(app: Flask, people: SimpleNamespace, address: str) -> None:
    answer = signed_in(app, "root").post("/sites/check", {"title": "x", "address": address})
    assert answer.status_code == 422
    assert "is not allowed" in answer.text


def test_a_sqlite_path_is_followed_to_where_it_really_leads(settings: Settings, tmp_path: Path) -> None:
    folder = settings.site_folders[-1]
    outside = Path("/etc/passwd")
    link = folder / "innocent.sqlite"
    os.symlink(outside, link)
    for path in (link, folder / ".." / ".." / ".." / "etc" / "passwd"):
        with pytest.raises(AddressRefused):
            site_address.allowed(f"sqlite:///{path}", "", settings)


def test_the_programs_own_database_is_no_site(app: Flask, settings: Settings, tmp_path: Path) -> None:
    # SITE_FOLDERS of the tests holds the data folder too, as it may by mistake.
    own = settings.database_url.removeprefix("sqlite:///")
    assert Path(own).is_relative_to(tmp_path)
    with pytest.raises(AddressRefused, match="database of this program"):
        site_address.allowed(f"sqlite:///{own}", "", settings)


def test_root_says_who_works_with_a_site(app: Flask, people: SimpleNamespace) -> None:
    root, admin = signed_in(app, "root"), signed_in(app, "admin")
    assert admin.get(f"/sites/{people.foreign}/").status_code == 404
    root.post(f"/sites/{people.foreign}/people", {"user": [people.users["admin"]]})
    assert admin.get(f"/sites/{people.foreign}/").status_code == 200
    root.post(f"/sites/{people.foreign}/people", {})
    assert admin.get(f"/sites/{people.foreign}/").status_code == 404


def test_a_site_with_a_history_is_not_removed(app: Flask, people: SimpleNamespace) -> None:
    answer = signed_in(app, "root").post(f"/sites/{people.own}/remove")
    assert answer.status_code == 422
    assert "has backups or restores" in answer.text


def test_a_viewer_cannot_have_a_site_checked(app: Flask, people: SimpleNamespace) -> None:
    viewer: Visitor = signed_in(app, "viewer")
    assert viewer.post(f"/sites/{people.own}/check").status_code == 403

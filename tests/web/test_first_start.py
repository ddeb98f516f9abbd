"""A new installation has a story to tell and a backup to try."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace

from flask import Flask

from tests.web.visitor import PASSWORD, signed_in
from webapp import accounts, first_start, sites
from webapp.models import Backup, Site, db
from webapp.storage import storage


def test_the_demo_school_is_registered_once_with_its_backup_and_may_be_removed(app: Flask) -> None:
    with app.app_context():
        accounts.create_user("root", PASSWORD, "root")
        site = first_start.ensure_demo_site()
        assert site is not None
        assert site.is_demo
        backup = db.session.query(Backup).one()
        assert hashlib.sha256(storage().path(backup.path).read_bytes()).hexdigest() == backup.sha256
        assert backup.records
        assert first_start.ensure_demo_site() is None
        assert db.session.query(Site).count() == 1
        backup_id = backup.id
    page = signed_in(app, "root").get("/").text
    assert "a class was deleted" in page
    assert f'action="/restore/start/{backup_id}/"' in page

    with app.app_context():
        db.session.query(Backup).delete()
        sites.remove(db.session.query(Site).one())
        assert first_start.ensure_demo_site() is None, "a root who removed it does not want it back"


def test_a_root_adds_a_practice_site_which_tells_its_story(app: Flask, people: SimpleNamespace) -> None:
    root = signed_in(app, "root")
    assert "Add Controlled Documents (demo)" in root.get("/sites/").text
    assert "Practice sites" not in signed_in(app, "admin").get("/sites/").text
    added = root.post("/sites/demo", {"demo": "demo-documents"})
    assert added.status_code == 303
    page = root.get(added.location).text
    assert "a clean-up deleted 40 approved documents" in page
    with app.app_context():
        site = sites.find("demo-documents")
        assert (site.profile, site.is_demo) == ("documents", True)
        backup = db.session.query(Backup).filter_by(site_id=site.id).one()
        assert f'action="/restore/start/{backup.id}/"' in page
    assert "Add Controlled Documents (demo)" not in root.get("/sites/").text
    assert root.post("/sites/demo", {"demo": "demo-documents"}).status_code == 404
    assert "a clean-up deleted" not in root.get("/").text, "the first page tells of the school only"

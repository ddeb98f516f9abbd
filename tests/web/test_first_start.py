"""A new installation has a story to tell and a backup to try."""

from __future__ import annotations

import hashlib

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

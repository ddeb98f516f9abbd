"""An installation with people and sites, on a real app database and a real Redis."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from flask import Flask

from tests.web.visitor import PASSWORD
from webapp.app import create_app
from webapp.engine.answers import SiteCheck, SiteTable
from webapp.extensions import limiter
from webapp.models import Backup, BackupPlan, RestoreJob, Site, Task, User, db
from webapp.passwords import hash_password
from webapp.seal import seal
from webapp.settings import Settings
from webapp.storage import storage


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The app with an empty database."""
    app = create_app(settings)
    with app.app_context():
        db.create_all()
        limiter.reset()
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="session")
def password_hash() -> str:
    """One argon2 hash for all accounts of the tests: it is slow on purpose."""
    return hash_password(PASSWORD)


@pytest.fixture
def people(app: Flask, password_hash: str) -> SimpleNamespace:
    """A root, an admin and a viewer of the first of two sites, and their ids."""
    with app.app_context():
        sites = [_site(app, name) for name in ("own", "foreign")]
        db.session.add_all(sites)
        for role in ("root", "admin", "viewer"):
            user = User(username=role, password_hash=password_hash, role=role)
            user.sites = [sites[0]] if role != "root" else []
            db.session.add(user)
        db.session.flush()
        for site in sites:
            db.session.add(BackupPlan(site=site, name="nightly", frequency="daily", cron="0 2 * * *"))
            backup = Backup(site=site, name="last night.json", size=2, sha256=site.name, path=f"backups/{site.name}")
            storage().path(backup.path).write_text("[]")
            db.session.add(RestoreJob(site=site, backup=backup, status="draft"))
            db.session.add(Task(site=site, backup=backup, kind="verify", status="failed"))
        db.session.commit()
        return SimpleNamespace(
            own=sites[0].id,
            foreign=sites[1].id,
            backups={backup.site.name: backup.id for backup in db.session.query(Backup)},
            jobs={job.site.name: job.id for job in db.session.query(RestoreJob)},
            plans={plan.site.name: plan.id for plan in db.session.query(BackupPlan)},
            tasks={task.site.name: task.id for task in db.session.query(Task)},
            users={user.username: user.id for user in db.session.query(User)},
        )


def _site(app: Flask, name: str) -> Site:
    settings: Settings = app.config["SETTINGS"]
    path = settings.site_folders[-1] / f"{name}.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE library_book (id INTEGER PRIMARY KEY, title TEXT NOT NULL)")
    connection.close()
    return Site(
        name=name,
        title=f"The {name} school",
        url_sealed=seal(f"sqlite:///{path}"),
        address=f"sqlite:///{path}",
        dialect="sqlite",
        profile="generic",
        check_json=check_of(f"sqlite:///{path}"),
    )


def check_of(address: str) -> str:
    """What a check of a small site said."""
    check = SiteCheck(
        dialect="sqlite",
        version="3",
        address=address,
        profile="generic",
        recognised=(),
        tables=(SiteTable(table="library_book", title="Books", categories=(), rows=0, key=()),),
        usable=True,
    )
    return msgspec.json.encode(check).decode()


@pytest.fixture
def put_back(app: Flask, people: SimpleNamespace) -> Callable[[], None]:
    """Puts the app database back to how it was: call it before each of many requests."""
    path = Path(app.config["SETTINGS"].data_dir) / "app.sqlite"
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    kept = path.with_suffix(".kept")
    shutil.copy(path, kept)

    def restore() -> None:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        shutil.copy(kept, path)

    return restore

"""An installation with a small school, three people, and a real worker that can be started and killed."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from redis import Redis
from werkzeug.test import TestResponse

from tests import small_sites
from webapp import accounts, leases, moves, passwords, settling, tasks
from webapp.app import create_app
from webapp.models import Backup, RestoreJob, Site, Task, User, db
from webapp.seal import seal
from webapp.settings import Settings

PASSWORD = "correct horse battery staple"
CHECKOUT = Path(__file__).resolve().parents[3]


class Browser(FlaskClient):
    """A client that is not taken for the one before it.

    Requests made while the test holds an app context share that context's ``g``, where Flask-Login keeps the person.
    """

    def open(self, *args: Any, **named: Any) -> TestResponse:
        """Send a request."""
        g.pop("_login_user", None)
        return super().open(*args, **named)


@dataclass(frozen=True)
class Installation:
    """A running installation, but for its worker and its clock."""

    app: Flask
    settings: Settings
    site_id: int
    site_url: str

    def client(self, username: str) -> FlaskClient:
        """A browser in which that person has signed in."""
        client = self.app.test_client()
        answer = client.post("/login", data={"username": username, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        return client

    def backup(self, content: bytes = b"[]", name: str = "backup.json") -> str:
        """The id of a backup that was kept."""
        path = self.settings.data_dir / "backups" / name
        path.write_bytes(content)
        backup = Backup(
            site_id=self.site_id,
            name=name,
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            path=f"backups/{name}",
        )
        db.session.add(backup)
        db.session.commit()
        return backup.id

    def job(self, status: str, **values: object) -> str:
        """The id of a restore in that state."""
        backup_id = str(values.pop("backup_id", "") or self.backup())
        root = accounts.find_user("root")
        values = {"created_by_id": root.id, **values}
        job = RestoreJob(site_id=self.site_id, backup_id=backup_id, status=status, **values)
        db.session.add(job)
        db.session.commit()
        return job.id

    def task(self, kind: str = "backup", **values: Any) -> str:
        """The id of a task that waits, on a backup that is still to be made."""
        backup = Backup(site_id=self.site_id, name="new.json", size=0, sha256="", origin="made", path="")
        db.session.add(backup)
        task = tasks.ask(kind, backup, person=accounts.find_user("root"))
        for name, value in values.items():
            setattr(task, name, value)
        db.session.commit()
        return task.id

    def read_task(self, task_id: str) -> Task:
        """A task as it stands now."""
        db.session.rollback()
        db.session.expire_all()
        task = db.session.get(Task, task_id)
        assert task is not None
        return task

    def wait_for_task(self, task_id: str, *, until: tuple[str, ...] = (), seconds: float = 60) -> Task:
        """A task once it has ended (or come to one of the states), with the clock's rounds meanwhile."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            task = self.read_task(task_id)
            if task.status in until or (not until and task.status not in tasks.OPEN):
                return task
            settling.sweep()
            time.sleep(0.1)
        raise AssertionError(f"still {self.read_task(task_id).status}")

    def files(self) -> set[str]:
        """Every stored backup, and whatever is still arriving or was left lying."""
        folders = (self.settings.data_dir / name for name in ("backups", "uploads"))
        return {f"{folder.name}/{path.name}" for folder in folders for path in folder.iterdir()}

    def read(self, job_id: str) -> RestoreJob:
        """A restore as it stands now."""
        db.session.rollback()
        db.session.expire_all()
        job = db.session.get(RestoreJob, job_id)
        assert job is not None
        return job

    def wait(self, job_id: str, *, until: tuple[str, ...] = (), seconds: float = 60) -> RestoreJob:
        """A restore once it has come to rest (or to one of the states), with the clock's rounds meanwhile."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            job = self.read(job_id)
            if job.status in until or (not until and job.status not in moves.MOVING):
                return job
            settling.sweep()
            time.sleep(0.1)
        job = self.read(job_id)
        raise AssertionError(f"still {job.status}, phase {job.phase} {job.done}/{job.total}")

    def expire(self, job_id: str) -> None:
        """Let the lease of a job or a task be over, as it would be half a minute later."""
        db.session.execute(
            db.update(RestoreJob)
            .where(RestoreJob.id == job_id)
            .values(lease_until=leases.clock(db.engine.dialect.name, -1))
        )
        db.session.execute(
            db.update(Task).where(Task.id == job_id).values(lease_until=leases.clock(db.engine.dialect.name, -1))
        )
        db.session.commit()


@cache
def hash_once() -> str:
    """The stored form of the password. Computing it is slow on purpose."""
    return passwords.hash_password(PASSWORD)


@pytest.fixture
def site_url(request: pytest.FixtureRequest) -> str:
    """An empty database: SQLite, unless the test is parametrised with the other one."""
    url: str = request.getfixturevalue(getattr(request, "param", "sqlite"))
    return url


@pytest.fixture
def installation(settings: Settings, site_url: str) -> Iterator[Installation]:
    """An app with its own database, a small school, and root, admin and viewer."""
    small_sites.school_small(site_url)
    app = create_app(settings)
    app.test_client_class = Browser
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False, RATELIMIT_ENABLED=False)
    with Redis.from_url(settings.redis_url) as redis:
        redis.flushall()
    with app.app_context():
        db.create_all()
        site = Site(
            name="school",
            title="Small School",
            url_sealed=seal(site_url),
            address="a file",
            dialect="sqlite",
            profile="school",
        )
        db.session.add(site)
        db.session.commit()
        for role in ("root", "admin", "viewer"):
            db.session.add(User(username=role, password_hash=hash_once(), role=role, sites=[site]))
        db.session.commit()
        yield Installation(app, settings, site.id, site_url)
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def start_worker(installation: Installation) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts worker processes; they are gone after the test."""
    settings = installation.settings
    environment = {
        **os.environ,
        "SMART_RESTORE_DATA": str(settings.data_dir),
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key,
    }
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        worker = subprocess.Popen([sys.executable, "worker.py"], cwd=CHECKOUT, env=environment)
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.kill()
        worker.wait()


@pytest.fixture
def worker(start_worker: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    """A worker at work."""
    return start_worker()


def horse_of(worker: subprocess.Popen[bytes]) -> int | None:
    """The process that does the worker's present job."""
    children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children")
    pids = children.read_text().split() if children.exists() else []
    return int(pids[0]) if pids else None


def kill(pid: int) -> None:
    """End a process without asking it."""
    os.kill(pid, signal.SIGKILL)

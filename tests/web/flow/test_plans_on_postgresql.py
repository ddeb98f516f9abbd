"""Plans and tasks with an app database on PostgreSQL: lengths are enforced there, and clocks and locks are others."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import flask_migrate
import pytest
from flask import Flask

from tests import small_sites
from tests.postgresql_server import PostgreSQLServer
from webapp import leases, plans, settling, standing, tasks
from webapp.app import create_app
from webapp.models import Backup, Site, Task, db
from webapp.plans import Wish
from webapp.schedules import Rhythm
from webapp.seal import seal
from webapp.settings import Settings

HANDS = 4


@pytest.fixture
def app(settings: Settings, postgresql_server: PostgreSQLServer, postgresql: str) -> Iterator[Flask]:
    """An app with a small school, both on PostgreSQL."""
    address = postgresql_server.new_database()
    small_sites.school_small(postgresql)
    app = create_app(replace(settings, database_url=address))
    with app.app_context():
        flask_migrate.upgrade()
        site = Site(
            name="school", title="School", url_sealed=seal(postgresql), address="", dialect="", profile="school"
        )
        db.session.add(site)
        db.session.commit()
        yield app
        db.session.remove()
        db.engine.dispose()
    postgresql_server.drop_database(address)


def test_what_is_due_is_claimed_made_thinned_and_begun_again(app: Flask) -> None:
    site = db.session.query(Site).one()
    plan = plans.add(site, Wish("nightly", Rhythm("daily", "02:00"), kind="incremental", keep_count=1))

    def tick(_number: int) -> list[str]:
        with app.app_context():
            return list(plans.claim_due(due))

    def work(task_id: str) -> None:
        with app.app_context():
            tasks.perform(task_id)

    with ThreadPoolExecutor(HANDS) as threads:
        for _ in range(2):
            db.session.refresh(plan)
            due = plan.next_at
            assert due
            (task_id,) = (each for claimed in threads.map(tick, range(HANDS)) for each in claimed)
            list(threads.map(work, [task_id] * HANDS))
    db.session.expire_all()
    assert [(task.status, task.attempts) for task in db.session.query(Task)] == [("done", 1)] * 2
    assert sorted(backup.kind for backup in db.session.query(Backup)) == ["full", "incremental"]
    assert standing.standing(plan, due).state == "well"
    lost = plans.run_now(plan).id
    assert tasks.claim(lost, "lost")
    db.session.execute(db.update(Task).where(Task.id == lost).values(lease_until=leases.clock("postgresql", -1)))
    db.session.commit()
    settling.sweep()
    tasks.perform(lost)
    task = db.session.get_one(Task, lost, populate_existing=True)
    assert (task.status, task.attempts) == ("done", 2)
    # The two that were dated ahead count as older, and go.
    assert [backup.id for backup in db.session.query(Backup).filter(Backup.path != "")] == [task.backup_id]
    plans.remove(plan)
    assert db.session.query(Backup).filter(Backup.path != "", Backup.plan_id.is_(None)).count() == 1

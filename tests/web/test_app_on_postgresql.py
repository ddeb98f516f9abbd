"""What the pages ask of the app database is asked of PostgreSQL as well."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from webapp import audit, events, keeping, pruning, readiness, timeline
from webapp.app import create_app
from webapp.models import Backup, RestoreJob, Setting, Site, Task, User, db, now
from webapp.seal import seal
from webapp.settings import Settings, read_settings


@pytest.fixture
def app(settings: Settings, postgresql: str) -> Iterator[Flask]:
    """The app with its own database on PostgreSQL."""
    environment = {
        "SMART_RESTORE_DATA": str(settings.data_dir),
        "DATABASE_URL": postgresql,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key,
    }
    app = create_app(read_settings(environment))
    with app.app_context():
        db.create_all()
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def site(app: Flask) -> Site:
    site = Site(name="own", title="Own", url_sealed=seal("x"), address="x", dialect="sqlite", profile="generic")
    db.session.add_all([site, User(username="root", password_hash="x", role="root")])
    db.session.commit()
    return site


def test_time_line_strip_and_standing(app: Flask, site: Site) -> None:
    at = now()
    for number in range(6):
        made = at - timedelta(days=number // 2)
        values = {"proven_at": at} if number == 4 else {"verified_problem": "cut"} if number == 0 else {}
        backup = Backup(
            site_id=site.id, name=f"{number}.zip", size=1, sha256="x", path="backups/x", origin="made",
            created_at=made, instant=made, **values,
        )  # fmt: skip
        db.session.add(backup)
        db.session.flush()
        db.session.add(RestoreJob(site_id=site.id, backup_id=backup.id, status="done", created_at=made))
    db.session.add(Task(site_id=site.id, backup_id=backup.id, kind="drill", status="running"))
    db.session.commit()
    wanted = timeline.Wanted((site.id,))
    seen: list[str] = []
    after = ""
    while page := timeline.find(wanted, after=after, limit=5):
        seen += [entry.id for entry in page]
        after = page[-1].cursor
    assert len(seen) == len(set(seen)) == 12
    for state, count in (("damaged", 1), ("proven", 1), ("unchecked", 4), ("pinned", 0), ("removed", 0)):
        assert len(timeline.find(timeline.Wanted((site.id,), state=state))) == count, state
    assert len(timeline.find(timeline.Wanted((site.id,), text="5.Z", day=at.date() - timedelta(days=2)))) == 2
    assert [day.backups for day in timeline.days([site.id])][-3:] == [2, 2, 1]
    assert timeline.formats([site.id]) == ["fixture"]
    stands = readiness.of(site)
    assert stands.good is not None
    assert (stands.good.name, stands.verdict[0]) == ("1.zip", "A backup is damaged")
    assert keeping.busy(backup) == "being drilled"
    assert not pruning.prune()


def test_the_audit_of_many_writers_is_one_chain(app: Flask, site: Site) -> None:
    def write(name: int) -> None:
        with app.app_context():
            for number in range(20):
                audit.note("site.check", f"{name} {number}", site="own")
                db.session.commit()
            db.session.remove()

    threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    chain = audit.check()
    assert (chain.whole, chain.entries) == (True, 80)
    assert len(events.find(events.Wanted(site="own", text="3 1"), limit=100)) == 11
    assert len(list(events.as_csv(events.Wanted(result="done", since=now().date())))) == 81
    db.session.query(Setting).filter_by(key=audit.WITNESS).delete()
    db.session.commit()
    assert not audit.check().whole

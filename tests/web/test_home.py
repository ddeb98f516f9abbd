"""The first page says how each site stands, and nothing better than it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask

from tests.web.visitor import signed_in
from webapp import readiness
from webapp.models import Backup, BackupPlan, RestoreJob, Site, Task, db, now


@pytest.fixture
def site(app: Flask, people: SimpleNamespace) -> Any:
    """The own site without backups, in an app context."""
    with app.app_context():
        for kind in (RestoreJob, Task, BackupPlan, Backup):
            db.session.query(kind).delete()
        db.session.commit()
        yield db.session.get_one(Site, people.own)


@pytest.fixture
def add(site: Site) -> Callable[..., Backup]:
    """Adds a kept backup of so many hours ago."""

    def add_one(hours: float = 1, **values: Any) -> Backup:
        at = now() - timedelta(hours=hours)
        values = {"origin": "made", "path": "backups/x", "instant": at, "created_at": at, **values}
        backup = Backup(site_id=site.id, name=f"{hours}.zip", size=1, sha256="x", **values)
        db.session.add(backup)
        db.session.commit()
        return backup

    return add_one


def test_without_a_backup_everything_would_be_lost(app: Flask, site: Site) -> None:
    assert readiness.of(site).verdict[0] == "Not backed up"
    page = signed_in(app, "admin").get("/").text
    assert "everything would be lost" in page


def test_the_newest_good_backup_of_the_whole_site_counts(site: Site, add: Callable[..., Backup]) -> None:
    add(1, origin="safety")
    add(2, categories_json='["students"]')
    add(3, verified_problem="Its sha256 is another.")
    add(4, path="", note="No room.")
    good = add(5)
    add(6, proven_at=now())
    stands = readiness.of(site)
    assert stands.good is good
    assert stands.lost is not None
    assert timedelta(hours=5) <= stands.lost < timedelta(hours=5.1)
    assert stands.verdict[0] == "A backup is damaged"


def test_an_increment_is_as_good_as_what_it_builds_on(site: Site, add: Callable[..., Backup]) -> None:
    older = add(9)
    base = add(5, verified_problem="Its sha256 is another.")
    add(1, kind="incremental", base_id=base.id)
    assert readiness.of(site).good is older


def test_an_upload_that_tells_nothing_of_itself_does_not_stand_before_a_backup_of_the_site(
    site: Site, add: Callable[..., Backup]
) -> None:
    made = add(30)
    add(1, origin="upload", instant=None)
    assert readiness.of(site).good is made


def test_nobody_knows_how_old_an_upload_is(app: Flask, site: Site, add: Callable[..., Backup]) -> None:
    add(1, origin="upload", instant=None)
    assert readiness.of(site).lost_since is None
    assert "nobody knows how old" in signed_in(app, "admin").get("/").text
    made = add(30)
    assert readiness.of(site).lost_since == made.instant


def test_a_site_is_ready_when_a_drill_has_proven_it(app: Flask, site: Site, add: Callable[..., Backup]) -> None:
    add(2)
    assert readiness.of(site).verdict[0] == "Backed up, not proven"
    add(3, proven_at=now() - timedelta(hours=1))
    assert readiness.of(site).verdict[0] == "Ready to restore"
    page = signed_in(app, "viewer").get("/").text
    assert "the changes of the last 2 hours would be lost" in page
    assert set(re.findall(r'<form[^>]*action="([^"]+)"', page)) == {"/logout"}


def test_an_overdue_plan_and_damage_shout(app: Flask, site: Site, add: Callable[..., Backup]) -> None:
    add(80, proven_at=now())
    stamp = now() - timedelta(days=3)
    plan = BackupPlan(
        site_id=site.id, name="nightly", frequency="daily", cron="0 2 * * *", active_since=stamp, created_at=stamp
    )
    db.session.add(plan)
    db.session.commit()
    stands = readiness.of(site)
    assert stands.verdict[0] == "Backup overdue"
    assert [day.state for day in stands.days][-2:] == ["overdue", "overdue"]
    admin = signed_in(app, "admin")
    page = admin.get("/").text
    assert f'href="/plans/{plan.id}/"' in page
    assert "overdue for" in page
    hurt = add(1, verified_problem="Its sha256 is another.")
    page = admin.get("/").text
    assert f'href="/history/{hurt.id}/?tab=checks"' in page
    assert "is damaged" in page


def test_a_card_asks_again_only_while_something_goes_on(
    app: Flask, people: SimpleNamespace, site: Site, add: Callable[..., Backup]
) -> None:
    backup = add(1)
    admin = signed_in(app, "admin")
    address = f"/sites/{people.own}/standing/"
    resting = admin.get(address, headers={"HX-Request": "true"}).text
    assert "hx-trigger" not in resting
    db.session.add(Task(site_id=site.id, backup_id=backup.id, kind="drill", status="running", done=3, total=9))
    db.session.commit()
    moving = admin.get(address, headers={"HX-Request": "true"}).text
    assert moving.lstrip().startswith("<article")
    assert 'hx-trigger="every' in moving
    assert "3 of 9" in moving
    page = re.sub(r"\s+", " ", re.sub(r'value="[^"]+"', "", admin.get("/").text))
    assert re.sub(r"\s+", " ", re.sub(r'value="[^"]+"', "", moving)).strip() in page

"""Verifications by the clock and drills on request: what they find is in the backup's row, and the site is left alone."""

from __future__ import annotations

import resource
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from tests import sites
from tests.web.flow.conftest import Installation
from tests.web.flow.test_tasks import limited, many_routes
from webapp import accounts, proving, tasks
from webapp.engine.answers import DrillAnswer
from webapp.models import Backup, Task, db, now
from webapp.storage import storage

both = pytest.mark.parametrize("site_url", ["sqlite", "postgresql"], indirect=True)


def made(installation: Installation) -> Backup:
    """A stored backup of the school."""
    task_id = installation.task()
    tasks.perform(task_id)
    return installation.read_task(task_id).backup


def done(installation: Installation, kind: str, backup: Backup) -> Task:
    """A task on a backup, carried out."""
    task = tasks.ask(kind, backup, person=accounts.find_user("root"))
    db.session.commit()
    tasks.perform(task.id)
    return installation.read_task(task.id)


def test_a_good_file_is_verified(installation: Installation) -> None:
    backup = made(installation)
    assert done(installation, "verify", backup).status == "done"
    assert backup.verified_at is not None
    assert backup.verified_problem == ""


@pytest.mark.parametrize("damage", ["changed", "cut", "gone"])
def test_damage_is_found_and_stays_told(installation: Installation, damage: str) -> None:
    backup = made(installation)
    path = storage().path(backup.path)
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(b"X" + content[1:] if damage == "changed" else content[:-1])
    assert done(installation, "verify", backup).status == "done"
    assert ("not there" if damage == "gone" else "not as it was stored") in backup.verified_problem
    path.write_bytes(content)
    done(installation, "verify", backup)
    assert backup.verified_problem == ""


@both
def test_a_drill_proves_a_backup(installation: Installation) -> None:
    backup = made(installation)
    before = sites.dump(installation.site_url)
    task = done(installation, "drill", backup)
    assert task.status == "done"
    assert backup.proven_at is not None
    answer = msgspec.json.decode(backup.drill_json or "", type=DrillAnswer)
    assert (answer.proven, answer.problems) == (True, ())
    assert task.answer_json == backup.drill_json
    assert sites.dump(installation.site_url) == before
    assert list(storage().drills.iterdir()) == []


def test_a_backup_that_would_not_restore_is_not_proven_any_more(installation: Installation) -> None:
    backup = made(installation)
    done(installation, "drill", backup)
    sites.execute(installation.site_url, "DROP TABLE student_fees_feedeposit")
    assert done(installation, "drill", backup).status == "done"
    answer = msgspec.json.decode(backup.drill_json or "", type=DrillAnswer)
    assert (answer.proven, backup.proven_at) == (False, None)
    assert "student_fees" in answer.verdict


def test_a_site_that_is_away_leaves_the_proof_as_it_was(installation: Installation, tmp_path: Path) -> None:
    backup = made(installation)
    done(installation, "drill", backup)
    proven, said = backup.proven_at, backup.drill_json
    (tmp_path / "site.sqlite").rename(tmp_path / "away.sqlite")
    task = done(installation, "drill", backup)
    problem = tasks.problem_of(task)
    assert (task.status, problem.code if problem else "") == ("failed", "site_unreachable")
    assert (backup.proven_at, backup.drill_json) == (proven, said)


def test_a_disk_without_room_says_nothing_about_the_backup(installation: Installation) -> None:
    many_routes(installation, 40_000)
    backup = made(installation)
    with limited(resource.RLIMIT_FSIZE, 1_500_000):
        task = done(installation, "drill", backup)
    assert task.status == "failed"
    assert (backup.proven_at, backup.drill_json) == (None, None)
    assert list(storage().drills.iterdir()) == []


def test_what_a_killed_drill_left_is_swept(installation: Installation) -> None:
    backup = made(installation)
    task = tasks.ask("drill", backup)
    db.session.commit()
    assert tasks.claim(task.id, "killed")
    (storage().drills / task.id / "drill-x").mkdir(parents=True)
    tasks.sweep(print)
    assert (storage().drills / task.id).exists()
    db.session.execute(db.update(Task).values(lease_until=now() - timedelta(hours=1)))
    db.session.commit()
    tasks.sweep(print)
    proving.sweep()
    assert not (storage().drills / task.id).exists()
    assert installation.read_task(task.id).status == "queued"


# ---------------------------------------------------------------- by the clock


def aged(backup: Backup, days: float) -> None:
    """As if it had last been looked at so long ago."""
    backup.verified_at = now() - timedelta(days=days)
    db.session.commit()


def test_each_backup_is_looked_at_once_a_week_the_oldest_first(installation: Installation) -> None:
    many_routes(installation, 3)
    backups = []
    for number, days in enumerate((8, 6.9, 30)):
        sites.execute(installation.site_url, f"UPDATE transport_route SET name = 'r{number}' WHERE id = 1001")
        backups.append(made(installation))
        aged(backups[-1], days)
    seen = []
    for _round in range(5):
        tasks.sweep(print)
        task = db.session.query(Task).filter_by(kind="verify", status="queued").one_or_none()
        if task is None:
            break
        tasks.sweep(print)  # one at a time
        assert db.session.query(Task).filter_by(kind="verify", status="queued").count() == 1
        seen.append(task.backup_id)
        tasks.perform(task.id)
        db.session.expire_all()
    assert seen == [backups[2].id, backups[0].id]


def test_a_look_that_comes_to_nothing_is_not_asked_for_again_at_once(installation: Installation) -> None:
    first, second = made(installation), made(installation)
    aged(first, 30)
    aged(second, 20)
    for backup in (first, second):
        tasks.sweep(print)
        task = db.session.query(Task).filter_by(kind="verify", status="queued").one()
        assert task.backup_id == backup.id, "the other one has its turn"
        assert tasks.request_cancel(task.id)
    tasks.sweep(print)
    assert db.session.query(Task).filter_by(kind="verify").count() == 2
    db.session.execute(db.update(Task).values(created_at=now() - timedelta(hours=7)))
    db.session.commit()
    assert proving.due() is first


def test_a_fresh_backup_waits_its_week(installation: Installation) -> None:
    backup = made(installation)
    assert proving.due() is None
    backup.created_at = now() - timedelta(days=7, seconds=1)
    db.session.commit()
    assert proving.due() is backup
    backup.path = ""
    assert proving.due() is None

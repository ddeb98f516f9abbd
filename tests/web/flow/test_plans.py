"""Backup plans: kept, claimed when they are due, caught up once, and seen when they are late."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.sites import execute as db_execute
from tests.web.flow.conftest import Installation
from webapp import accounts, keeping, making, plans, presets, schedules, settling, sites, standing, tasks
from webapp.engine import commands
from webapp.models import AuditEvent, Backup, BackupPlan, Site, Task, db
from webapp.plans import PlanBusy, PlanRefused, UnknownPlan, Wish
from webapp.queue import enqueuer
from webapp.refusals import BaseInUse, SiteInUse
from webapp.schedules import Rhythm
from webapp.seal import seal
from webapp.storage import storage
from webapp.stored import readable

NIGHTLY = Wish("nightly", Rhythm("daily", "02:00"), format="fixture")
MIDNIGHT = datetime(2025, 3, 1)  # noqa: DTZ001 - instants are naive UTC
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


def nightly(installation: Installation, at: datetime = MIDNIGHT, **more: object) -> BackupPlan:
    """A plan that is due at two, as if it had been made at that moment."""
    site = db.session.get(Site, installation.site_id)
    assert site is not None
    plan = plans.add(site, replace(NIGHTLY, **more))
    plan.active_since = at
    plan.next_at = schedules.next_after(plan.cron, plan.timezone, at) if plan.enabled else None
    db.session.commit()
    return plan


def perform(task_ids: list[str] | tuple[str, ...]) -> None:
    for task_id in task_ids:
        tasks.perform(task_id)


def made(plan: BackupPlan, at: datetime, **values: object) -> Backup:
    """A backup of the plan, as a worker leaves it."""
    values = {"path": "backups/x", "note": "", **values}
    backup = Backup(
        site_id=plan.site_id, plan_id=plan.id, name="x", size=1, sha256="x", origin="plan", created_at=at, **values
    )
    db.session.add(backup)
    db.session.commit()
    return backup


# ---------------------------------------------------------------- due


def test_what_is_due_is_made_once_and_not_before(installation: Installation) -> None:
    plan = nightly(installation)
    due = MIDNIGHT + 2 * HOUR
    assert plans.claim_due(due - timedelta(seconds=1)) == []
    claimed = plans.claim_due(due)
    assert plans.claim_due(due) == []
    assert (plan.last_at, plan.next_at) == (due, due + DAY)
    perform(claimed)
    backup = db.session.query(Backup).filter_by(plan_id=plan.id).one()
    assert (backup.origin, backup.created_at, bool(backup.path), bool(backup.records)) == ("plan", due, True, True)
    task = db.session.query(Task).one()
    assert (task.status, task.due_at, task.plan_id) == ("done", due, plan.id)


def test_several_missed_times_are_caught_up_once(installation: Installation) -> None:
    plan = nightly(installation)
    back_again = MIDNIGHT + 9 * DAY + 12 * HOUR
    assert len(plans.claim_due(back_again)) == 1
    assert plans.claim_due(back_again) == []
    assert plan.next_at == MIDNIGHT + 10 * DAY + 2 * HOUR
    assert plan.last_at == MIDNIGHT + 2 * HOUR


def test_many_clocks_claim_a_time_once(installation: Installation) -> None:
    plan_id = nightly(installation).id

    def tick(_number: int) -> int:
        with installation.app.app_context():
            return len(plans.claim_due(MIDNIGHT + 3 * HOUR))

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(tick, range(6))) == 1
    assert db.session.query(Task).filter_by(plan_id=plan_id).count() == 1


def test_a_clock_that_is_ahead_does_not_make_another_one_run_again(installation: Installation) -> None:
    nightly(installation)
    due = MIDNIGHT + 2 * HOUR
    assert len(plans.claim_due(due + 10 * MINUTE)) == 1
    for seconds in range(0, 1200, 60):
        plans.correct(due - 5 * MINUTE + timedelta(seconds=seconds))
        assert plans.claim_due(due - 5 * MINUTE + timedelta(seconds=seconds)) == []


def test_a_clock_that_was_a_year_ahead_is_corrected(installation: Installation) -> None:
    plan = nightly(installation)
    perform(plans.claim_due(MIDNIGHT + 365 * DAY))
    assert plan.next_at is not None
    assert plan.next_at > MIDNIGHT + 365 * DAY
    plans.correct(MIDNIGHT + 5 * HOUR)
    db.session.refresh(plan)
    assert plan.next_at == MIDNIGHT + DAY + 2 * HOUR
    assert plans.claim_due(MIDNIGHT + 6 * HOUR) == []
    assert len(plans.claim_due(MIDNIGHT + DAY + 2 * HOUR)) == 1


def test_while_a_backup_is_under_way_the_next_one_is_not_asked_for(installation: Installation) -> None:
    plan = nightly(installation)
    first = plans.claim_due(MIDNIGHT + 2 * HOUR)
    assert plans.claim_due(MIDNIGHT + DAY + 2 * HOUR) == []
    with pytest.raises(PlanBusy):
        plans.run_now(plan)
    perform(first)
    assert len(plans.claim_due(MIDNIGHT + 2 * DAY + 2 * HOUR)) == 1


def test_a_plan_that_is_off_or_on_demand_is_never_due(installation: Installation) -> None:
    off = nightly(installation, enabled=False)
    demand = nightly(installation, name="before a change", rhythm=Rhythm("demand"))
    plans.correct(MIDNIGHT + 900 * DAY)
    assert plans.claim_due(MIDNIGHT + 900 * DAY) == []
    assert standing.standing(off, MIDNIGHT + 900 * DAY).state == "off"
    assert standing.standing(demand, MIDNIGHT + 900 * DAY).overdue is None
    perform([plans.run_now(demand, accounts.find_user("root")).id, plans.run_now(off).id])
    assert db.session.query(Backup).filter(Backup.path != "").count() == 2


def test_switching_on_again_catches_nothing_up(installation: Installation) -> None:
    plan = nightly(installation)
    plans.enable(plan, False)
    assert plan.next_at is None
    plans.enable(plan, True)
    now = plans.read_clock()
    assert plan.next_at is not None
    assert now < plan.next_at <= now + DAY
    assert standing.standing(plan, now).overdue is None


def test_what_was_due_while_nobody_was_there_is_made_at_the_start(
    installation: Installation, start_worker: Callable[[], subprocess.Popen[bytes]]
) -> None:
    now = plans.read_clock()
    plan = nightly(installation, now - 5 * DAY)
    late = standing.standing(plan)
    assert (late.state, late.overdue) == ("overdue", plan.next_at)
    start_worker()
    settling.sweep()
    task = db.session.query(Task).one()
    installation.wait_for_task(task.id)
    assert (task.status, db.session.query(Backup).filter(Backup.path != "").count()) == ("done", 1)
    assert standing.standing(plan).state == "well"


def test_a_plan_survives_an_absent_queue(installation: Installation) -> None:
    plan = nightly(installation, plans.read_clock() - 5 * DAY)
    installation.app.extensions["enqueue"] = enqueuer("redis://127.0.0.1:1/0")
    settling.sweep()
    task = db.session.query(Task).one()
    assert (task.status, task.plan_id) == ("queued", plan.id)
    settling.sweep()
    assert db.session.query(Task).count() == 1
    installation.app.extensions["enqueue"] = enqueuer(installation.settings.redis_url)
    perform([task.id])
    assert installation.read_task(task.id).status == "done"


# ---------------------------------------------------------------- trouble


def test_a_site_that_cannot_be_reached_is_told_and_the_plan_goes_on(installation: Installation) -> None:
    plan = nightly(installation)
    good_address = plan.site.url_sealed
    plan.site.url_sealed = seal("postgresql://nobody:secret@127.0.0.1:1/none")
    db.session.commit()
    perform(plans.claim_due(MIDNIGHT + 2 * HOUR))
    now = standing.standing(plan, MIDNIGHT + 2 * HOUR + 5 * MINUTE)
    assert now.state == "failing"
    assert now.last is not None
    assert "cannot be reached" in now.last.backup.note
    assert "secret" not in now.last.backup.note
    assert standing.standing(plan, MIDNIGHT + 4 * HOUR).state == "overdue"
    plan.site.url_sealed = good_address
    db.session.commit()
    perform(plans.claim_due(MIDNIGHT + DAY + 2 * HOUR))
    assert standing.standing(plan, MIDNIGHT + DAY + 4 * HOUR).state == "well"


def test_a_plan_that_is_deleted_while_it_runs_leaves_an_ordinary_backup(installation: Installation) -> None:
    plan = nightly(installation)
    kept = made(plan, MIDNIGHT - DAY)
    claimed = plans.claim_due(MIDNIGHT + 2 * HOUR)
    plans.remove(plan)
    perform(claimed)
    task = installation.read_task(claimed[0])
    assert (task.status, task.plan_id, task.backup.plan_id) == ("done", None, None)
    assert storage().path(task.backup.path).exists()
    assert db.session.get(Backup, kept.id).path  # type: ignore[union-attr]
    assert db.session.query(AuditEvent).filter_by(action="plan.remove").count() == 1


def test_a_site_goes_with_its_plans_unless_it_has_a_history(installation: Installation) -> None:
    plan = nightly(installation)
    kept = made(plan, MIDNIGHT)
    with pytest.raises(SiteInUse):
        sites.remove(plan.site)
    db.session.delete(kept)
    db.session.commit()
    sites.remove(plan.site)
    assert db.session.query(BackupPlan).count() == 0


def test_old_backups_go_when_a_new_one_is_made(installation: Installation) -> None:
    plan = nightly(installation, keep_count=2)
    for day in range(5):
        perform(plans.claim_due(MIDNIGHT + day * DAY + 2 * HOUR))
    stored = db.session.query(Backup).filter(Backup.path != "").all()
    assert {backup.created_at for backup in stored} == {MIDNIGHT + 3 * DAY + 2 * HOUR, MIDNIGHT + 4 * DAY + 2 * HOUR}
    assert installation.files() == {backup.path for backup in stored}
    assert standing.standing(plan, MIDNIGHT + 5 * DAY).kept == 2


def test_one_plan_that_is_broken_does_not_keep_the_others_from_running(
    installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    broken = nightly(installation)
    well = nightly(installation, name="well", rhythm=Rhythm("daily", "03:00"))
    broken.timezone = "Atlantis/Capital"
    db.session.commit()
    broken_id, well_id = broken.id, well.id
    (task_id,) = plans.claim_due(MIDNIGHT + DAY)
    assert installation.read_task(task_id).plan_id == well_id
    assert f"plan {broken_id}" in caplog.text


def test_a_base_cannot_be_removed_while_an_increment_on_it_is_made(installation: Installation) -> None:
    plan = nightly(installation)
    base = made(plan, MIDNIGHT)
    made(plan, MIDNIGHT + DAY, path="", base_id=base.id)
    with pytest.raises(BaseInUse):
        keeping.remove(base, "not needed")


# ---------------------------------------------------------------- increments


def nights(installation: Installation, count: int, begin: int = 0) -> list[Backup]:
    """So many nights of a plan, each with another row in the site."""
    found = []
    for night in range(begin, begin + count):
        db_execute(
            installation.site_url, f"INSERT INTO transport_route (id, name) VALUES ({9000 + night}, 'of night {night}')"
        )
        task_ids = plans.claim_due(MIDNIGHT + night * DAY + 2 * HOUR)
        perform(task_ids)
        task = installation.read_task(task_ids[0])
        assert task.status == "done", task.error_json
        found.append(task.backup)
    return found


def test_an_incremental_plan_builds_chains_of_seven(installation: Installation) -> None:
    nightly(installation, kind="incremental", format="native", keep_count=None, keep_days=None)
    made_ = nights(installation, making.FULL_EVERY + 2)
    assert [backup.kind for backup in made_] == ["full", *["incremental"] * 6, "full", "incremental"]
    assert [backup.base_id for backup in made_] == [
        None, *(backup.id for backup in made_[:6]), None, made_[7].id,
    ]  # fmt: skip
    assert made_[1].records == 1
    assert made_[0].instant is not None
    with readable(made_[6]) as files:
        analysis = commands.analyse(files, installation.site_url, stages=storage().stages, profile="school")
    assert analysis.file.records == made_[0].records + 6  # type: ignore[operator]


def test_a_chain_is_kept_as_long_as_its_last_point(installation: Installation) -> None:
    plan = nightly(installation, kind="incremental", format="native", keep_count=1, keep_days=None)
    made_ = nights(installation, making.FULL_EVERY)
    assert all(backup.path for backup in made_)
    nights(installation, 1, begin=making.FULL_EVERY)
    assert [
        bool(
            db.session.get(Backup, backup.id, populate_existing=True).path  # type: ignore[union-attr]
        )
        for backup in made_
    ] == [False] * making.FULL_EVERY
    assert standing.standing(plan, MIDNIGHT + 9 * DAY).kept == 1


def test_where_nothing_fits_a_new_chain_begins(installation: Installation) -> None:
    plan = nightly(installation, kind="incremental", format="native", keep_count=None, keep_days=None)
    first, second = nights(installation, 2)
    assert second.base_id == first.id
    # Another structure of the site.
    db_execute(installation.site_url, "ALTER TABLE transport_route ADD COLUMN extra TEXT")
    (third,) = nights(installation, 1, begin=2)
    # Something else is asked for.
    plan.categories_json = '["transport"]'
    db.session.commit()
    (fourth,) = nights(installation, 1, begin=3)
    assert (third.kind, third.base_id, fourth.kind, fourth.base_id) == ("full", None, "full", None)
    # The base was found damaged, or its file is gone.
    fourth.verified_problem = "a byte is wrong"
    db.session.commit()
    (fifth,) = nights(installation, 1, begin=4)
    storage().remove(fifth.path)
    (sixth,) = nights(installation, 1, begin=5)
    path = storage().path(sixth.path)
    path.write_bytes(path.read_bytes()[:-100])
    (seventh,) = nights(installation, 1, begin=6)
    assert [backup.kind for backup in (fifth, sixth, seventh)] == ["full"] * 3


# ---------------------------------------------------------------- how it stands


@pytest.mark.parametrize(
    ("rhythm", "late", "too_late"),
    [
        (Rhythm("daily", "02:00"), MIDNIGHT + 3 * HOUR, MIDNIGHT + 3 * HOUR + MINUTE),
        (Rhythm("hourly", "00:30"), MIDNIGHT + HOUR, MIDNIGHT + HOUR + MINUTE),
    ],
)
def test_overdue_begins_after_the_grace(
    installation: Installation, rhythm: Rhythm, late: datetime, too_late: datetime
) -> None:
    plan = nightly(installation, rhythm=rhythm)
    assert standing.overdue_since(plan, None, late) is None
    assert standing.overdue_since(plan, None, too_late) == plan.next_at
    made(plan, MIDNIGHT + 2 * HOUR)
    assert standing.standing(plan, MIDNIGHT + 2 * HOUR + MINUTE).state == "well"


def test_a_failed_or_damaged_backup_does_not_count_as_one(installation: Installation) -> None:
    plan = nightly(installation)
    site = plan.site
    made(plan, MIDNIGHT + 2 * HOUR, path="", note="no room")
    damaged = made(plan, MIDNIGHT + 2 * HOUR, verified_problem="a byte is wrong")
    late = standing.standing(plan, MIDNIGHT + 4 * HOUR)
    assert (late.good, late.overdue) == (None, MIDNIGHT + 2 * HOUR)
    assert [each.plan for each in standing.overdue([site], MIDNIGHT + 4 * HOUR)] == [plan]
    damaged.verified_problem = ""
    db.session.commit()
    assert standing.overdue([site], MIDNIGHT + 4 * HOUR) == []


def test_a_backup_that_a_wrong_clock_has_dated_ahead_hides_no_delay(installation: Installation) -> None:
    plan = nightly(installation)
    made(plan, MIDNIGHT + 400 * DAY)
    assert standing.standing(plan, MIDNIGHT + 4 * HOUR).state == "overdue"


def test_the_strip_tells_each_of_the_last_days(installation: Installation) -> None:
    plan = nightly(installation)
    at = MIDNIGHT + 6 * DAY + HOUR
    made(plan, MIDNIGHT + 2 * HOUR)
    made(plan, MIDNIGHT + DAY + 2 * HOUR, path="", note="no room")
    made(plan, MIDNIGHT + 3 * DAY + 2 * HOUR, path="", note="no room")
    made(plan, MIDNIGHT + 3 * DAY + 5 * HOUR)
    made(plan, MIDNIGHT + 4 * DAY + 2 * HOUR, path="", removed_at=at)
    days = standing.standing(plan, at).days
    assert len(days) == standing.DAYS
    assert [day.state for day in days[-8:]] == ["idle", "ok", "failed", "missing", "mixed", "ok", "missing", "idle"]
    assert days[-1].date == at.date()


def test_the_strip_counts_the_days_of_the_plans_own_time_zone(installation: Installation) -> None:
    plan = nightly(installation, timezone="Asia/Kolkata")
    made(plan, MIDNIGHT + DAY - 3 * HOUR)  # half past two in the morning of the next day there
    days = standing.standing(plan, MIDNIGHT + DAY + HOUR).days
    assert [day.state for day in days[-1:]] == ["ok"]


# ---------------------------------------------------------------- keeping plans


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"), ({"name": "a" * 81}, "name"), ({"name": "../x"}, "name"), ({"name": "nightly"}, "name"),
        ({"kind": "half"}, "kind"), ({"kind": "incremental"}, "kind"), ({"format": "exe"}, "format"),
        ({"media": True}, "media"), ({"categories": ("nothing",)}, "category"), ({"encrypted": True}, "encrypted"),
        ({"keep_days": 0}, "keep_days"), ({"keep_days": 99999}, "keep_days"), ({"keep_count": -1}, "keep_count"),
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_is_refused_with_its_field(
    installation: Installation, wrong: dict[str, object], field: str
) -> None:
    plan = nightly(installation)
    with pytest.raises(PlanRefused) as refusal:
        plans.add(plan.site, replace(NIGHTLY, **{"name": "other", **wrong}))
    assert refusal.value.facts["field"] == field
    db.session.rollback()
    assert db.session.query(BackupPlan).count() == 1


def test_a_refused_change_leaves_the_plan_as_it_was(installation: Installation) -> None:
    plan = nightly(installation)
    with pytest.raises(PlanRefused):
        plans.change(plan, replace(NIGHTLY, keep_days=0, rhythm=Rhythm("hourly")))
    db.session.rollback()
    assert plans.wish_of(plan) == NIGHTLY


def test_a_plan_comes_back_as_it_was_wished(installation: Installation) -> None:
    wish = Wish(
        "quarterly", Rhythm("cron", cron="0 5 1 */3 *"), kind="incremental", timezone="Asia/Kolkata", keep_days=None,
        keep_count=7, enabled=False,
    )  # fmt: skip
    site = db.session.get(Site, installation.site_id)
    assert site is not None
    plan = plans.add(site, wish)
    assert plans.wish_of(plan) == wish
    assert plans.find(str(plan.id)) is plans.find("quarterly") is plans.find("school/quarterly") is plan
    for name in ("nothing", "0", "other/quarterly", "9" * 30):
        with pytest.raises(UnknownPlan):
            plans.find(name)


def test_two_people_cannot_give_one_name_at_the_same_moment(installation: Installation) -> None:
    def add(_number: int) -> bool:
        with installation.app.app_context():
            site = db.session.get(Site, installation.site_id)
            assert site is not None
            try:
                plans.add(site, NIGHTLY)
            except PlanRefused:
                return False
            return True

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(add, range(4))) == 1


@pytest.mark.parametrize("preset", presets.PRESETS, ids=lambda preset: preset.name)
def test_every_template_makes_a_plan(installation: Installation, preset: presets.Preset) -> None:
    site = db.session.get(Site, installation.site_id)
    assert site is not None
    plan = plans.add(site, presets.wish(preset, site))
    assert (plan.next_at is not None) == (preset.enabled and preset.rhythm.frequency != "demand")

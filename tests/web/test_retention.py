"""What a plan keeps: the rule as a law, a simulated year, and what happens to rows and files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count
from types import SimpleNamespace

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from webapp import plans, retention
from webapp.models import AuditEvent, Backup, BackupPlan, RestoreJob, Task, db
from webapp.retention import ALWAYS, Point, verdicts
from webapp.schedules import Rhythm, times
from webapp.storage import storage

NEW_YEAR = datetime(2025, 1, 1)  # noqa: DTZ001 - instants are naive UTC
YEAR = timedelta(days=365)


@st.composite
def histories(draw: st.DrawFn) -> list[Point]:
    """Stored backups in any order of times, with chains, damage, pins and proofs."""
    points: list[Point] = []
    for number in range(draw(st.integers(0, 30))):
        earlier = [point.id for point in points]
        points.append(
            Point(
                id=f"{number:03}",
                at=NEW_YEAR + timedelta(hours=number * 12 + draw(st.integers(0, 200))),
                good=draw(st.integers(0, 4)) > 0,
                pinned=draw(st.integers(0, 9)) == 0,
                used=draw(st.integers(0, 9)) == 0,
                proven=draw(st.integers(0, 4)) == 0,
                base=draw(st.none() | st.sampled_from(earlier)) if earlier else None,
            )
        )
    return points


limits = st.none() | st.integers(1, 12)


@settings(max_examples=150)
@given(points=histories(), keep_days=limits, keep_count=limits)
def test_the_rule_never_takes_what_is_needed(
    points: Sequence[Point], keep_days: int | None, keep_count: int | None
) -> None:
    said = verdicts(points, keep_days, keep_count)
    known = {point.id: point for point in points}
    assert said.keys() == known.keys()
    kept = {id_ for id_, verdict in said.items() if verdict.kept}
    for point in points:
        assert point.id in kept or not (point.pinned or point.used)
        if point.id in kept and point.base:
            assert point.base in kept
    good = sorted((point for point in points if whole(point, known)), key=lambda point: (point.at, point.id))
    if good:
        assert good[-1].id in kept
        proven = [point for point in good if point.proven]
        assert not proven or proven[-1].id in kept
    else:
        assert kept == known.keys()
    if keep_days is None and keep_count is None:
        assert kept == known.keys()


@settings(max_examples=150)
@given(points=histories(), keep_days=limits, keep_count=limits)
def test_thinning_twice_is_thinning_once(
    points: Sequence[Point], keep_days: int | None, keep_count: int | None
) -> None:
    said = verdicts(points, keep_days, keep_count)
    left = [point for point in points if said[point.id].kept]
    assert all(verdict.kept for verdict in verdicts(left, keep_days, keep_count).values())


def whole(point: Point, known: dict[str, Point]) -> bool:
    return point.good and (point.base is None or whole(known[point.base], known))


@pytest.mark.parametrize(
    ("rhythm", "keep_days", "keep_count", "most"),
    [
        (Rhythm("hourly", "00:00"), 7, 48, 48),
        (Rhythm("daily", "02:00"), 30, 10, 10),
        (Rhythm("daily", "02:00"), 30, 30, 30),
        (Rhythm("weekly", "03:00"), 90, 12, 12),
        (Rhythm("monthly", "04:00"), 365, 12, 12),
        (Rhythm("daily", "02:00"), 5, None, 6),
        (Rhythm("monthly", "04:00"), 10, None, ALWAYS),
    ],
)
def test_a_year_of_a_plan_keeps_exactly_what_its_rule_says(
    rhythm: Rhythm, keep_days: int, keep_count: int | None, most: int
) -> None:
    stored: list[Point] = []
    for number, at in enumerate(times(rhythm.fields(), "Europe/Berlin", NEW_YEAR, NEW_YEAR + YEAR)):
        stored.append(Point(f"{number:05}", at))
        said = verdicts(stored, keep_days, keep_count)
        stored = [point for point in stored if said[point.id].kept]
        assert len(stored) == min(number + 1, most)
        assert stored[-1].at == at
        old = [point for point in stored[:-ALWAYS] if at - point.at > timedelta(days=keep_days, hours=2)]
        assert old == []


def test_a_year_with_chains_failures_and_damage_always_leaves_a_whole_chain() -> None:
    stored: list[Point] = []
    chain: list[str] = []
    for number, at in enumerate(times("0 2 * * *", "America/New_York", NEW_YEAR, NEW_YEAR + YEAR)):
        if number % 11 == 5:
            continue  # a night on which it failed
        base = chain[-1] if chain and len(chain) < 7 else None
        point = Point(f"{number:05}", at, base=base)
        chain = [*chain, point.id] if base else [point.id]
        stored.append(point)
        if number % 50 == 20:
            stored[-2:] = [Point(each.id, each.at, good=False, base=each.base) for each in stored[-2:]]
            chain = []
        said = verdicts(stored, 30, 10)
        stored = [each for each in stored if said[each.id].kept]
        known = {each.id: each for each in stored}
        assert all(each.base is None or each.base in known for each in stored)
        assert any(whole(each, known) for each in stored)
        assert len(stored) <= 10 + 7 + 4
    assert len(stored) >= 10


# ---------------------------------------------------------------- rows and files

_numbers: Iterator[int] = count()


@pytest.fixture
def plan(app: Flask, people: SimpleNamespace) -> Iterator[BackupPlan]:
    """A nightly plan that keeps three, in the context of the app."""
    with app.app_context():
        plan = db.session.get(BackupPlan, people.plans["own"])
        assert plan is not None
        plan.keep_days, plan.keep_count = None, 3
        db.session.commit()
        yield plan


def store(plan: BackupPlan, day: int, content: str = "", **values: object) -> Backup:
    """A backup that the plan made on a day of the year."""
    content = content or f"backup {next(_numbers)}"
    path = f"backups/{content.replace(' ', '-')}"
    storage().path(path).write_text(content)
    values = {"path": path, "sha256": path[8:].ljust(64, "0"), "plan_id": plan.id, **values}
    backup = Backup(
        site_id=plan.site_id, name=content, size=9, origin="plan", created_at=NEW_YEAR + timedelta(days=day), **values
    )
    db.session.add(backup)
    db.session.commit()
    return backup


def names(backups: Sequence[Backup]) -> set[str]:
    return {backup.name for backup in backups}


def left(plan: BackupPlan) -> set[str]:
    return names(db.session.query(Backup).filter(Backup.plan_id == plan.id, Backup.path != "").all())


def test_rows_stay_with_the_reason_and_files_go(plan: BackupPlan) -> None:
    backups = [store(plan, day) for day in range(5)]
    paths = [storage().path(backup.path) for backup in backups]
    assert names(retention.thin(plan, NEW_YEAR + YEAR)) == names(backups[:2])
    assert [path.exists() for path in paths] == [False, False, True, True, True]
    gone = backups[0]
    assert (gone.path, gone.removed_at) == ("", NEW_YEAR + YEAR)
    assert gone.removed_why == "nightly: more than 3 newer ones"
    assert {event.subject for event in db.session.query(AuditEvent).filter_by(action="backup.remove")} == names(
        backups[:2]
    )
    assert retention.thin(plan) == []


def test_a_file_that_another_backup_has_stays(plan: BackupPlan) -> None:
    shared = store(plan, 0, "the same bytes")
    uploaded = store(plan, 0, "the same bytes", plan_id=None)
    for day in range(1, 4):
        store(plan, day)
    path = storage().path(shared.path)
    assert names(retention.thin(plan)) == {shared.name}
    assert path.exists()
    assert (uploaded.path != "", shared.path) == (True, "")


def test_what_is_not_the_plans_own_is_not_looked_at(plan: BackupPlan, people: SimpleNamespace) -> None:
    foreign = [store(plan, day, plan_id=None) for day in range(9)]
    other = [store(plan, day, plan_id=people.plans["foreign"]) for day in range(9)]
    store(plan, 9)
    assert retention.thin(plan) == []
    assert all(backup.path for backup in foreign + other)


def test_pinned_used_and_base_backups_stay(plan: BackupPlan) -> None:
    pinned = store(plan, 0, pinned=True)
    restoring = store(plan, 1)
    second_file = store(plan, 2)
    drilled = store(plan, 3)
    base = store(plan, 4)
    increment = store(plan, 5, base_id=base.id)
    forgotten = store(plan, 6)
    for day in range(7, 10):
        store(plan, day)
    being_made = store(plan, 10, path="", base_id=increment.id)
    job = RestoreJob(site_id=plan.site_id, backup_id=restoring.id, status="planned", more=[second_file])
    old = RestoreJob(
        site_id=plan.site_id, backup_id=forgotten.id, status="draft", updated_at=NEW_YEAR - timedelta(days=900)
    )
    done = RestoreJob(site_id=plan.site_id, backup_id=forgotten.id, status="done")
    task = Task(kind="drill", site_id=plan.site_id, backup_id=drilled.id)
    db.session.add_all([job, old, done, task])
    db.session.commit()
    assert names(retention.thin(plan)) == {forgotten.name}
    being_made.note = "it failed"
    job.status, task.status, pinned.pinned = "done", "failed", False
    db.session.commit()
    assert names(retention.thin(plan)) == names([pinned, restoring, second_file, drilled, base, increment])


def test_removing_looks_again_at_the_last_moment(plan: BackupPlan) -> None:
    base = store(plan, 0)
    store(plan, 1, base_id=base.id)
    assert not retention.remove(base, "somebody wants it")
    assert storage().path(base.path).exists()


def test_what_goes_next_is_what_then_goes(plan: BackupPlan) -> None:
    for day in range(3):
        store(plan, day)
    announced = {backup.name for backup, _ in retention.coming(plan, NEW_YEAR + timedelta(days=3))}
    assert len(announced) == 1
    store(plan, 3)
    assert names(retention.thin(plan)) == announced


def test_what_a_wrong_clock_has_dated_ahead_does_not_push_out_what_is_made_since(plan: BackupPlan) -> None:
    ahead = [store(plan, 5000 + day) for day in range(3)]
    assert retention.thin(plan) == []
    since = [store(plan, day) for day in range(3)]
    assert names(retention.thin(plan)) == names(ahead)
    assert left(plan) == names(since)


def test_a_plan_that_has_stopped_succeeding_stops_forgetting(plan: BackupPlan) -> None:
    plan.keep_days, plan.keep_count = 7, None
    kept = [store(plan, day) for day in range(5)]
    for day in range(5, 60):
        store(plan, day, path="", note="the database at x cannot be reached")
    assert retention.thin(plan, NEW_YEAR + timedelta(days=60)) == []
    assert left(plan) == names(kept)


def test_a_year_of_the_clock_makes_and_keeps_what_the_plans_say(app: Flask, people: SimpleNamespace) -> None:
    """Daily and weekly plans in the app database, driven through a year; the files are written as a worker would."""
    with app.app_context():
        db.session.execute(db.text("PRAGMA synchronous=OFF"))  # thousands of commits, and no power to cut
        site = db.session.get(BackupPlan, people.plans["own"]).site  # type: ignore[union-attr]
        wishes = {
            "daily": plans.Wish("by day", Rhythm("daily", "02:30"), timezone="Europe/Berlin", keep_count=10),
            "weekly": plans.Wish(
                "by week", Rhythm("weekly", "03:00"), timezone="Asia/Kolkata", keep_days=90, keep_count=12
            ),
        }
        made = {name: plans.add(site, wish) for name, wish in wishes.items()}
        for plan in made.values():
            plan.active_since, plan.next_at = NEW_YEAR, None
        db.session.execute(db.delete(BackupPlan).where(BackupPlan.name == "nightly"))
        db.session.commit()
        plans.correct(NEW_YEAR)
        at, runs = NEW_YEAR, {plan.id: 0 for plan in made.values()}
        while at < NEW_YEAR + YEAR:
            at += timedelta(hours=13)
            for task_id in plans.claim_due(at):
                task = db.session.get(Task, task_id)
                assert task is not None
                runs[task.plan_id or 0] += 1
                task.backup.path = f"backups/{task_id}"
                task.backup.sha256 = task_id
                storage().path(task.backup.path).write_text("made")
                task.status = "done"
                db.session.commit()
                assert task.plan
                retention.thin(task.plan, at)
        for plan in made.values():
            assert runs[plan.id] == len(list(times(plan.cron, plan.timezone, NEW_YEAR, at)))
        assert runs[made["daily"].id] >= 365
        assert len(left(made["daily"])) == 10
        assert len(left(made["weekly"])) == 12
        stored = {path.name for path in storage().path("backups/x").parent.iterdir()}
        assert len(stored - {"own", "foreign"}) == 22
        assert db.session.query(Backup).filter(Backup.removed_why != "").count() == sum(runs.values()) - 22

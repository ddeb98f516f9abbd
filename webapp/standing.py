"""How backup plans stand: last and next run, overdue or failing, and what became of each of the last days.

A plan is overdue when a time at which it was due is over by ``GRACE`` (or half the time to the next one, where that is
shorter) and no good backup was begun since. A backup is good when its file was made and nobody has found it damaged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select
from sqlalchemy.sql.elements import ColumnElement

from webapp import plans, schedules, tasks
from webapp.models import Backup, BackupPlan, Site, Task, db

GRACE = timedelta(hours=1)
DAYS = 30


@dataclass(frozen=True)
class Day:
    """A day of a plan's strip. ``state``: ok, mixed, failed, missing, running or idle."""

    date: date
    state: str
    good: int
    failed: int


@dataclass(frozen=True)
class Standing:
    """A plan at a moment. ``overdue`` is the due time that is still without a good backup."""

    plan: BackupPlan
    when: str
    good: Backup | None
    last: Task | None
    running: Task | None
    overdue: datetime | None
    days: Sequence[Day]
    kept: int
    size: int

    @property
    def state(self) -> str:
        """One word for all of it, the most urgent first: running, overdue, failing, off, new or well."""
        if self.running:
            return "running"
        if not self.plan.enabled:
            return "off"
        if self.overdue:
            return "overdue"
        if self.last and self.last.status == "failed":
            return "failing"
        return "well" if self.good else "new"


def standings(sites: Iterable[Site], at: datetime | None = None) -> list[Standing]:
    """The plans of some sites, those that need somebody first."""
    at = at or plans.read_clock()
    query = select(BackupPlan).where(BackupPlan.site_id.in_([site.id for site in sites]))
    found = [standing(plan, at) for plan in db.session.scalars(query)]
    order = ("overdue", "failing", "running", "new", "well", "off")
    return sorted(found, key=lambda each: (order.index(each.state), each.plan.site.title, each.plan.name))


def standing(plan: BackupPlan, at: datetime | None = None) -> Standing:
    """How one plan stands."""
    at = at or plans.read_clock()
    # What a wrong clock has dated ahead must not hide that the plan is overdue.
    past = Backup.created_at <= at + GRACE
    good = select(Backup).where(Backup.plan_id == plan.id, _made(), Backup.verified_problem == "", past)
    last = select(Task).where(Task.plan_id == plan.id, Task.kind == "backup", Task.status.not_in(tasks.OPEN))
    newest = db.session.scalars(good.order_by(Backup.created_at.desc()).limit(1)).first()
    stored = select(func.count(), func.coalesce(func.sum(Backup.size), 0))
    kept, size = db.session.execute(stored.where(Backup.plan_id == plan.id, Backup.path != "")).one()
    return Standing(
        plan=plan,
        when=schedules.words(plan.frequency, plan.cron, plan.timezone),
        good=newest,
        last=db.session.scalars(last.order_by(Task.created_at.desc()).limit(1)).first(),
        running=plans.under_way(plan),
        overdue=overdue_since(plan, newest.created_at if newest else None, at),
        days=_days(plan, at),
        kept=kept,
        size=size,
    )


def overdue(sites: Iterable[Site], at: datetime | None = None) -> list[Standing]:
    """The plans of some sites that are overdue or whose last run failed: what a first page should say."""
    return [each for each in standings(sites, at) if each.overdue or each.state == "failing"]


def overdue_since(plan: BackupPlan, good_at: datetime | None, at: datetime) -> datetime | None:
    """The first due time after the last good backup, when it is over by more than the grace."""
    if not plan.enabled:
        return None
    since = max(plan.active_since, good_at) if good_at else plan.active_since
    missed = schedules.next_after(plan.cron, plan.timezone, since)
    if missed is None or missed > at:
        return None
    following = schedules.next_after(plan.cron, plan.timezone, missed)
    grace = min(GRACE, (following - missed) / 2) if following else GRACE
    return missed if at > missed + grace else None


def _made() -> ColumnElement[bool]:
    """A backup whose file was made, though a rule may have removed it since."""
    return or_(Backup.path != "", Backup.removed_at.is_not(None))


def _days(plan: BackupPlan, at: datetime) -> list[Day]:
    place = ZoneInfo(plan.timezone)

    def day_of(instant: datetime) -> date:
        return instant.replace(tzinfo=UTC).astimezone(place).date()

    today = day_of(at)
    begin = at - timedelta(days=DAYS + 1)
    runs: dict[date, list[str]] = {}
    # Not whole rows: each of them carries its analysis.
    facts = (Backup.created_at, Backup.path, Backup.removed_at, Backup.note, Backup.verified_problem)
    rows = select(*facts).where(Backup.plan_id == plan.id, Backup.created_at > begin)
    for created_at, path, removed_at, note, problem in db.session.execute(rows):
        made = path or removed_at
        outcome = "failed" if (made and problem) or (not made and note) else "good" if made else "running"
        runs.setdefault(day_of(created_at), []).append(outcome)
    strip = [today - timedelta(days=ago) for ago in reversed(range(DAYS))]
    return [
        Day(
            each,
            _state(runs.get(each, []), each not in runs and _was_due(plan, each, at)),
            *_counts(runs.get(each, [])),
        )
        for each in strip
    ]


def _was_due(plan: BackupPlan, day: date, at: datetime) -> bool:
    """Whether a time of that day is over by the grace."""
    if not plan.enabled:
        return False
    place = ZoneInfo(plan.timezone)
    begin, end = (
        datetime.combine(each, time(), place).astimezone(UTC).replace(tzinfo=None) - timedelta.resolution
        for each in (day, day + timedelta(days=1))
    )
    begin, end = max(begin, plan.active_since), min(end, at - GRACE)
    return begin < end and next(schedules.times(plan.cron, plan.timezone, begin, end), None) is not None


def _counts(outcomes: Sequence[str]) -> tuple[int, int]:
    return outcomes.count("good"), outcomes.count("failed")


def _state(outcomes: Sequence[str], due: bool) -> str:
    good, failed = _counts(outcomes)
    if good or failed:
        return "mixed" if good and failed else "ok" if good else "failed"
    return "running" if outcomes else "missing" if due else "idle"

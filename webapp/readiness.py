"""How ready a site is to be restored: what the first page says of it.

Only backups of a whole site count, and only those of which nobody knows that they are damaged, they or one that they build
on. How much would be lost is the time since the newest one whose moment is known: an uploaded file tells neither that nor
how much of the site it holds, so it counts only where there is no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select

from webapp import standing, timeline
from webapp.models import Backup, BackupPlan, RestoreJob, Site, Task, db, now
from webapp.stored import with_bases

ENDED = ("done", "failed", "cancelled", "stale")
MOST = 3
"""So many of a kind are named; the rest is a number with a link."""


@dataclass(frozen=True)
class Readiness:
    """How a site stands. ``late``: its plans that are overdue or failing; ``lost``: since when changes are in no backup."""

    site: Site
    days: Sequence[timeline.Day]
    good: Backup | None
    proven: Backup | None
    damaged: Sequence[Backup]
    late: Sequence[standing.Standing]
    plans: int
    next_at: datetime | None
    tasks: Sequence[Task]
    open: Sequence[RestoreJob]
    last: RestoreJob | None
    restored: bool
    lost_since: datetime | None

    @property
    def lost(self) -> timedelta | None:
        """How long ago the last known state was kept."""
        return now() - self.lost_since if self.lost_since else None

    @property
    def verdict(self) -> tuple[str, str, str]:
        """All of it in a word or two, the tone, and a sign. What needs somebody comes first."""
        if self.good is None:
            return ("Not backed up", "bad", "×")
        if self.damaged:
            return ("A backup is damaged", "bad", "×")
        if any(each.overdue for each in self.late):
            return ("Backup overdue", "warn", "!")
        if self.late:
            return ("Backup failing", "warn", "!")
        if self.proven is None:
            return ("Backed up, not proven", "ready", "?")
        return ("Ready to restore", "good", "✓")


def of(site: Site) -> Readiness:
    """How a site stands now."""
    late = standing.overdue([site])
    overdue = min((each.overdue.date() for each in late if each.overdue), default=None)
    jobs = select(RestoreJob).where(RestoreJob.site_id == site.id).order_by(RestoreJob.updated_at.desc())
    kept = _whole(site)
    dated = next((each for each in kept if (each.instant or each.origin != "upload") and not _damage(each)), None)
    good = dated or next((each for each in kept if not _damage(each)), None)
    plans = select(BackupPlan).where(BackupPlan.site_id == site.id, BackupPlan.enabled)
    enabled = db.session.scalars(plans).all()
    return Readiness(
        site=site,
        days=timeline.days([site.id], overdue=overdue),
        good=good,
        proven=next((each for each in kept if each.proven_at and not _damage(each)), None),
        damaged=_damaged(site),
        late=late,
        plans=len(enabled),
        next_at=min((plan.next_at for plan in enabled if plan.next_at), default=None),
        tasks=_tasks(site),
        open=db.session.scalars(jobs.where(RestoreJob.status.not_in(ENDED)).limit(MOST)).all(),
        last=db.session.scalars(jobs.where(RestoreJob.status.in_(ENDED)).limit(1)).first(),
        restored=db.session.scalars(jobs.where(RestoreJob.status == "done").limit(1)).first() is not None,
        lost_since=(dated.instant or dated.created_at) if dated else None,
    )


def _whole(site: Site) -> Sequence[Backup]:
    """The kept backups of a whole site, the newest state first."""
    whole = (Backup.origin != "safety", Backup.categories_json == "[]", Backup.path != "")
    # More than a hundred without a good one among them say as much as all.
    newest = select(Backup).where(Backup.site_id == site.id, *whole).order_by(Backup.created_at.desc()).limit(100)
    return sorted(db.session.scalars(newest), key=lambda each: each.instant or each.created_at, reverse=True)


def _damage(backup: Backup) -> bool:
    return any(each.verified_problem or not each.path for each in with_bases((backup,)))


def _damaged(site: Site) -> Sequence[Backup]:
    """Kept backups that are damaged, or of which a drill says that they cannot be restored."""
    failed = (Backup.proven_at.is_(None), Backup.drill_json.is_not(None))
    bad = select(Backup).where(Backup.site_id == site.id, Backup.path != "")
    bad = bad.where(or_(Backup.verified_problem != "", failed[0] & failed[1]))
    return db.session.scalars(bad.order_by(Backup.created_at.desc()).limit(MOST + 1)).all()


def _tasks(site: Site) -> Sequence[Task]:
    tasks = select(Task).where(Task.site_id == site.id, Task.status.in_(timeline.RUNNING))
    return db.session.scalars(tasks.order_by(Task.created_at.desc()).limit(MOST)).all()

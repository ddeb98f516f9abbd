"""Which backups of a plan are kept, and taking away the others.

A plan keeps its newest ``keep_count`` good backups, and none that is more than ``keep_days`` older than the newest one.
A backup goes when it is beyond either; but whatever the numbers say, it stays while it is

1. pinned, proven last, or among the newest ``ALWAYS`` good ones (within the count);
2. used: by a restore that is not at its end, or by a task;
3. a base of any backup that stays: a chain is kept as long as one of its later points.

Age is counted from the newest good backup and not from today, so that a plan which has stopped succeeding stops forgetting,
too. Only backups that the plan made are looked at. A row stays in the history; its file goes when no other row has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, and_, or_, select, update
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import ColumnElement

from webapp import audit, making
from webapp.models import Backup, BackupPlan, RestoreJob, Task, db, now, restore_job_backup
from webapp.moves import MOVING
from webapp.storage import storage

ALWAYS = 3
"""So many good backups are never too old."""

LENIENCE = timedelta(hours=2)
"""Clocks change and runs begin late: a backup of the same time of day is not too old because of that."""

ENDED = ("done", "failed", "cancelled", "stale")
FORGOTTEN_DAYS = 7
"""A restore that was begun and left lying for so long does not hold its backup any more."""


@dataclass(frozen=True)
class Point:
    """A backup of a plan as the rule sees it. ``good``: its file is there and nobody has found it damaged."""

    id: str
    at: datetime
    good: bool = True
    pinned: bool = False
    used: bool = False
    proven: bool = False
    base: str | None = None


@dataclass(frozen=True)
class Verdict:
    """Whether a backup stays, and why."""

    kept: bool
    why: str


def verdicts(points: Iterable[Point], keep_days: int | None, keep_count: int | None) -> dict[str, Verdict]:
    """What the rule says of each point, newest first."""
    newest_first = sorted(points, key=lambda point: (point.at, point.id), reverse=True)
    known = {point.id: point for point in newest_first}
    good = {point.id for point in newest_first if _whole(point, known)}
    newest = next((point.at for point in newest_first if point.id in good), None)
    proven = next((point.id for point in newest_first if point.proven and point.id in good), None)
    found: dict[str, Verdict] = {}
    rank = 0
    for point in newest_first:
        counted = point.id in good and not point.pinned
        if point.pinned:
            verdict = Verdict(True, "pinned")
        elif point.used:
            verdict = Verdict(True, "in use")
        elif keep_count is not None and rank >= keep_count:
            verdict = Verdict(False, f"more than {keep_count} newer ones")
        elif counted and rank < ALWAYS:
            verdict = Verdict(True, "the last good one" if rank == 0 else f"among the newest {ALWAYS}")
        elif keep_days is not None and newest is not None and newest - point.at > timedelta(days=keep_days) + LENIENCE:
            verdict = Verdict(False, f"more than {keep_days} days older than the newest")
        else:
            verdict = Verdict(True, "within the rule")
        rank += counted
        if not verdict.kept and (point.id == proven or newest is None):
            verdict = Verdict(True, "the last that was proven" if point.id == proven else "none is known to be good")
        found[point.id] = verdict
    for point in [each for each in newest_first if found[each.id].kept]:
        base = known.get(point.base or "")
        while base is not None and not found[base.id].kept:
            found[base.id] = Verdict(True, "the base of a later one")
            base = known.get(base.base or "")
    return found


def _whole(point: Point, known: Mapping[str, Point]) -> bool:
    """Whether a point and all that it stands on are good."""
    seen = set()
    each: Point | None = point
    while each is not None:
        if not each.good or each.id in seen:
            return False
        seen.add(each.id)
        if each.base is None:
            return True
        each = known.get(each.base)
    return False


# ---------------------------------------------------------------- on the rows


def judged(plan: BackupPlan, *more: Point) -> list[tuple[Backup, Verdict]]:
    """The stored backups of a plan, newest first, and what the rule says of each, if there were some more."""
    backups = list(
        db.session.scalars(
            select(Backup)
            .where(Backup.plan_id == plan.id, Backup.path != "")
            .order_by(Backup.created_at.desc(), Backup.id.desc())
        )
    )
    own = select(Backup.id).where(Backup.plan_id == plan.id, Backup.path != "")
    used = set(db.session.scalars(own.where(_at_work())))
    bases = set(db.session.scalars(own.where(_is_base(elsewhere=True))))
    moments = _moments(backups, now())
    points = [
        Point(
            backup.id,
            moments[backup.id],
            good=not backup.verified_problem,
            pinned=backup.pinned,
            used=backup.id in used | bases,
            proven=backup.proven_at is not None,
            base=backup.base_id,
        )
        for backup in backups
    ]
    said = verdicts([*points, *more], plan.keep_days, plan.keep_count)
    said |= {id_: Verdict(True, "another one builds on it") for id_ in bases - used if said[id_].why == "in use"}
    return [(backup, said[backup.id]) for backup in backups]


def _moments(backups: Sequence[Backup], at: datetime) -> dict[str, datetime]:
    """When each backup was made. What a wrong clock has dated ahead is taken for older than all others.

    Else it would count as the newest for as long as its date lies ahead, and push out what is made meanwhile.
    """
    ahead = [backup.created_at for backup in backups if backup.created_at > at + LENIENCE]
    others = [backup.created_at for backup in backups if backup.created_at <= at + LENIENCE]
    back = max(ahead) - min(others) + timedelta(seconds=1) if ahead and others else timedelta()
    return {
        backup.id: backup.created_at - back if backup.created_at > at + LENIENCE else backup.created_at
        for backup in backups
    }


def thin_all() -> None:
    """Remove what no plan keeps, also where nothing new was made."""
    for plan in db.session.scalars(select(BackupPlan)).all():
        thin(plan)


def coming(plan: BackupPlan, next_at: datetime) -> list[tuple[Backup, str]]:
    """Which backups the next one would push out, and why."""
    rows = judged(plan, Point("next", next_at))
    return [(backup, verdict.why) for backup, verdict in rows if not verdict.kept]


def thin(plan: BackupPlan, at: datetime | None = None) -> list[Backup]:
    """Remove what the plan's rule does not keep. Returns the backups that are gone."""
    gone = [(backup, verdict.why) for backup, verdict in judged(plan) if not verdict.kept]
    # From the newest to the oldest, so that a chain is shortened from its end.
    return [backup for backup, why in gone if remove(backup, f"{plan.name}: {why}", at)]


def remove(backup: Backup, why: str, at: datetime | None = None, *, by_hand: bool = False) -> bool:
    """Take a backup away, unless it is pinned, in use or a base at this very moment. Its row stays and says why.

    A person may take it from a restore that was begun and waits for nobody but a person (``by_hand``); a rule may not.
    """
    key, sha256 = backup.path, backup.sha256
    taken = update(Backup).where(
        Backup.id == backup.id, Backup.path != "", Backup.pinned.is_(False), ~_at_work(by_hand=by_hand), ~_is_base()
    )
    result = db.session.execute(
        taken.values(path="", removed_at=at or now(), removed_why=why[:200]),
        execution_options={"synchronize_session": False},
    )
    if not (isinstance(result, CursorResult) and result.rowcount == 1):
        db.session.rollback()
        return False
    audit.note("backup.remove", backup.name, site=backup.site.name, why=why, sha256=sha256)
    db.session.commit()
    if not making.holds(sha256):
        storage().remove(key)
    return True


def _at_work(*, by_hand: bool = False) -> ColumnElement[bool]:
    """Whether a restore or a task that is not at its end needs the backup of the surrounding statement."""
    lately = RestoreJob.updated_at > now() - timedelta(days=FORGOTTEN_DAYS)
    needed = RestoreJob.status.in_(MOVING) if by_hand else or_(lately, RestoreJob.status.in_(("running", "unknown")))
    waits = or_(needed, RestoreJob.scheduled_for.is_not(None))
    held = and_(RestoreJob.status.not_in(ENDED), waits)
    more = select(restore_job_backup.c.job_id).join(RestoreJob, RestoreJob.id == restore_job_backup.c.job_id)
    return or_(
        select(RestoreJob.id).where(RestoreJob.backup_id == Backup.id, held).exists(),
        select(RestoreJob.id).where(RestoreJob.safety_id == Backup.id, held).exists(),
        more.where(restore_job_backup.c.backup_id == Backup.id, held).exists(),
        select(Task.id).where(Task.backup_id == Backup.id, Task.status.in_(("queued", "running"))).exists(),
    )


def _is_base(*, elsewhere: bool = False) -> ColumnElement[bool]:
    """Whether a backup that is there, or being made, stands on it; ``elsewhere``: one that its own rule does not judge."""
    later = aliased(Backup)
    there = and_(later.removed_at.is_(None), or_(later.path != "", later.note == ""))
    if elsewhere:
        there = and_(there, or_(later.path == "", later.plan_id.is_distinct_from(Backup.plan_id)))
    return select(later.id).where(later.base_id == Backup.id, there).exists()

"""Backups and restores on one line, newest first: found by filters, a page at a time.

A page begins after a cursor, the instant and the id of the last entry before it, so that what arrives meanwhile moves
nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select
from sqlalchemy.orm import joinedload

from webapp.models import Backup, RestoreJob, Site, Task, User, db, now

KINDS: Mapping[str, str] = {
    "backups": "backups",
    "full": "full backups",
    "incremental": "increments",
    "restores": "restores",
}
MAKERS: Mapping[str, str] = {
    "upload": "uploaded",
    "made": "made by hand",
    "plan": "made by a plan",
    "safety": "made before a restore or reset",
}
STATES: Mapping[str, str] = {
    "proven": "proven by a drill",
    "checked": "checked, not proven",
    "unchecked": "not checked yet",
    "damaged": "damaged",
    "failed": "failed",
    "pinned": "pinned",
    "encrypted": "encrypted",
    "removed": "removed",
}
FORMATS: Mapping[str, str] = {
    "native": "Smart Restore format",
    "fixture": "Django fixture",
    "package": "documents package",
    "sync": "attendance sync file",
    "sqlite": "SQLite database",
    "dump": "PostgreSQL dump",
}
"""What the filters offer, in words."""

READ_AS = (
    ("Smart Restore", "native"),
    ("Django fixture", "fixture"),
    ("Package", "package"),
    ("Sync file", "sync"),
    ("SQLite", "sqlite"),
    ("PostgreSQL", "dump"),
)
"""How the titles of what was read begin, and the name of the format."""

RUNNING = ("queued", "running")


@dataclass(frozen=True)
class Wanted:
    """Which entries are asked for; what is empty does not matter. Removed backups are shown when they are asked for."""

    sites: tuple[int, ...]
    kind: str = ""
    format: str = ""
    by: str = ""
    state: str = ""
    text: str = ""
    day: date | None = None

    @property
    def backups_only(self) -> bool:
        """Whether something is asked that only a backup has."""
        return bool(self.format or self.state) or self.by in MAKERS or self.kind in {"backups", "full", "incremental"}


DayState = Literal["ok", "failed", "overdue", "idle", "running"]
DAY_SIGNS: Mapping[str, tuple[str, str]] = {
    "ok": ("✓", "backed up"),
    "failed": ("×", "failed or damaged"),
    "overdue": ("!", "overdue"),
    "idle": ("·", "no backup"),
    "running": ("…", "being made"),
}
"""The states of a day, as a sign and in words."""


@dataclass(frozen=True)
class Day:
    """A day of a strip: how it went, and how many backups were kept, failed or damaged, and restores begun."""

    date: date
    state: DayState
    backups: int
    failed: int
    restores: int


@dataclass(frozen=True)
class Entry:
    """One line: a backup with what is being done with it, or a restore."""

    at: datetime
    id: str
    backup: Backup
    job: RestoreJob | None = None
    tasks: tuple[Task, ...] = ()

    @property
    def site(self) -> Site:
        """Whose it is."""
        return self.job.site if self.job else self.backup.site

    @property
    def cursor(self) -> str:
        """Where the next page begins."""
        return f"{self.at.isoformat()}~{self.id}"


def find(wanted: Wanted, *, after: str = "", limit: int = 50) -> list[Entry]:
    """The newest entries that are wanted, those after the cursor when one is given."""
    backups: Sequence[Backup] = ()
    restores: Sequence[RestoreJob] = ()
    if wanted.kind != "restores":
        found = _newest(_backups(wanted), Backup, after, limit)
        backups = db.session.scalars(found.options(joinedload(Backup.site), joinedload(Backup.plan))).all()
    if not wanted.backups_only:
        jobs = _newest(_restores(wanted), RestoreJob, after, limit)
        restores = db.session.scalars(jobs.options(joinedload(RestoreJob.backup), joinedload(RestoreJob.site))).all()
    entries = [
        *with_tasks(backups),
        *(Entry(job.created_at, job.id, job.backup, job) for job in restores),
    ]
    return sorted(entries, key=lambda entry: (entry.at, entry.id), reverse=True)[:limit]


def with_tasks(backups: Sequence[Backup]) -> list[Entry]:
    """The entries of backups, each with what is being done with it."""
    ids = [backup.id for backup in backups]
    found = db.session.scalars(select(Task).where(Task.backup_id.in_(ids), Task.status.in_(RUNNING))).all()
    return [
        Entry(backup.created_at, backup.id, backup, None, tuple(task for task in found if task.backup_id == backup.id))
        for backup in backups
    ]


def removed(wanted: Wanted) -> int:
    """How many backups the filters would show besides, had they not been removed."""
    if wanted.state or wanted.kind == "restores":
        return 0
    statement = _backups(replace(wanted, state="removed")).with_only_columns(func.count())
    return db.session.scalar(statement) or 0


def days(sites: Sequence[int], *, overdue: date | None = None, length: int = 30) -> list[Day]:
    """The last days, oldest first: what was kept, what failed, what was restored.

    Args:
        overdue: since when a backup is overdue, if one is.
    """
    today = now().date()
    since = datetime.combine(today - timedelta(days=length - 1), time())
    own = (Backup.site_id.in_(sites), Backup.created_at >= since, Backup.removed_at.is_(None))
    kept = _by_day(Backup, (*own, Backup.path != "", Backup.verified_problem == ""))
    gone = _by_day(Backup, (Backup.site_id.in_(sites), Backup.created_at >= since, Backup.removed_at.is_not(None)))
    unmade = and_(Backup.path == "", Backup.note != "", _begun())
    failed = _by_day(Backup, (*own, or_(unmade, and_(Backup.path != "", Backup.verified_problem != ""))))
    begun = _by_day(RestoreJob, (RestoreJob.site_id.in_(sites), RestoreJob.created_at >= since))
    making = select(Task.id).where(Task.site_id.in_(sites), Task.kind == "backup", Task.status.in_(RUNNING))
    running = db.session.scalar(making.limit(1)) is not None

    def state(day: date) -> DayState:
        if day == today and running:
            return "running"
        if kept[day] or gone[day]:
            return "ok"
        if failed[day]:
            return "failed"
        return "overdue" if overdue is not None and day >= overdue else "idle"

    each = [today - timedelta(days=ago) for ago in reversed(range(length))]
    return [Day(day, state(day), kept[day] + gone[day], failed[day], begun[day]) for day in each]


def format_of(title: str) -> str:
    """The name of the format that an analysis has named in a sentence."""
    return next((name for begins, name in READ_AS if title.startswith(begins)), "")


def formats(sites: Sequence[int]) -> list[str]:
    """The formats of the backups of sites."""
    found = select(Backup.format).where(Backup.site_id.in_(sites)).distinct()
    return sorted(name for name in db.session.scalars(found) if name)


def people(sites: Sequence[int]) -> dict[int, str]:
    """Who made backups or restores of sites: ids and names."""
    from_backups = select(Backup.created_by_id).where(Backup.site_id.in_(sites))
    from_restores = select(RestoreJob.created_by_id).where(RestoreJob.site_id.in_(sites))
    ids = {*db.session.scalars(from_backups.distinct()), *db.session.scalars(from_restores.distinct())}
    named = select(User.id, User.username).where(User.id.in_(ids - {None})).order_by(User.username)
    return {row.id: row.username for row in db.session.execute(named)}


def _by_day(kind: type[Backup | RestoreJob], where: Sequence[ColumnElement[bool]]) -> Counter[date]:
    day = func.date(kind.created_at)
    rows = db.session.execute(select(day, func.count()).where(*where).group_by(day))
    return Counter({each if isinstance(each, date) else date.fromisoformat(each): count for each, count in rows})


def _newest(statement: Select[Any], kind: type[Backup | RestoreJob], after: str, limit: int) -> Select[Any]:
    at, _, last = after.partition("~")
    try:
        then = datetime.fromisoformat(at) if at else None
    except ValueError:
        then = None
    if then is not None:
        then = then.replace(tzinfo=None)
        statement = statement.where(or_(kind.created_at < then, and_(kind.created_at == then, kind.id < last)))
    return statement.order_by(kind.created_at.desc(), kind.id.desc()).limit(limit)


def _backups(wanted: Wanted) -> Select[Any]:
    statement = select(Backup).where(Backup.site_id.in_(wanted.sites), _begun(), *_made_by(Backup, wanted.by))
    statement = _on_day(statement, Backup, wanted.day)
    if wanted.kind in {"full", "incremental"}:
        statement = statement.where(Backup.kind == wanted.kind)
    if wanted.format:
        statement = statement.where(Backup.format == wanted.format)
    if wanted.text:
        said = (Backup.name, Backup.note, Backup.removed_why, Backup.verified_problem)
        matches = [column.icontains(wanted.text, autoescape=True) for column in said]
        statement = statement.where(or_(*matches, Backup.sha256.startswith(wanted.text.lower(), autoescape=True)))
    return statement.where(*_in_state(wanted.state))


def _begun() -> ColumnElement[bool]:
    """Not the backup that a reset is still to make: its line says how the reset stands."""
    of_a_reset = exists().where(RestoreJob.backup_id == Backup.id, RestoreJob.kind == "reset")
    return or_(Backup.path != "", Backup.removed_at.is_not(None), ~of_a_reset)


def _in_state(state: str) -> list[ColumnElement[bool]]:
    kept = Backup.path != ""
    sound = and_(kept, Backup.verified_problem == "")
    meanings: dict[str, list[ColumnElement[bool]]] = {
        "": [Backup.removed_at.is_(None)],
        "proven": [sound, Backup.proven_at.is_not(None)],
        "checked": [sound, Backup.proven_at.is_(None), Backup.verified_at.is_not(None)],
        "unchecked": [sound, Backup.proven_at.is_(None), Backup.verified_at.is_(None)],
        "damaged": [kept, Backup.verified_problem != ""],
        "failed": [Backup.path == "", Backup.note != "", Backup.removed_at.is_(None)],
        "pinned": [Backup.pinned.is_(True), kept],
        "encrypted": [Backup.encrypted.is_(True), kept],
        "removed": [Backup.removed_at.is_not(None)],
    }
    return meanings.get(state, [false()])


def _restores(wanted: Wanted) -> Select[Any]:
    statement = select(RestoreJob).where(RestoreJob.site_id.in_(wanted.sites), *_made_by(RestoreJob, wanted.by))
    statement = _on_day(statement, RestoreJob, wanted.day)
    if wanted.text:
        statement = statement.where(RestoreJob.backup.has(Backup.name.icontains(wanted.text, autoescape=True)))
    return statement


def _on_day(statement: Select[Any], kind: type[Backup | RestoreJob], day: date | None) -> Select[Any]:
    if day is None:
        return statement
    return statement.where(kind.created_at.between(datetime.combine(day, time()), datetime.combine(day, time.max)))


def _made_by(kind: type[Backup | RestoreJob], by: str) -> list[ColumnElement[bool]]:
    if not by:
        return []
    if kind is Backup and by in MAKERS:
        return [Backup.origin == by]
    person = by.removeprefix("person-")
    return [kind.created_by_id == int(person)] if person.isdecimal() and len(person) < 10 else [false()]

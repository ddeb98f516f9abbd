"""Backup plans: what is backed up of a site, when, and how long it is kept; and claiming what is due.

1. A plan knows when it is due next (``next_at``). The clock, however many of them run, claims a due time by
   compare-and-set: it moves ``next_at`` on and asks for the backup in one transaction, so that a time is claimed once.
2. Times that were missed while nobody was there are caught up by one backup. While a backup of the plan is under way
   the next one is not asked for.
3. All is judged by the app database's clock. When that has gone back, a time that lies further ahead than the schedule
   says is corrected.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.exc import IntegrityError

from webapp import audit, schedules, sites, tasks
from webapp.engine import backups
from webapp.engine.errors import Refusal
from webapp.leases import clock
from webapp.models import Backup, BackupPlan, Site, Task, User, db
from webapp.schedules import Rhythm

log = logging.getLogger(__name__)

KINDS = {"full": "everything, every time", "incremental": "what has changed, with a full one every seventh time"}
FORMATS = {
    "native": (".srb", "Smart Restore's own: fast, checked throughout, with files and what has changed"),
    "fixture": (".json", "Django fixture (JSON), which other programs read"),
    "package": (".tar.gz", "package of the document system, with files"),
    "sync": (".json", "sync file of the attendance system"),
}
"""The formats of a backup: how their files end, and what they are."""
WITH_FILES = ("native", "package")
NAME = re.compile(r"[^\W_][\w .,()+-]{0,79}")
LONGEST_DAYS, LONGEST_COUNT = 36_500, 100_000


class PlanRefused(Refusal):
    """The plan cannot be kept: {reason}."""

    code = "plan_refused"
    hint = "Change it and save again."
    exit_code = 2


class UnknownPlan(Refusal):
    """There is no backup plan {name}."""

    code = "unknown_plan"
    hint = "The list of plans has their names and numbers."
    exit_code = 2


class PlanBusy(Refusal):
    """A backup of this plan is under way already."""

    code = "plan_busy"
    hint = "Wait for it, or cancel it."


@dataclass(frozen=True)
class Wish:
    """A plan as a person wants it."""

    name: str
    rhythm: Rhythm
    kind: str = "full"
    categories: tuple[str, ...] = ()
    media: bool = False
    format: str = "native"
    encrypted: bool = False
    timezone: str = "UTC"
    keep_days: int | None = 30
    keep_count: int | None = 10
    enabled: bool = True


def formats() -> dict[str, str]:
    """The formats that can be written, and what they are."""
    return {name: words for name, (_, words) in FORMATS.items() if name in backups.FORMATS}


def read_clock() -> datetime:
    """The app database's own time, naive UTC."""
    found: datetime = db.session.execute(select(clock(db.engine.dialect.name))).scalar_one()
    return found


# ---------------------------------------------------------------- keeping plans


def add(site: Site, wish: Wish, person: User | None = None) -> BackupPlan:
    """Keep a new plan of a site.

    Raises:
        PlanRefused, ScheduleRefused
    """
    plan = BackupPlan(site_id=site.id, site=site, created_by_id=person.id if person else None)
    _write(plan, wish)
    plan.active_since = read_clock()
    _set_next(plan)
    db.session.add(plan)
    _keep("plan.add", plan)
    return plan


def change(plan: BackupPlan, wish: Wish) -> None:
    """Change a plan. Another schedule counts from now on.

    Raises:
        PlanRefused, ScheduleRefused: it stays as it was.
    """
    before = (plan.cron, plan.timezone, plan.enabled)
    _write(plan, wish)
    if before != (plan.cron, plan.timezone, plan.enabled):
        plan.active_since = read_clock()
        _set_next(plan)
    _keep("plan.change", plan)


def enable(plan: BackupPlan, enabled: bool) -> None:
    """Switch a plan on or off. What was due while it was off is not caught up."""
    if plan.enabled == enabled:
        return
    plan.enabled = enabled
    plan.active_since = read_clock()
    _set_next(plan)
    audit.note("plan.enable" if enabled else "plan.disable", plan.name, site=plan.site.name)
    db.session.commit()


def remove(plan: BackupPlan) -> None:
    """Forget a plan. Its backups stay and are thinned no more; one that is being made becomes an ordinary backup."""
    audit.note("plan.remove", plan.name, site=plan.site.name)
    db.session.execute(delete(BackupPlan).where(BackupPlan.id == plan.id))
    db.session.commit()


def find(name: str) -> BackupPlan:
    """A plan by its number, or by its name (with the site's, as ``school/nightly``, where it is not the only one).

    Raises:
        UnknownPlan
    """
    if name.isascii() and name.isdigit() and len(name) < 10:
        plan = db.session.get(BackupPlan, int(name))
        if plan is not None:
            return plan
    site, slash, own = name.partition("/")
    query = select(BackupPlan).where(BackupPlan.name == (own if slash else name))
    found = list(db.session.scalars(query.join(Site).where(Site.name == site) if slash else query))
    if len(found) != 1:
        raise UnknownPlan(name=f"{name!r}" + (", and more than one site has one of that name" if found else ""))
    return found[0]


def wish_of(plan: BackupPlan) -> Wish:
    """A plan as a person would say it."""
    return Wish(
        name=plan.name,
        rhythm=schedules.rhythm(plan.frequency, plan.cron),
        kind=plan.kind,
        categories=categories_of(plan),
        media=plan.media,
        format=plan.format,
        encrypted=plan.encrypted,
        timezone=plan.timezone,
        keep_days=plan.keep_days,
        keep_count=plan.keep_count,
        enabled=plan.enabled,
    )


def categories_of(plan: BackupPlan) -> tuple[str, ...]:
    """The categories that a plan is limited to; none for everything."""
    return tuple(msgspec.json.decode(plan.categories_json, type=list[str]))


def known_categories(site: Site) -> tuple[str, ...]:
    """The categories that the last check of a site found."""
    check = sites.last_check(site)
    return tuple(sorted({name for table in check.tables for name in table.categories})) if check else ()


def _write(plan: BackupPlan, wish: Wish) -> None:
    cron = wish.rhythm.fields()
    zone = schedules.checked_zone(wish.timezone)
    reason, field = _objection(plan, wish)
    if reason:
        raise PlanRefused(reason=reason, field=field)
    plan.name = wish.name.strip()
    plan.kind, plan.format, plan.media, plan.encrypted = wish.kind, wish.format, wish.media, wish.encrypted
    plan.categories_json = msgspec.json.encode(sorted(set(wish.categories))).decode()
    plan.frequency, plan.cron, plan.timezone = wish.rhythm.frequency, cron, zone
    plan.keep_days, plan.keep_count, plan.enabled = wish.keep_days, wish.keep_count, wish.enabled


def _objection(plan: BackupPlan, wish: Wish) -> tuple[str, str]:
    """What stands against a wish, and the field of the form that it is about."""
    known = known_categories(plan.site)
    strange = [name for name in wish.categories if name not in known]
    same = select(BackupPlan.id).where(BackupPlan.site_id == plan.site_id, BackupPlan.name == wish.name.strip())
    with db.session.no_autoflush:
        taken = set(db.session.scalars(same)) - {plan.id}
    objections = {
        "name": "a name has letters and digits, at most 80" if not NAME.fullmatch(wish.name.strip())
        else f"this site has a plan {wish.name.strip()!r} already" if taken else "",
        "kind": f"there is no kind {wish.kind!r}" if wish.kind not in KINDS
        else "only the native format can hold what has changed" if wish.kind == "incremental" and wish.format != "native"
        else "",
        "format": f"there is no format {wish.format!r}" if wish.format not in formats() else "",
        "media": "" if not wish.media
        else f"the format {wish.format} holds no files" if wish.format not in WITH_FILES
        else "nobody has said where the files of this site are" if not plan.site.media_root else "",
        "category": f"this site has no category {strange[0]!r}" if strange else "",
        "encrypted": "this site has no key to encrypt for" if wish.encrypted and not plan.site.recipient else "",
        "keep_days": _beyond(wish.keep_days, LONGEST_DAYS),
        "keep_count": _beyond(wish.keep_count, LONGEST_COUNT),
    }  # fmt: skip
    return next(((reason, field) for field, reason in objections.items() if reason), ("", ""))


def _beyond(number: int | None, most: int) -> str:
    return "" if number is None or 1 <= number <= most else f"{number} is not a number from 1 to {most:,}"


def _keep(action: str, plan: BackupPlan) -> None:
    try:
        db.session.flush()
    except IntegrityError:
        # Two people gave the same name at the same moment.
        name = plan.name
        db.session.rollback()
        raise PlanRefused(reason=f"this site has a plan {name!r} already", field="name") from None
    audit.note(
        action, plan.name, site=plan.site.name, when=schedules.words(plan.frequency, plan.cron, plan.timezone),
        kind=plan.kind, format=plan.format, keep_days=plan.keep_days, keep_count=plan.keep_count,
    )  # fmt: skip
    db.session.commit()


def _set_next(plan: BackupPlan) -> None:
    plan.next_at = schedules.next_after(plan.cron, plan.timezone, plan.active_since) if plan.enabled else None


# ---------------------------------------------------------------- running them


def run_now(plan: BackupPlan, person: User | None = None) -> Task:
    """Have a backup of a plan made now, also of one that is off. The caller rings.

    Raises:
        PlanBusy
    """
    if under_way(plan):
        raise PlanBusy
    task = _ask(plan, read_clock(), person)
    audit.note("plan.run", plan.name, site=plan.site.name)
    db.session.commit()
    return task


def under_way(plan: BackupPlan) -> Task | None:
    """The backup of a plan that is asked for and not at its end."""
    query = select(Task).where(Task.plan_id == plan.id, Task.kind == "backup", Task.status.in_(tasks.OPEN))
    return db.session.scalars(query).first()


def claim_due(at: datetime | None = None) -> Sequence[str]:
    """One round of the clock: ask for a backup of every plan that is due. Returns the tasks to ring for."""
    at = at or read_clock()
    due = select(BackupPlan).where(BackupPlan.enabled, BackupPlan.next_at <= at).order_by(BackupPlan.next_at)
    asked: list[str] = []
    for plan in db.session.scalars(due).all():
        try:
            asked += _claim(plan, at)
        except Exception:
            # One plan that cannot be asked for must not keep the others from being made.
            log.exception("plan %s", plan.id)
            db.session.rollback()
    return asked


def _claim(plan: BackupPlan, at: datetime) -> list[str]:
    """Move one due plan on and ask for its backup, unless another clock was quicker or one is under way."""
    wanted = plan.next_at
    moved = update(BackupPlan).where(BackupPlan.id == plan.id, BackupPlan.enabled, BackupPlan.next_at == wanted)
    following = schedules.next_after(plan.cron, plan.timezone, at)
    result = db.session.execute(
        moved.values(next_at=following, last_at=wanted), execution_options={"synchronize_session": False}
    )
    mine = isinstance(result, CursorResult) and result.rowcount == 1
    task = _ask(plan, at, None, due_at=wanted) if mine and not under_way(plan) else None
    db.session.commit()
    return [task.id] if task else []


def _ask(plan: BackupPlan, at: datetime, person: User | None, due_at: datetime | None = None) -> Task:
    backup = Backup(
        site_id=plan.site_id,
        name=f"{plan.site.name}-{at:%Y%m%d-%H%M%S}{FORMATS[plan.format][0]}",
        size=0,
        sha256="",
        path="",
        origin="plan",
        kind=plan.kind,
        format=plan.format,
        plan_id=plan.id,
        categories_json=plan.categories_json,
        media=plan.media,
        encrypted=plan.encrypted,
        created_at=at,
        created_by_id=person.id if person else None,
    )
    db.session.add(backup)
    return tasks.ask("backup", backup, person=person, plan_id=plan.id, due_at=due_at)


def correct(at: datetime | None = None) -> None:
    """Bring back what lies further ahead than its schedule says: the clock was wrong when it was set."""
    at = at or read_clock()
    scheduled = select(BackupPlan).where(BackupPlan.enabled, BackupPlan.cron != "")
    for plan in db.session.scalars(scheduled).all():
        begin = plan.last_at if plan.last_at and at < plan.last_at <= at + timedelta(days=1) else at
        right = schedules.next_after(plan.cron, plan.timezone, begin)
        if plan.next_at is None or (right is not None and plan.next_at > right):
            same = update(BackupPlan).where(BackupPlan.id == plan.id, BackupPlan.next_at == plan.next_at)
            db.session.execute(same.values(next_at=right), execution_options={"synchronize_session": False})
        if plan.active_since > at + timedelta(days=1):
            plan.active_since = at
    db.session.commit()

"""Removing working files that nobody needs any more: stages, plans and receipts, by age and by their size together.

Backups are never touched here; plans and the pages decide about those. What a restore that moves or waits for its time
needs stays, and so does whatever was used within the last hour. A preview that is older than its limit is put away with
its plan: what it showed is no longer how the database is.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from flask import current_app
from sqlalchemy import ColumnElement, and_, or_, select

from webapp import audit, moves
from webapp.engine.errors import Refusal
from webapp.models import Backup, RestoreJob, db, now
from webapp.restores import as_text
from webapp.settings import Settings
from webapp.storage import storage

UNTOUCHED = 3600
"""Seconds in which a file that was used stays, whatever the limits say."""
DAY = 86_400


class PreviewExpired(Refusal):
    """This preview is old and was put away, with the file of its plan."""

    code = "preview_expired"
    hint = "Make a new one: the database has probably changed since."


@dataclass(frozen=True)
class Pruned:
    """How many files were removed, and how many bytes."""

    stages: int = 0
    plans: int = 0
    receipts: int = 0
    size: int = 0

    def __bool__(self) -> bool:
        return bool(self.stages or self.plans or self.receipts)


@dataclass(frozen=True)
class _File:
    path: Path
    used: float
    size: int


def prune() -> Pruned:
    """One round. Any number of clocks may do it at the same time."""
    settings: Settings = current_app.config["SETTINGS"]
    live = set(db.session.scalars(select(RestoreJob.id).where(_live())))
    staged = set(db.session.scalars(select(Backup.sha256).join(RestoreJob.backup).where(_live())))
    put_away = _put_away(settings.keep_plan_days) if settings.keep_plan_days else set()
    forgotten = _forget(settings.keep_receipt_days) if settings.keep_receipt_days else set()

    stages = [file for file in _files("stages") if file.path.name.partition("-")[0] not in staged]
    plans = [file for file in _files("plans") if file.path.name.partition(".")[0] not in live]
    receipts = [file for file in _files("receipts") if file.path.name.partition(".")[0] not in live]
    gone = {
        *_old(stages, settings.keep_stage_days),
        *_old(plans, settings.keep_plan_days),
        *_old(receipts, settings.keep_receipt_days),
        *(file for file in plans if file.path.stem in put_away | _receipted()),
        *(file for file in receipts if file.path.stem in forgotten),
    }
    gone |= set(_beyond([file for file in [*stages, *plans] if file not in gone], settings.work_limit))
    for file in gone:
        file.path.unlink(missing_ok=True)
    _lose({file.path.stem for file in gone if file.path.parent.name == "plans"} - put_away)
    kinds = [file.path.parent.name for file in gone]
    size = sum(file.size for file in gone)
    pruned = Pruned(kinds.count("stages"), kinds.count("plans"), kinds.count("receipts"), size)
    if pruned:
        audit.note("work.prune", stages=pruned.stages, plans=pruned.plans, receipts=pruned.receipts, size=pruned.size)
    db.session.commit()
    return pruned


def _live() -> ColumnElement[bool]:
    """Restores whose files are in use, or will be without a person."""
    waits = and_(RestoreJob.status == "planned", RestoreJob.scheduled_for.is_not(None))
    return or_(RestoreJob.status.in_(moves.MOVING), waits)


def _put_away(days: int) -> set[str]:
    """End the previews that are too old, and give the ids of the jobs whose plans go."""
    before = now() - timedelta(days=days)
    old = select(RestoreJob).where(RestoreJob.plan_path.is_not(None), RestoreJob.updated_at < before, ~_live())
    found: set[str] = set()
    for job in db.session.scalars(old).all():
        if job.status == "planned":
            told = as_text(PreviewExpired().problem())
            if not moves.move(job.id, ["planned"], "cancelled", error_json=told, finished_at=now()):
                continue  # somebody has just started it
        found.add(job.id)
        _drop(job, "plan_path")
    return found


def _forget(days: int) -> set[str]:
    """The jobs whose receipts are too old."""
    before: datetime = now() - timedelta(days=days)
    old = select(RestoreJob).where(RestoreJob.receipt_path.is_not(None), RestoreJob.finished_at < before, ~_live())
    found = set()
    for job in db.session.scalars(old).all():
        found.add(job.id)
        _drop(job, "receipt_path")
    return found


def _lose(ids: set[str]) -> None:
    """Let previews whose plan had to go for its size say so."""
    for job_id in ids:
        job = db.session.get(RestoreJob, job_id, populate_existing=True)
        if job is None or job.plan_path is None:
            continue
        if job.status == "planned" and not job.receipt_path:
            told = as_text(PreviewExpired().problem())
            moves.move(job.id, ["planned"], "cancelled", error_json=told, finished_at=now())
        _drop(job, "plan_path")


def _drop(job: RestoreJob, column: str) -> None:
    key = getattr(job, column)
    if key:
        storage().remove(key)
    # The age of a restore counts from what was done with it, not from this.
    table = RestoreJob.__table__
    db.session.execute(
        table.update().where(table.c.id == job.id).values({column: None, "updated_at": table.c.updated_at})  # type: ignore[attr-defined]
    )
    db.session.commit()


def _receipted() -> set[str]:
    """The jobs whose receipt has all that their plan has."""
    done = select(RestoreJob.id).where(RestoreJob.receipt_path.is_not(None), RestoreJob.plan_path.is_not(None))
    return set(db.session.scalars(done))


def _files(folder: str) -> Iterator[_File]:
    for path in (storage().root / folder).iterdir():
        try:
            found = path.stat()
        except FileNotFoundError:
            continue  # another clock was faster
        yield _File(path, max(found.st_mtime, found.st_atime), found.st_size)


def _old(files: Iterable[_File], days: int) -> Iterator[_File]:
    """The files that were not used for so many days; 0 keeps them for good."""
    limit = time.time() - days * DAY
    return (file for file in files if days and file.used < limit)


def _beyond(files: Iterable[_File], limit: int) -> Iterator[_File]:
    """Those used longest ago, until the rest is within the limit; 0 is none."""
    newest_first = sorted(files, key=lambda file: (-file.used, file.path.name))
    total, recent = 0, time.time() - UNTOUCHED
    for file in newest_first:
        total += file.size
        if limit and total > limit and file.used < recent:
            yield file

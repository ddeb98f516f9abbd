"""A restore job's stored answers, as the values that they were; how one begins, and who may do what with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar, TypeVar

import msgspec
from sqlalchemy import select

from webapp import audit
from webapp.engine import commands
from webapp.engine.answers import Analysis, Choices, Outcome, Plan, Problem
from webapp.engine.errors import REPAIRS, KeyRefused, Refusal
from webapp.models import Backup, JobStatus, RestoreJob, Site, User, db, now
from webapp.refusals import BackupBusy, BackupGone
from webapp.seal import site_url

A = TypeVar("A", bound=msgspec.Struct)


DOUBLE_CLICK_SECONDS = 5


class ChoiceRefused(Refusal):
    """Your account may not choose this: removing rows, restoring accounts, overruling the origin and reading what is left
    of a cut-off file are for root."""

    code: ClassVar[str] = "choice_refused"
    hint = "Choose Merge, or ask a root of this installation."


class NothingUploaded(Refusal):
    """No file was sent."""

    code = "no_file"
    hint = "Choose a backup file first."


class SeveralSites(Refusal):
    """These backups are of different databases; one restore goes to one of them."""

    code = "several_sites"
    hint = "Choose backups of the same database."


class NotNow(Refusal):
    """This restore is {status}; that cannot be done with it now."""

    code = "not_now"
    hint = "Reload the page to see where it stands."


def begin(
    backup: Backup, person: User, status: JobStatus, choices: Choices | None = None, more: Sequence[Backup] = ()
) -> RestoreJob:
    """A new restore of a backup, and of ``more`` together with it, that waits for a worker. A double click gives the same one twice.

    Raises:
        BackupGone, BackupBusy: its file is not there, or not there yet.
        SeveralSites: they do not belong to one database.
    """
    others = {each.id: each for each in more if each.id != backup.id}
    if any(each.site_id != backup.site_id for each in others.values()):
        raise SeveralSites
    for each in (backup, *others.values()):
        require_file(each)
    wanted = as_text(choices) if choices else None
    recent = (
        select(RestoreJob)
        .where(
            RestoreJob.backup_id == backup.id,
            RestoreJob.created_by_id == person.id,
            RestoreJob.status.in_((status, "analysed", "planned")),
            RestoreJob.created_at > now() - timedelta(seconds=DOUBLE_CLICK_SECONDS),
        )
        .order_by(RestoreJob.created_at.desc())
    )
    for job in db.session.scalars(recent):
        if job.choices_json == wanted and {each.id for each in job.more} == others.keys():
            return job
    job = RestoreJob(
        site_id=backup.site_id,
        backup_id=backup.id,
        created_by_id=person.id,
        status=status,
        choices_json=wanted,
        analysis_json=backup.analysis_json if status == "planning" else None,
        more=list(others.values()),
    )
    db.session.add(job)
    db.session.flush()
    audit.note("restore.begin", backup.name, user=person, site=backup.site.name, restore=job.id)
    db.session.commit()
    return job


def require_file(backup: Backup) -> None:
    """See that a backup can be read.

    Raises:
        BackupGone, BackupBusy
    """
    if not backup.path:
        gone = backup.removed_at is not None or backup.note
        raise BackupGone(name=backup.name) if gone else BackupBusy(name=backup.name, work="being made")


def choices_of(job: RestoreJob) -> Choices:
    """What was decided so far."""
    return _read(job.choices_json, Choices) or Choices()


def analysis_of(owner: RestoreJob | Backup) -> Analysis | None:
    """What the last analysis said."""
    return _read(owner.analysis_json, Analysis)


def plan_of(job: RestoreJob) -> Plan | None:
    """The plan that was last computed."""
    return _read(job.plan_json, Plan)


def outcome_of(job: RestoreJob) -> Outcome | None:
    """What happened in the end."""
    return _read(job.outcome_json, Outcome)


def problem_of(job: RestoreJob) -> Problem | None:
    """Why it ended otherwise than it should."""
    return _read(job.error_json, Problem)


def hint_of(problem: Problem) -> str:
    """The next step that the catalogue of refusals knows for a problem."""
    waiting: list[type[Refusal]] = [Refusal]
    while waiting:
        kind = waiting.pop()
        if kind.code == problem.code:
            return REPAIRS[problem.repair] + "." if problem.repair in REPAIRS else kind.hint
        waiting += kind.__subclasses__()
    return ""


def as_text(answer: msgspec.Struct) -> str:
    """An answer in the form in which it is stored."""
    return msgspec.json.encode(answer).decode()


def _read(text: str | None, type_: type[A]) -> A | None:
    return msgspec.json.decode(text, type=type_) if text else None


def may_choose(person: User, site: Site, choices: Choices) -> bool:
    """Whether a person may carry out these choices: removing, accounts, overruling the origin and salvage are for root."""
    if not person.active or not person.may("admin"):
        return False
    if person.may("root"):
        return True
    plain = not choices.remove and choices.accounts == "protect" and choices.origin == "auto"
    plain = plain and "salvage" not in choices.repairs
    return plain and site in person.sites


def permitted(job: RestoreJob) -> bool:
    """Whether the person who asked for a job may still do it: rights may have been withdrawn since the preview."""
    if job.kind == "reset" and not (job.created_by and job.created_by.may("root")):
        return False
    return job.created_by is not None and may_choose(job.created_by, job.site, choices_of(job))


def objection_to_keys(site: Site, choices: Choices) -> KeyRefused | None:
    """Why keys to match by cannot be used, told before a worker finds out; a site that cannot be asked now objects to nothing."""
    if not choices.match_by:
        return None
    try:
        commands.check_keys(site_url(site), choices, profile=site.profile)
    except KeyRefused as refusal:
        return refusal
    except Refusal:
        return None
    return None

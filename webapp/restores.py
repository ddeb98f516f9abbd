"""A restore job's stored answers, as the values that they were, and who may do what with one."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from webapp.engine.answers import Analysis, Choices, Outcome, Plan, Problem
from webapp.models import Backup, RestoreJob, Site, User

A = TypeVar("A", bound=msgspec.Struct)


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


def as_text(answer: msgspec.Struct) -> str:
    """An answer in the form in which it is stored."""
    return msgspec.json.encode(answer).decode()


def _read(text: str | None, type_: type[A]) -> A | None:
    return msgspec.json.decode(text, type=type_) if text else None


def may_choose(person: User, site: Site, choices: Choices) -> bool:
    """Whether a person may carry out these choices: removing, accounts and overruling the origin are for root."""
    if not person.active or not person.may("admin"):
        return False
    if person.may("root"):
        return True
    plain = not choices.remove and choices.accounts == "protect" and choices.origin == "auto"
    return plain and site in person.sites


def permitted(job: RestoreJob) -> bool:
    """Whether the person who asked for a job may still do it: rights may have been withdrawn since the preview."""
    return job.created_by is not None and may_choose(job.created_by, job.site, choices_of(job))

"""What only a person can decide: which row an ambiguous record is, and whether a damaged file is read repaired."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from flask import Blueprint, Response, request

from webapp.audit import note
from webapp.engine.errors import REPAIRS, DecisionRefused, Refusal
from webapp.memory import remember
from webapp.models import RestoreJob, db
from webapp.restores import ChoiceRefused, as_text, choices_of, may_choose, plan_of
from webapp.views import people
from webapp.views.permissions import allow, find_job, person
from webapp.views.restores import again
from webapp.views.steps import show, waiting

blueprint = Blueprint("decisions", __name__)

VERSIONS = ("backup", "database")
"""Answers about a row that differs."""

DECIDE = "decide:"
"""Begins the name of a field; the record's name follows."""


@blueprint.post("/restores/<job_id>/decisions/")
@allow("admin")
def decide(job_id: str) -> Response:
    """Take decisions about ambiguous records and rows that differ, and have the preview made again. An empty answer takes one back."""
    job = find_job(job_id)
    given = {name.removeprefix(DECIDE): text for name, text in request.form.items() if name.startswith(DECIDE)}
    choices = choices_of(job)
    try:
        # A button beside a name says more than the field that it stands beside.
        given = {**people.answers(request.form, plan_of(job)), **given}
        refusal = _objection(job, given)
    except DecisionRefused as refused:
        refusal = refused
    if refusal is not None:
        return show(job, status=422, refusal=refusal)
    decisions = {record: answer for record, answer in {**choices.decisions, **given}.items() if answer}
    changed = msgspec.structs.replace(choices, decisions=decisions)
    if not may_choose(person(), job.site, changed):
        return show(job, status=422, refusal=ChoiceRefused())
    # Whose version a row gets is not offered again: the next time both may be others.
    remember(
        job.site_id, decisions={record: answer for record, answer in given.items() if answer not in ("", *VERSIONS)}
    )
    note("restore.decide", f"restore {job.id}", site=job.site.name, decisions=given)
    db.session.commit()
    return again(job, "planning", choices_json=as_text(changed))


def _objection(job: RestoreJob, given: Mapping[str, str]) -> Refusal | None:
    """Only what the preview offers can be decided: one of its rows, a new one, or none."""
    plan = plan_of(job)
    offered = {doubt.decision: {row.key for row in doubt.candidates} for doubt in plan.doubts} if plan else {}
    known = {person.decision: people.offered(person, plan) for person in plan.people} if plan else {}
    differing = {each.decision for each in plan.conflicts} if plan else set()
    differing |= {f"{part.label}:*" for part in waiting(plan)} if plan else set()
    for record, answer in given.items():
        if record in differing and answer in ("", *VERSIONS):
            continue
        if record in known and (not answer or answer in known[record]):
            continue
        if answer and answer not in {"new", "skip"} | offered.get(record, set()):
            return DecisionRefused(decision=f"{record}={answer}", reason="that row was not offered")
        if answer and record not in offered:
            return DecisionRefused(decision=f"{record}={answer}", reason="there is no doubt about that record")
    return None


@blueprint.post("/restores/<job_id>/repairs/")
@allow("admin")
def repair(job_id: str) -> Response:
    """Read the file again, with exactly the repairs that are ticked."""
    job = find_job(job_id)
    wanted = tuple(kind for kind in REPAIRS if kind in request.form.getlist("repair"))
    changed = msgspec.structs.replace(choices_of(job), repairs=wanted)
    if not may_choose(person(), job.site, changed):
        return show(job, status=422, refusal=ChoiceRefused())
    note("restore.repair", f"restore {job.id}", site=job.site.name, repairs=list(wanted))
    db.session.commit()
    return again(job, "analysing", choices_json=as_text(changed), plan_json=None)

"""Which screen of the flow a restore shows, and what is on it. One template per screen: templates/restores/_<step>.html."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import msgspec
from flask import Response, jsonify, url_for

from webapp import charts, memory, moves, resets
from webapp.engine.answers import FILES, Analysis, Choices, Counts, Plan, Problem, TablePlan
from webapp.engine.errors import REPAIRS
from webapp.models import RestoreJob, now
from webapp.restores import analysis_of, choices_of, hint_of, outcome_of, plan_of, problem_of
from webapp.views import choosing, origins, people
from webapp.views.fragments import page_or_fragment, wants_json

STEPS: Mapping[str, str] = {
    "draft": "working",
    "analysing": "working",
    "analysed": "analysis",
    "planning": "working",
    "planned": "preview",
    "queued": "working",
    "running": "working",
    "unknown": "working",
    "done": "report",
    "failed": "report",
    "cancelled": "report",
    "stale": "report",
}
"""The screen of a job's own address, by its status."""

PHASES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "analysing": (("read", "Read"), ("match", "Compare")),
    "planning": (("read", "Read"), ("match", "Match"), ("plan", "Plan")),
    "resetting": (("match", "Look"), ("plan", "Plan")),
    "running": (
        ("safety", "Back up"),
        ("lock", "Lock"),
        ("check", "Look again"),
        ("write", "Write"),
        ("verify", "Verify"),
        ("commit", "Commit"),
    ),
    "reset": (
        ("backup", "Back up"),
        ("drill", "Prove it"),
        ("lock", "Lock"),
        ("check", "Look again"),
        ("write", "Clear"),
        ("verify", "Verify"),
        ("commit", "Commit"),
    ),
}
"""What a run goes through, in the engine's word and a person's."""

WIDE, NARROW = (640, 260), (320, 280)
"""Width and height of the picture of contents, on a desk and on a phone."""


@dataclass(frozen=True)
class Group:
    """The tables of a plan that belong to one category."""

    title: str
    counts: Counts
    tables: tuple[TablePlan, ...]

    @property
    def moving(self) -> list[TablePlan]:
        """Tables in which something happens, or cannot."""
        return [table for table in self.tables if weight(table.counts)]

    @property
    def still(self) -> list[TablePlan]:
        """Tables that stay as they are."""
        return [table for table in self.tables if not weight(table.counts)]


def show(job: RestoreJob, step: str = "", *, status: int = 200, **more: Any) -> Response:
    """A screen of a restore as page, fragment or JSON. ``more`` are further values for its template."""
    if wants_json():
        response = jsonify(as_json(job))
        response.status_code = status
        return response
    step = step or STEPS[job.status]
    context = {
        "job": job,
        "step": step,
        "reached": reached(job),
        "partial": is_partial(job),
        **SCREENS[step](job),
        **more,
    }
    return page_or_fragment("restores/page.html", f"restores/_{step}.html", status=status, **context)


def is_partial(job: RestoreJob) -> bool:
    """Whether what is left of a cut-off file is all that is restored: every later screen says so."""
    found = analysis_of(job) if "salvage" in choices_of(job).repairs else None
    return found is not None and found.file.partial


def reached(job: RestoreJob) -> dict[str, str]:
    """The steps that can be gone to, with their addresses."""
    links = {}
    if job.analysis_json:
        links["analysis"] = url_for("restores.analysis", job_id=job.id)
        if job.status in CHOOSABLE:
            links["choose"] = url_for("restores.choose", job_id=job.id)
    if job.plan_json:
        links["preview"] = url_for("restores.preview", job_id=job.id)
    if job.status in {"done", "failed", "cancelled", "stale"} and (job.plan_json or job.outcome_json):
        links["report"] = url_for("restores.page", job_id=job.id)
    return links


REFERENCES = frozenset({"missing_reference", "ambiguous_reference", "still_referenced", "refers_to_removed"})
UNIQUENESS = frozenset({"duplicate_record", "duplicate_key", "ambiguous", "another_email"})
"""The problems that concern references and uniqueness; all others concern a field."""

CHOOSABLE = frozenset({"analysed", "planned", "failed", "cancelled", "stale"})
"""States in which other choices may be made; a restore that was done is over."""


def working(job: RestoreJob) -> dict[str, Any]:
    """Something is going on, or waits to."""
    status = "running" if job.status in {"queued", "unknown"} else job.status
    if job.kind == "reset":
        status = "reset" if status == "running" else "resetting"
    names = PHASES.get(status, PHASES["analysing"])
    if job.scheduled_for and status == "running":
        names = (("again", "Plan again"), *names)
    plan = plan_of(job) if names is PHASES["running"] else None
    if plan and plan.files and plan.files.counts.changes:
        names = (("files", "Files"), *names)
    seconds = (now() - job.started_at).total_seconds() if job.started_at and job.owner else 0.0
    other = moves.running_on(job.site_id) if job.status == "queued" else None
    return {
        "phases": names,
        "position": next((number for number, (key, _) in enumerate(names) if key == job.phase), -1),
        "seconds": int(seconds),
        "rate": int(job.done / seconds) if seconds >= 2 and job.done else 0,
        "silent": int((now() - job.heartbeat_at).total_seconds()) if job.heartbeat_at and job.owner else None,
        "other": other if other is not None and other.id != job.id else None,
    }


def analysis(job: RestoreJob) -> dict[str, Any]:
    """What the backup holds and how it fits."""
    found = analysis_of(job)
    return {
        "analysis": found,
        "repairs": REPAIRS,
        "beside": origins.beside(job),
        "missing": origins.missing(job, found) if found else [],
        **(contents(found) if found else {}),
    }


DRIFT = frozenset({"unknown_field", "unknown_model"})
"""Problems of a whole table, which are told with that table."""


def contents(analysis: Analysis) -> dict[str, Any]:
    """What a picture of a backup's contents needs."""
    values = [float(category.records) for category in analysis.categories]
    models = sorted(analysis.models, key=lambda model: -model.records)
    order = {"stop": 0, "decide": 1, "note": 2}
    return {
        "tiles": charts.treemap(values, *WIDE),
        "treemap_size": WIDE,
        "narrow_tiles": charts.treemap(values, *NARROW),
        "narrow_size": NARROW,
        "fit": choosing.fit,
        "uneven": [model for model in models if choosing.fit(model)[0] in {"bad", "warn"}],
        "even": [model for model in models if choosing.fit(model)[0] not in {"bad", "warn"}],
        "left_out": choosing.left_out(analysis),
        "told_by": choosing.told_by,
        "broken": {code: number for code, number in analysis.problem_counts.items() if code not in DRIFT},
        "advice": sorted(analysis.advice, key=lambda advice: order[advice.level]),
        "outside": [item for item in analysis.references if item.missing],
    }


def choose(job: RestoreJob) -> dict[str, Any]:
    """What can be decided."""
    found = analysis_of(job)
    # What was changed after the backup was made is rather a person's work than the damage.
    choices = choices_of(job)
    first = job.plan_json is None and choices == Choices(repairs=choices.repairs)
    known = memory.remembered(job.site_id)
    places = choosing.without_place(found) if found else []
    if first:
        labels = {model.label for model in found.models} | {key.table for key in found.natural_keys} if found else set()
        choices = msgspec.structs.replace(
            choices,
            on_conflict="newest",
            drift=tuple(each.label for each in places if set(each.names) <= set(known.drift)),
            match_by={label: key for label, key in known.match_by.items() if label in labels},
        )
    return {
        "analysis": found,
        "choices": choices,
        "as_last_time": first and (bool(choices.drift) or bool(choices.match_by)),
        "keyed": choosing.keyed(found) if found else [],
        "choosable": choosing.choosable(found) if found else [],
        "mode": choosing.mode_of(choices),
        "gaps": choosing.gaps(found) if found else [],
        "places": places,
        "told_by": choosing.told_by,
        "names_to_match": choosing.named_only(found) if found else [],
        "outside": [item for item in found.references if item.missing > item.in_database] if found else [],
    }


def preview(job: RestoreJob) -> dict[str, Any]:
    """What would change."""
    plan = plan_of(job)
    return {
        "plan": plan,
        "groups": groups(job, plan) if plan else [],
        "checks": checks(plan) if plan else {},
        "stack": charts.stack,
        "strange": plan is not None and any(problem.code == "another_site" for problem in plan.problems),
        "files": files_of(plan),
        **(named(plan) if plan else {}),
        "decided": decided(job, plan) if plan else {},
        "waiting": waiting(plan) if plan else [],
        "differing": choosing.differing,
        "remembered": memory.remembered(job.site_id).decisions,
        **(people.shown(plan) if plan else {}),
    }


ASKED = frozenset({"another_site", "ambiguous", "another_email"})
"""Problems that have a place of their own on the preview."""


def named(plan: Plan) -> dict[str, list[Problem]]:
    """Problems by name: those that stand in the way, and those of records that are left out."""
    labels = {table.table: table.label for table in plan.tables}
    blocked, skipped = (
        {(labels.get(each.table, each.table), each.code) for each in plan.reasons if each.action == action}
        for action in ("blocked", "skipped")
    )
    told = [each for each in plan.problems if each.code not in ASKED]
    out = [each for each in told if (each.model, each.code) in skipped - blocked]
    return {"named": [each for each in told if each not in out], "named_out": out}


def decided(job: RestoreJob, plan: Plan) -> dict[str, str]:
    """What was decided about records; people are shown with what was decided about them."""
    named = {person.decision for person in plan.people}
    return {record: answer for record, answer in choices_of(job).decisions.items() if record not in named}


@dataclass(frozen=True)
class Waiting:
    """Rows of one table that differ and wait for a word."""

    table: str
    label: str
    title: str
    count: int


def waiting(plan: Plan) -> list[Waiting]:
    """The tables with rows that differ and wait for a word."""
    tables = {each.table: each for each in plan.tables}
    return [
        Waiting(each.table, tables[each.table].label, tables[each.table].title, each.count)
        for each in plan.reasons
        if each.code == "conflict"
    ]


def checks(plan: Plan) -> dict[str, bool]:
    """What was checked, and whether it holds; "no conflicts" would say more than anybody knows."""
    codes = {problem.code for problem in plan.problems}
    return {
        "fields": not codes - REFERENCES - UNIQUENESS,
        "references": not codes & REFERENCES,
        "uniqueness": not codes & UNIQUENESS,
    }


def confirm(job: RestoreJob) -> dict[str, Any]:
    """One sentence, and the button."""
    plan = plan_of(job)
    return {
        "plan": plan,
        "groups": groups(job, plan) if plan else [],
        "busy": moves.running_on(job.site_id),
        "now": now(),
    }


def reset(job: RestoreJob) -> dict[str, Any]:
    """What goes, and what has to be typed."""
    return {**confirm(job), "words": resets.words_for(job.site)}


def report(job: RestoreJob) -> dict[str, Any]:
    """What happened."""
    plan, problem = plan_of(job), problem_of(job)
    return {
        "plan": plan,
        "outcome": outcome_of(job),
        "problem": problem,
        "hint": hint_of(problem) if problem else "",
        "repairs_so_far": choices_of(job).repairs,
        "groups": groups(job, plan) if plan else [],
        "files": files_of(plan),
        "stack": charts.stack,
    }


SCREENS = {
    "working": working,
    "analysis": analysis,
    "choose": choose,
    "preview": preview,
    "confirm": confirm,
    "reset": reset,
    "report": report,
}


def groups(job: RestoreJob, plan: Plan) -> list[Group]:
    """The tables of a plan by category, those with changes first."""
    found = analysis_of(job)
    titles = {category.key: category.title for category in found.categories} if found else {}
    groups = []
    for key, members in groupby(
        sorted(plan.tables, key=lambda table: table.category), key=lambda table: table.category
    ):
        tables = tuple(sorted(members, key=lambda table: (-weight(table.counts), table.title)))
        groups.append(Group(titles.get(key, key.title() or "Other"), sum((t.counts for t in tables), Counts()), tables))
    return sorted(groups, key=lambda group: -weight(group.counts))


def files_of(plan: Plan | None) -> TablePlan | None:
    """The files of a plan, in the form of one of its tables."""
    if plan is None or plan.files is None:
        return None
    return TablePlan(table=FILES, label=FILES, title="Files", category="", counts=plan.files.counts)


def weight(counts: Counts) -> int:
    """How much there is to look at."""
    return counts.blocked * 1000 + counts.changes + counts.skipped


def as_json(job: RestoreJob) -> dict[str, Any]:
    """A restore for an API client."""
    return {
        "job": job.id,
        "status": job.status,
        "moving": job.status in moves.MOVING,
        "site": job.site.name,
        "backup": job.backup_id,
        "more": [backup.id for backup in job.more],
        "phase": job.phase,
        "done": job.done,
        "total": job.total,
        "choices": _plain(job.choices_json),
        "analysis": _plain(job.analysis_json),
        "plan": _plain(job.plan_json),
        "outcome": _plain(job.outcome_json),
        "problem": _plain(job.error_json),
        "page": url_for("restores.page", job_id=job.id),
    }


def _plain(text: str | None) -> Any:
    return msgspec.json.decode(text) if text else None

"""``smart-restore plans``: backup plans, which are in the app database."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from typing import Any

from webapp import plans, presets, retention, schedules, sites, standing, tasks
from webapp.cli import register, terminal, text
from webapp.engine.errors import DecisionNeeded, Declined
from webapp.models import Backup, BackupPlan, Task, db
from webapp.plans import Wish
from webapp.refusals import NumberNeeded, RunFailed, UnknownTemplate
from webapp.schedules import Rhythm
from webapp.standing import Standing

PAUSE = 0.5


def list_plans(given: argparse.Namespace) -> int:
    """List the plans."""
    with register.app():
        shown = [register.registered(given.site)] if given.site else sites.list_sites()
        found = standing.standings(shown)
        rows = [_row(each) for each in found]
        wrong = any(each.state in ("overdue", "failing") for each in found)
    if given.json:
        terminal.answer_json(rows)
    elif rows:
        headings = ("Plan", "Site", "When", "State", "Last good", "Next", "Kept")
        keys = ("name", "site", "when", "state", "last_good", "next", "kept")
        lines = [tuple(_cell(row[key]) for key in keys) for row in rows]
        terminal.answer("\n".join(text.table(headings, lines)))
    else:
        terminal.say("There are no plans. 'plans templates' lists some that are ready to use.")
    return 1 if wrong else 0


def show(given: argparse.Namespace) -> int:
    """Say everything about one plan."""
    with register.app():
        plan = plans.find(given.plan)
        at = plans.read_clock()
        row = _row(standing.standing(plan, at))
        coming = dict.fromkeys(backup.id for backup, _ in retention.coming(plan, plan.next_at or at))
        row["backups"] = [
            {
                "name": backup.name,
                "made": _instant(backup.created_at),
                "size": backup.size,
                "kind": backup.kind,
                "kept_because": verdict.why,
                "goes_next": backup.id in coming,
            }
            for backup, verdict in retention.judged(plan)
        ]
    if given.json:
        terminal.answer_json(row)
        return 0
    facts = [(name.replace("_", " ").capitalize(), _cell(value)) for name, value in row.items() if name != "backups"]
    terminal.answer("\n".join(text.table(("", ""), facts)))
    lines = [
        (
            each["made"],
            each["kind"],
            text.size(each["size"]),
            "goes next" if each["goes_next"] else each["kept_because"],
        )
        for each in row["backups"]
    ]
    if lines:
        terminal.answer("\n" + "\n".join(text.table(("Made", "Kind", "Size", "Kept because"), lines)))
    return 0


def templates(given: argparse.Namespace) -> int:
    """List the templates."""
    rows = [
        {
            "name": preset.name,
            "title": preset.title,
            "when": schedules.words(preset.rhythm.frequency, preset.rhythm.fields(), "UTC"),
            "keep_days": preset.keep_days,
            "keep_count": preset.keep_count,
            "enabled": preset.enabled,
            "summary": preset.summary,
        }
        for preset in presets.PRESETS
    ]
    if given.json:
        terminal.answer_json(rows)
        return 0
    keys = ("name", "when", "keep_days", "keep_count", "summary")
    lines = [tuple(row[key] for key in keys) for row in rows]
    terminal.answer("\n".join(text.table(("Template", "When", "Days", "Count", "What"), lines)))  # type: ignore[arg-type]
    return 0


def add_plan(given: argparse.Namespace) -> int:
    """Keep a new plan."""
    with register.app():
        site = register.registered(given.site)
        wish = Wish(given.name, Rhythm("daily"))
        if given.template:
            preset = presets.find(given.template)
            if preset is None:
                raise UnknownTemplate(name=given.template, known=", ".join(each.name for each in presets.PRESETS))
            wish = replace(presets.wish(preset, site), name=given.name)
        plan = plans.add(site, _changed(wish, given))
        terminal.say(f"Kept as number {plan.id}. {_next(plan)}")
    return 0


def edit(given: argparse.Namespace) -> int:
    """Change a plan."""
    with register.app():
        plan = plans.find(given.plan)
        wish = plans.wish_of(plan)
        plans.change(plan, _changed(replace(wish, name=given.name or wish.name), given))
        terminal.say(f"{plan.name} is saved. {_next(plan)}")
    return 0


def run(given: argparse.Namespace) -> int:
    """Make a backup of a plan here, or, when a worker was quicker, wait for it."""
    with register.app():
        task_id = plans.run_now(plans.find(given.plan)).id
        try:
            tasks.perform(task_id)
            task = _ended(task_id)
        except KeyboardInterrupt:
            tasks.request_cancel(task_id)
            raise
        problem = tasks.problem_of(task)
        if problem is not None:
            raise RunFailed(reason=problem.message)
        row = _made(task.backup)
    if given.json:
        terminal.answer_json(row)
    else:
        terminal.answer(f"Made {row['name']}: {row['records']:,} records, {text.size(row['size'])}, {row['kind']}.")
    return 0


def enable(given: argparse.Namespace) -> int:
    """Switch a plan on."""
    return _switch(given, enabled=True)


def disable(given: argparse.Namespace) -> int:
    """Switch a plan off."""
    return _switch(given, enabled=False)


def delete(given: argparse.Namespace) -> int:
    """Delete a plan."""
    with register.app():
        plan = plans.find(given.plan)
        if not given.yes:
            if not terminal.interactive():
                raise DecisionNeeded
            kept = db.session.query(Backup).filter(Backup.plan_id == plan.id, Backup.path != "").count()
            asked = f"Delete the plan {plan.name} of {plan.site.name}? Its {kept:,} backups stay. [y/N] "
            if terminal.ask(asked).lower() not in ("y", "yes"):
                raise Declined
        name = plan.name
        plans.remove(plan)
        terminal.say(f"{name} is deleted. Its backups stay.")
    return 0


def _switch(given: argparse.Namespace, *, enabled: bool) -> int:
    with register.app():
        plan = plans.find(given.plan)
        plans.enable(plan, enabled)
        terminal.say(f"{plan.name} is {'on' if enabled else 'off'}. {_next(plan)}")
    return 0


def _changed(wish: Wish, given: argparse.Namespace) -> Wish:
    """A wish with what the command line says otherwise."""
    rhythm = wish.rhythm
    said = {
        "frequency": "cron" if given.cron else given.every,
        "at": given.at,
        "weekday": given.weekday,
        "day": given.day,
    }
    said["cron"] = given.cron
    rhythm = replace(rhythm, **{name: value for name, value in said.items() if value is not None})
    others: dict[str, Any] = {
        "kind": given.kind,
        "categories": tuple(given.category) if given.category else None,
        "media": given.media,
        "format": given.format,
        "encrypted": given.encrypted,
        "timezone": given.timezone,
        "enabled": False if given.disabled else None,
    }
    changed = replace(wish, rhythm=rhythm, **{name: value for name, value in others.items() if value is not None})
    if given.keep_days is not None:
        changed = replace(changed, keep_days=_limit("--keep-days", given.keep_days))
    if given.keep_count is not None:
        changed = replace(changed, keep_count=_limit("--keep-count", given.keep_count))
    return changed


def _limit(option: str, value: str) -> int | None:
    if value == "all":
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise NumberNeeded(option=option, value=value)
    return int(value)


def _ended(task_id: str) -> Task:
    while True:
        task = db.session.get_one(Task, task_id, populate_existing=True)
        if task.status not in tasks.OPEN:
            return task
        db.session.rollback()
        time.sleep(PAUSE)


def _row(now: Standing) -> dict[str, Any]:
    plan = now.plan
    return {
        "id": plan.id,
        "name": plan.name,
        "site": plan.site.name,
        "when": now.when,
        "state": now.state,
        "enabled": plan.enabled,
        "overdue_since": _instant(now.overdue),
        "last_good": _instant(now.good.created_at) if now.good else None,
        "last_problem": now.last.backup.note if now.last and now.last.status == "failed" else "",
        "next": _instant(plan.next_at),
        "kind": plan.kind,
        "categories": list(plans.categories_of(plan)),
        "media": plan.media,
        "format": plan.format,
        "encrypted": plan.encrypted,
        "keep_days": plan.keep_days,
        "keep_count": plan.keep_count,
        "kept": now.kept,
        "size": now.size,
    }


def _made(backup: Backup) -> dict[str, Any]:
    return {
        "id": backup.id,
        "name": backup.name,
        "kind": backup.kind,
        "format": backup.format,
        "records": backup.records,
        "size": backup.size,
        "sha256": backup.sha256,
    }


def _instant(at: Any) -> str | None:
    return at.isoformat(timespec="seconds") + "Z" if at else None


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else "–" if value in (None, "") else str(value)


def _next(plan: BackupPlan) -> str:
    if not plan.enabled:
        return "It is off."
    return f"Due next at {_instant(plan.next_at)}." if plan.next_at else "It runs when asked."

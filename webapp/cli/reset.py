"""``smart-restore reset``: show what would go, back up, prove the backup, clear."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from uuid import uuid4

from webapp.cli import folders, sites, terminal, text
from webapp.engine import backups, commands
from webapp.engine.answers import Plan
from webapp.engine.errors import (
    DecisionNeeded,
    Declined,
    NotProven,
    OutputNeeded,
    PlanBlocked,
    Refusal,
    RemovalNotConfirmed,
)


def run(given: argparse.Namespace) -> int:
    """Clear the business data of a site, or nothing."""
    if not (given.preview or given.yes or terminal.interactive()):
        raise DecisionNeeded
    if not (given.preview or given.output):
        raise OutputNeeded
    output = sites.fresh(given.output, force=False) if given.output else None
    target = sites.find(given.site, given.profile)
    job = uuid4().hex
    with folders.work() as work:
        path = work.plans / f"{job}.sqlite"
        try:
            return _run(given, target, output, work, path, job)
        finally:
            for file in work.plans.glob(f"{job}.sqlite*"):
                file.unlink(missing_ok=True)


def _run(
    given: argparse.Namespace, target: sites.Target, output: Path | None, work: folders.Folders, path: Path, job: str
) -> int:
    progress = terminal.Progress()
    try:
        plan = commands.make_reset_plan(target.url, output=path, profile=target.profile, report=progress)
    finally:
        progress.clear()
    show = terminal.say if given.json else terminal.answer
    show(text.plan(plan, origin=False))
    if not plan.ready:
        raise PlanBlocked(count=plan.problem_count)
    if given.preview or not plan.changes:
        terminal.say("\nThis is a preview: nothing was changed." if plan.changes else "\nThere is nothing to clear.")
        if given.json:
            terminal.answer_json(plan)
        return 0
    assert output is not None
    try:
        _confirm(given, plan, target)
        _secure(target, output)
        outcome = commands.apply_plan(
            path,
            plan.digest,
            target.url,
            job=job,
            receipt=work.receipts / f"{job}.sqlite",
            confirm_removal=plan.removal,
            media=target.media,
            report=progress,
        )
    except Refusal as refusal:
        sites.note(target, "reset", "refused", job=job, code=refusal.code)
        raise
    finally:
        progress.clear()
    sites.note(target, "reset", outcome.status, job=job, rows=outcome.counts.delete, backup=output.name)
    show("\n" + text.outcome(outcome))
    terminal.say(f"Backup: {output}. Restoring it brings every row back.")
    if given.json:
        terminal.answer_json(outcome)
    return 0


def _confirm(given: argparse.Namespace, plan: Plan, target: sites.Target) -> None:
    """The number of rows on the command line, or typed words."""
    if given.yes or given.confirm_removal is not None:
        if given.confirm_removal != plan.removal:
            raise RemovalNotConfirmed(removal=plan.removal)
        return
    words = f"reset {target.name}"
    if terminal.ask(f"\nThis removes {plan.removal:,} rows. Type '{words}' to go on: ") != words:
        raise Declined


def _secure(target: sites.Target, output: Path) -> None:
    """Write a backup of the whole site and prove it."""
    progress = terminal.Progress()
    with tempfile.TemporaryDirectory(prefix="smart-restore-drill-") as folder:
        try:
            backups.make(target.url, output, profile=target.profile, site=target.name, report=progress)
            answer = commands.drill(output, target.url, scratch=Path(folder), profile=target.profile, report=progress)
        finally:
            progress.clear()
    if not answer.proven:
        raise NotProven(reason=answer.verdict)
    terminal.say(f"{output}: {answer.verdict}")

"""``smart-restore restore``: plan, show, ask, apply.

The plan that is shown is the plan that is applied; ``--preview`` stops after showing it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from webapp.cli import files, folders, sites, terminal, text
from webapp.engine import backups, commands
from webapp.engine.answers import Choices, Counts, Outcome, Plan, Problem, TablePlan
from webapp.engine.errors import (
    Cancelled,
    DecisionNeeded,
    Declined,
    NotVerified,
    OutcomeUnknown,
    PlanBlocked,
    Refusal,
    RemovalNotConfirmed,
    WriteRefused,
)

FAILED = (WriteRefused, NotVerified, Cancelled, OutcomeUnknown)
"""Refusals of a restore that had begun; all others are refusals to begin."""


def run(given: argparse.Namespace) -> int:
    """Show what would change, then do exactly that, or nothing."""
    if not (given.preview or given.yes or terminal.interactive()):
        raise DecisionNeeded
    source = sites.all_existing(given.file)
    target = sites.find(given.site, given.profile, given.media)
    job = uuid4().hex
    with folders.work() as work:
        path = work.plans / f"{job}.sqlite"
        try:
            return _run(given, source, target, work, path, job)
        finally:
            # A plan is good for one database at one moment: what was done is in the receipt.
            for file in work.plans.glob(f"{job}.sqlite*"):
                file.unlink(missing_ok=True)


def _run(
    given: argparse.Namespace,
    source: Path | list[Path],
    target: sites.Target,
    work: folders.Folders,
    path: Path,
    job: str,
) -> int:
    progress = terminal.Progress()
    try:
        plan = commands.make_plan(
            source,
            target.url,
            stages=work.stages,
            output=path,
            profile=target.profile,
            choices=choices(given),
            media=target.media,
            report=progress,
        )
    finally:
        progress.clear()
    # Under another name, restore-data shows four numbers first and knows no --yes.
    summed = getattr(given, "summary", False)
    if summed:
        _show(given, text.summary(plan) + "\n")
    _show(given, "\n".join([text.plan(plan), *files.of_plan(plan)]))
    if not plan.ready:
        blocked = PlanBlocked(count=plan.problem_count)
        if not given.preview:
            sites.note(target, "restore", "refused", job=job, file=", ".join(given.file), code=blocked.code)
        return _refuse(given, plan, blocked, job)
    if given.preview:
        if not given.json:
            go_on = "Without --preview it is carried out." if summed else "--yes instead of --preview carries it out."
            terminal.say(f"\nThis is a preview: nothing was changed. {go_on}")
        _tell(
            given,
            plan,
            "planned",
            plan.counts,
            plan.tables,
            plan.problems,
            "This is a preview: nothing was changed.",
            job,
        )
        return 0
    if plan.changes == 0:
        verdict = "Nothing to do: the database already holds what the backup holds."
        _show(given, "\n" + verdict)
        _tell(given, plan, "done", plan.counts, plan.tables, plan.problems, verdict, job)
        return 0
    try:
        confirmed = _confirm(given, plan)
        saved = _save(given, path, target, work.receipts / f"{job}.before.srb.zip")
        outcome = _apply(source, path, plan, target, job, work.receipts / f"{job}.sqlite", confirmed)
    except Refusal as refusal:
        sites.note(target, "restore", "refused", job=job, file=", ".join(given.file), code=refusal.code)
        return _refuse(given, plan, refusal, job)
    sites.note(target, "restore", outcome.status, job=job, file=", ".join(given.file), changes=outcome.counts.changes)
    _show(given, "\n" + text.outcome(outcome))
    if outcome.status in {"done", "nothing"}:
        terminal.say(f"Receipt: {work.receipts / job}.sqlite")
        if saved:
            terminal.say(f"Backup from just before: {saved}")
    status = {"done": "done", "nothing": "done", "stale": "refused"}.get(outcome.status, "failed")
    _tell(given, plan, status, outcome.counts, outcome.tables, outcome.problems, outcome.verdict, job)
    return 0 if status == "done" else 1


def _save(given: argparse.Namespace, path: Path, target: sites.Target, beside: Path) -> Path | None:
    """Write a backup of what the plan would change, unless that is not wanted. Without it nothing is changed."""
    if getattr(given, "no_safety", False):
        return None
    chosen = getattr(given, "safety_output", None)
    output = sites.fresh(chosen, force=False) if chosen else beside
    progress = terminal.Progress()
    try:
        made = backups.make_before(path, target.url, output, profile=target.profile, site=target.name, report=progress)
    finally:
        progress.clear()
    return output if made else None


def choices(given: argparse.Namespace) -> Choices:
    """The decisions that the options are."""
    return Choices(
        categories=tuple(dict.fromkeys(given.category)),
        remove=given.mode == "replace",
        on_conflict=given.on_conflict,
        on_missing=given.on_missing,
        on_invalid=given.on_invalid or ("skip" if given.on_missing == "skip" else "fail"),
        on_referenced=given.on_referenced,
        accept_drift="" in given.accept_drift,
        drift=tuple(dict.fromkeys(filter(None, given.accept_drift))),
        fills=dict(given.fill),
        origin=given.origin,
        accounts=given.accounts,
        repairs=tuple(dict.fromkeys(given.repair)),
        match_by=dict(given.match_by),
        decisions=dict(given.decide),
        rows=not given.no_rows,
        files=not given.no_files,
    )


def _confirm(given: argparse.Namespace, plan: Plan) -> int | None:
    """Ask, unless --yes has answered; the number of removed rows where it must be said."""
    said: int | None = given.confirm_removal
    if said is None and not given.yes and plan.removal_needs_word:
        word = terminal.ask(f"\nThis removes {plan.removal:,} rows. Type that number to go on: ").replace(",", "")
        if not word.isdigit():
            raise Declined
        said = int(word)
    elif not given.yes and terminal.ask("\nCarry this plan out? Type yes: ").lower() not in {"y", "yes"}:
        raise Declined
    # A number that was given is held to, even where the plan does not ask for one.
    if said != plan.removal and (plan.removal_needs_word or said is not None):
        raise RemovalNotConfirmed(removal=plan.removal)
    return said


def _apply(
    source: Path | list[Path],
    path: Path,
    plan: Plan,
    target: sites.Target,
    job: str,
    receipt: Path,
    confirmed: int | None,
) -> Outcome:
    progress = terminal.Progress()
    try:
        return commands.apply_plan(
            path,
            plan.digest,
            target.url,
            job=job,
            receipt=receipt,
            confirm_removal=confirmed,
            media=target.media,
            source=source,
            report=progress,
        )
    except Refusal:
        raise
    except BaseException as error:
        # The key may have been struck, or the disk have failed, while the commit was under way: only the site's
        # journal knows, and without it the answer is OutcomeUnknown.
        progress.clear()
        if commands.settle(target.url, job, media=target.media if plan.files else None) == "applied":
            return Outcome(
                job=job,
                status="done",
                verdict="It was interrupted after everything had been carried out, verified and committed.",
                counts=plan.counts,
                tables=plan.tables,
                files=plan.files,
            )
        if isinstance(error, KeyboardInterrupt):
            raise Cancelled from None
        raise
    finally:
        progress.clear()


def _refuse(given: argparse.Namespace, plan: Plan, refusal: Refusal, job: str) -> int:
    terminal.refuse(refusal)
    if isinstance(refusal, PlanBlocked):
        for line in text.ways_out(plan):
            terminal.say(line)
        if getattr(given, "summary", False):
            terminal.say(
                "  Options other than --decide and --repair are those of smart-restore restore, which reads the same file."
            )
    status = "failed" if isinstance(refusal, FAILED) else "refused"
    found = plan.problems if isinstance(refusal, PlanBlocked) else (refusal.problem(),)
    _tell(given, plan, status, plan.counts, plan.tables, found, refusal.message, job)
    return refusal.exit_code


def _show(given: argparse.Namespace, shown: str) -> None:
    """For a person: on standard output, or beside it when that is for a program."""
    (terminal.say if given.json else terminal.answer)(shown)


def _tell(
    given: argparse.Namespace,
    plan: Plan,
    status: str,
    counts: Counts,
    tables: Sequence[TablePlan],
    problems: Sequence[Problem],
    verdict: str,
    job: str,
) -> None:
    """For a program: the last line of standard output."""
    if given.json:
        terminal.answer_json(
            {
                "status": status,
                "counts": _counts(counts),
                "tables": {part.table: _counts(part.counts) for part in tables},
                "problems": list(problems),
                "placeholders": list(plan.placeholders),
                "created": list(plan.created),
                "doubts": list(plan.doubts),
                "conflicts": list(plan.conflicts),
                "conflict_count": plan.conflict_count,
                "gains": list(plan.gains),
                "partial": plan.partial,
                "files": plan.files,
                "verdict": verdict,
                "job": job,
            }
        )


def _counts(counts: Counts) -> dict[str, Any]:
    return {name: getattr(counts, name) for name in ("insert", "update", "delete", "same", "skipped")}

"""Restores into PostgreSQL sites, for the tests of these."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from webapp.engine import commands
from webapp.engine.answers import Choices, Outcome, Plan

FULL = Choices(accounts="restore", accept_drift=True)


def ask(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, options="-c TimeZone=UTC") as connection:
        return connection.execute(query.encode()).fetchall()


def planned(url: str, backup: Path, folder: Path, choices: Choices = FULL) -> Plan:
    return commands.make_plan(backup, url, stages=folder / "stages", output=folder / "plan", choices=choices)


def restore(
    url: str,
    backup: Path,
    folder: Path,
    choices: Choices = FULL,
    job: str = "j1",
    report: Callable[[str, int, int], None] = commands.quiet,
) -> Outcome:
    plan = planned(url, backup, folder, choices)
    assert plan.problems == ()
    return commands.apply_plan(
        folder / "plan", plan.digest, url, job=job, receipt=folder / job, confirm_removal=plan.removal, report=report
    )

"""What holds for every demo site: its profile knows it, and a restore of its backup undoes its accident."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from webapp.demo.site import DemoSite
from webapp.engine import commands
from webapp.engine.answers import Choices, Outcome, Plan
from webapp.engine.profile import bundled


def copied(demo: DemoSite, folder: Path) -> str:
    """The address of a copy of the damaged site."""
    shutil.copy(demo.database, folder / demo.database.name)
    return f"sqlite:///{folder / demo.database.name}"


def planned(demo: DemoSite, url: str, stages: Path, output: Path, choices: Choices) -> Plan:
    """What a restore of the demo's backup would do."""
    return commands.make_plan(demo.backup, url, stages=stages, output=output, choices=choices)


def repaired(demo: DemoSite, url: str, stages: Path, folder: Path) -> Outcome:
    """Restore the backup, what is newer stays; a second time there must be nothing to do."""
    newest = Choices(on_conflict="newest")
    plan = planned(demo, url, stages, folder / "first.plan", newest)
    assert plan.problems == ()
    outcome = commands.apply_plan(
        folder / "first.plan", plan.digest, url, job="first", receipt=folder / "first.receipt"
    )
    assert outcome.status == "done"
    assert outcome.counts == plan.counts
    assert planned(demo, url, stages, folder / "second.plan", newest).counts.changes == 0
    return outcome


def unknown_to_its_profile(live: sqlite3.Connection, name: str) -> list[str]:
    """Tables without a title or category in the profile, and columns that the profile names but the site has not."""
    profile = bundled()[name]
    wrong = []
    for (table,) in live.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"):
        rules = profile.rules(table)
        if not rules.title or not set(profile.categories_of(table)) <= set(profile.categories):
            wrong.append(table)
        columns = {row[1] for row in live.execute(f"PRAGMA table_info({table})")}
        named = {column for key in rules.keys for column in key} | {*rules.volatile, *rules.defaults, rules.stamp} - {
            ""
        }
        wrong += [f"{table}.{column}" for column in sorted(named - columns)]
    return wrong

"""A process that is killed while it restores rows and files leaves both as before, or, once it was settled, both as after.

SMART_RESTORE_KILLS is the number of kills; some are spread over the whole of an apply, the others hit each step on files.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.engine.test_killed import settled
from tests.paper_sites import Files, Office, files, office, records
from webapp.engine import commands, errors, placement
from webapp.engine.answers import Plan

KILLS = int(os.environ.get("SMART_RESTORE_KILLS", "12"))

STEPS = ("mkdir", "rename", "link", "unlink", "fsync", "open")
"""Calls of the system at which a process is killed, one after the other."""


def state(word: str, leave_out: str = "") -> tuple[list[dict[str, Any]], Files]:
    """Rows and files of one of two states: every file differs, and some are there in one state only."""
    held = {path: f"{word} {path}\n".encode() * 3000 for path in files() if path != leave_out}
    rows = [row for row in records() if leave_out not in row["fields"].values()]
    return rows, held


EVEN, ODD = state("even", "documents/2026/one.txt"), state("odd", "letters/three.txt")


def expected(rows: list[dict[str, Any]], held: Files) -> tuple[set[str], Files]:
    """What identifies a state: the paths that people's and papers' rows name, and the files."""
    return {str(value) for row in rows for value in row["fields"].values() if value}, held


def found(site: Office) -> tuple[set[str], Files]:
    rows = [*site.rows("office_paper"), *site.rows("office_person")]
    return {str(value) for row in rows for name, value in row.items() if name != "id" and value}, site.held()


def test_a_kill_at_any_moment_leaves_rows_and_files_together(site_database: str, tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.engine.test_files_killed", "psycopg"])
    site = office(site_database, tmp_path, empty=True)
    packages = [site.package(held, rows) for rows, held in (EVEN, ODD)]
    states = [expected(*EVEN), expected(*ODD)]
    site.bring_back(packages[0])
    assert found(site) == states[0]
    now, ends = 0, Counter[str]()
    chance = random.Random(11)
    for number in range(3 * KILLS):
        package = packages[1 - now]
        path, plan = site.plan_of(package, remove=True)
        assert plan.problem_count == 0
        job = f"job {number}"
        step, count = (STEPS[number % len(STEPS)], chance.randrange(1, 40)) if number % 3 else ("", 0)
        process = context.Process(target=_apply, args=(site, package, path, plan, job, step, count))
        process.start()
        if not step:
            time.sleep(chance.random() * 0.12)
            process.kill()
        process.join()
        ends["done" if process.exitcode == 0 else "killed"] += 1
        if number % 2:
            applied = settled(site.url, job, site.media) == "applied"
        else:
            # Whoever plans next settles it as well.
            site.plan_of(package, remove=True)
            applied = settled(site.url, job, site.media) == "applied"
        if applied:
            now = 1 - now
        rows, held = found(site)
        assert (rows, held) == states[now], (number, step, count)
        left = [each.name for each in (site.media / ".smart-restore").rglob("*")]
        assert not [name for name in left if name.startswith("new-") or name == placement.LIST]
        if applied:
            with pytest.raises(errors.AlreadyApplied):
                site.carry_out(package, path, plan, job)
            assert found(site) == states[now]
    assert ends["killed"] > KILLS // 2  # how many come in time depends on the machine
    print(f"{dict(ends)}")  # noqa: T201 - pytest shows it with -s


def _apply(site: Office, package: Path, path: Path, plan: Plan, job: str, step: str, count: int) -> None:
    if step:
        _die_at(step, count)
    site.carry_out(package, path, plan, job)


def _die_at(step: str, count: int) -> None:
    """Have this process killed at the ``count``-th call of one function of the system."""
    real, left = getattr(os, step), count

    def called(*given: Any, **named: Any) -> Any:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*given, **named)

    setattr(os, step, called)


def test_a_job_that_was_committed_keeps_what_was_written_since(sqlite: str, tmp_path: Path) -> None:
    """Between the commit and the renames somebody writes to a file: the restored one takes its place, the other is kept."""
    site = office(sqlite, tmp_path)
    package = site.package()
    three = site.media / "letters/three.txt"
    three.write_text("spoilt")
    path, plan = site.plan_of(package)
    process = multiprocessing.get_context("fork").Process(target=_apply_and_die, args=(site, package, path, plan))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert three.read_text() == "spoilt"
    three.write_text("written since")
    assert commands.settle(site.url, "late", media=site.media) == "applied"
    assert site.held() == files()
    kept = {each.read_text() for each in (site.media / ".smart-restore").rglob("*-*") if each.is_file()}
    assert kept == {"spoilt", "written since"}


def _apply_and_die(site: Office, package: Path, path: Path, plan: Plan) -> None:
    _die_at("rename", 1)
    site.carry_out(package, path, plan, "late")

"""A process that is killed while it restores leaves the site as before or as after, and the journal tells which.

SMART_RESTORE_KILLS is the number of kills on each database; they are spread over the whole of an apply.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests import sites
from tests.restoring import Restoring
from tests.small_sites import library_rows, records_of
from tests.strategies import Contents
from webapp.engine import commands, errors

KILLS = int(os.environ.get("SMART_RESTORE_KILLS", "12"))

PHASES = ("none", "lock", "check", "write", "verify", "commit", "done")


def state(title: str, first: int, count: int = 1500) -> Contents:
    """A library whose every book differs from that of the other state, some of them there in one state only."""
    contents = library_rows()
    pattern = contents["library_book"][0] | {"author_id": 1}
    contents["library_book"] = [
        pattern | {"id": number, "isbn": f"{number:013d}", "title": f"{title} {number}"}
        for number in range(first, first + count)
    ]
    for publisher in contents["library_publisher"]:
        publisher["flagship_id"] = first
    for table in ("library_copy", "library_loan", "library_book_tags"):
        del contents[table]
    return contents


def settled(url: str, job: str, media: Path | None = None) -> str:
    """What the journal says, as soon as it says anything: a server may still be at what the killed process asked of it."""
    until = time.monotonic() + 30
    while True:
        try:
            return commands.settle(url, job, media=media)
        except errors.OutcomeUnknown:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def test_a_kill_at_any_moment_leaves_all_or_nothing(site_database: str, tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.engine.test_killed", "psycopg"])
    site = Restoring(sites.write(sites.library_schema(site_database), state("even", 1)), tmp_path)
    files = [site.file(records_of(state(*which))) for which in (("even", 1), ("odd", 500))]
    held, found, dumps = 0, Counter[str](), {0: sites.dump(site.url)}
    chance, longest = random.Random(7), 0.0
    for number in range(KILLS + 1):
        path, plan = site.planned(files[1 - held], remove=True, origin="same")
        assert plan.problem_count == 0
        job, receipt, phase = f"job {number}", tmp_path / "receipt", context.Value("i", 0)
        process = context.Process(target=_apply, args=(site.url, path, plan.digest, job, receipt, phase, plan.removal))
        process.start()
        while not phase.value and process.is_alive():
            time.sleep(0.0005)
        began = time.monotonic()
        if number:
            process.join(chance.random() * longest * 1.05)
            process.kill()
        process.join()
        if not number:
            longest = time.monotonic() - began
            assert process.exitcode == 0
        found[PHASES[phase.value]] += 1
        receipt.unlink(missing_ok=True)
        applied = settled(site.url, job) == "applied"
        now = sites.dump(site.url)
        if applied:
            assert now == dumps.setdefault(1 - held, now)
            with pytest.raises(errors.AlreadyApplied):
                site.apply(path, plan, job=job, confirm_removal=plan.removal)
            assert sites.dump(site.url) == now
        else:
            assert now == dumps[held]
            if number % 4 == 0:
                site.apply(path, plan, job=job, confirm_removal=plan.removal)
                now = sites.dump(site.url)
                assert now == dumps.setdefault(1 - held, now)
                applied = True
        if applied:
            held = 1 - held
        jobs = [row["job"] for row in sites.rows(site.url, "smart_restore_journal")]
        assert jobs.count(job) == int(applied)
    print(f"killed while: {dict(found)}, {longest:.2f} s")  # noqa: T201 - pytest shows it with -s


def _apply(url: str, path: Path, digest: str, job: str, receipt: Path, phase: Any, removal: int) -> None:
    def report(name: str, done: int, total: int) -> None:
        phase.value = PHASES.index("done" if name == "commit" and done else name)

    commands.apply_plan(path, digest, url, job=job, receipt=receipt, confirm_removal=removal, report=report)

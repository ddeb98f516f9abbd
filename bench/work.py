"""One measured piece of our work, in a process of its own: ``python -m bench.work NAME URL ARGUMENT...``.

It prints one line of JSON. The clock runs over the work alone, not over starting Python and importing; the peak memory
is taken by the process that started this one.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from uuid import uuid4

import psycopg
from sqlalchemy.engine import make_url

from bench import rows
from webapp.engine import backups, commands

ROWS_IN_A_STATEMENT = 500


def raw_write(url: str, count: int) -> float:
    """The fastest plain write of the same rows: COPY, or statements with many rows. Making the rows is not counted."""
    if make_url(url).get_backend_name() == "sqlite":
        return _raw_sqlite(url, count)
    return _raw_postgresql(url, count)


def _raw_sqlite(url: str, count: int) -> float:
    connection = sqlite3.connect(str(make_url(url).database), isolation_level=None)
    one = f"({', '.join('?' * len(rows.COLUMNS))})"
    insert = f"INSERT INTO bench_attendance ({', '.join(rows.COLUMNS)}) VALUES "
    seconds = 0.0
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO bench_company (id, name) VALUES (?, ?)", map(rows.company, range(1, rows.COMPANIES + 1))
    )
    for batch in rows.batches(count):
        began = time.perf_counter()
        for start in range(0, len(batch), ROWS_IN_A_STATEMENT):
            part = batch[start : start + ROWS_IN_A_STATEMENT]
            connection.execute(insert + ", ".join([one] * len(part)), [value for each in part for value in each])
        seconds += time.perf_counter() - began
    began = time.perf_counter()
    connection.execute("COMMIT")
    return seconds + time.perf_counter() - began


def _raw_postgresql(url: str, count: int) -> float:
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    seconds = 0.0
    with psycopg.connect(address) as connection, connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.executemany(
            "INSERT INTO bench_company (id, name) VALUES (%s, %s)", map(rows.company, range(1, rows.COMPANIES + 1))
        )
        with cursor.copy(f"COPY bench_attendance ({', '.join(rows.COLUMNS)}) FROM STDIN") as copy:
            for batch in rows.batches(count):
                began = time.perf_counter()
                for each in batch:
                    copy.write_row(each)
                seconds += time.perf_counter() - began
            began = time.perf_counter()
        connection.commit()
        return seconds + time.perf_counter() - began


def restore(url: str, file: Path, stages: Path) -> dict[str, object]:
    """Our restore, end to end: read, stage, match, plan, write, verify, receipt, commit.

    As in the product, what was read from a file is kept in ``stages`` for the next time.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        phases: dict[str, float] = {}
        last = ["read", time.perf_counter()]

        def report(phase: str, _done: int, _total: int) -> None:
            now = time.perf_counter()
            phases[str(last[0])] = phases.get(str(last[0]), 0.0) + now - float(last[1])
            last[:] = [phase, now]

        began = time.perf_counter()
        plan = commands.make_plan(file, url, stages=stages, output=folder / "plan.sqlite", report=report)
        planned = time.perf_counter()
        counts = plan.counts
        if plan.counts.changes:
            outcome = commands.apply_plan(
                folder / "plan.sqlite",
                plan.digest,
                url,
                job=uuid4().hex,
                receipt=folder / "receipt.sqlite",
                confirm_removal=plan.removal,
                report=report,
            )
            counts = outcome.counts
        report("", 0, 0)
        ended = time.perf_counter()
        return {
            "seconds": ended - began,
            "plan_seconds": planned - began,
            "apply_seconds": ended - planned,
            "phases": {phase: round(seconds, 3) for phase, seconds in phases.items()},
            "counts": {each: getattr(counts, each) for each in ("insert", "update", "delete", "same", "skipped")},
            "problems": plan.problem_count,
        }


def backup(url: str, file: Path, form: str, base: Sequence[Path] = ()) -> dict[str, object]:
    """Our backup, in one of its formats; an increment where there is a base."""
    began = time.perf_counter()
    facts = backups.make(url, file, format=form, base=base)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "sha256": facts.sha256, "records": facts.records, "size": facts.size}


def verify(file: Path) -> dict[str, object]:
    """Every byte and every record of a backup."""
    began = time.perf_counter()
    found = backups.check(file)
    return {"seconds": time.perf_counter() - began, "records": found.records}


WORK: Mapping[str, Callable[..., dict[str, object]]] = {
    "raw_write": lambda url, count: {"seconds": raw_write(url, int(count))},
    "restore": lambda url, file, stages: restore(url, Path(file), Path(stages)),
    "backup": lambda url, file: backup(url, Path(file), "native"),
    "increment": lambda url, file, base: backup(url, Path(file), "native", [Path(base)]),
    "fixture": lambda url, file: backup(url, Path(file), "fixture"),
    "verify": lambda url, file: verify(Path(file)),
}


if __name__ == "__main__":
    name, url, *rest = sys.argv[1:]
    print(json.dumps(WORK[name](url, *rest)))

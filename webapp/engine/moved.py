"""What has moved between two plans of the same restore: compared row by row, not as bytes of files."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from webapp.engine import sql
from webapp.engine.plan import PlanFacts, file_digest, open_plan
from webapp.engine.sql import names, q


def moved_rows(approved: Path, now: Path) -> dict[str, int]:
    """By title of a table: rows of which the two plans say different things. Empty when they would do the same."""
    if file_digest(approved) == file_digest(now):
        return {}
    plans = []
    for path in (approved, now):
        connection, facts = open_plan(path)
        connection.close()
        plans.append(facts)
    before, after = plans
    with closing(sqlite3.connect(sql.read_only(approved), uri=True)) as connection:
        connection.execute("ATTACH ? AS later", (sql.read_only(now),))
        titles = {each.table: each.title for facts in plans for each in facts.plan.tables}
        found = {title: _moved(connection, table) for table, title in titles.items()}
    if before.plan.files != after.plan.files:
        found["Files"] = found.get("Files", 0) + 1
    if _stands_in_the_way(after) != _stands_in_the_way(before):
        found["Records that need a decision"] = after.plan.problem_count
    return {title: count for title, count in found.items() if count}


def _stands_in_the_way(facts: PlanFacts) -> tuple[int, bool]:
    return facts.plan.problem_count, facts.plan.ready


def _moved(connection: sqlite3.Connection, table: str) -> int:
    rows = 0
    for name in (f"after {table}", f"before {table}"):
        columns = [
            [row[1] for row in connection.execute(f"PRAGMA {schema}.table_info({q(name)})") if row[1] != "#id"]
            for schema in ("main", "later")
        ]
        if columns[0] != columns[1]:
            kept = next(index for index, each in enumerate(columns) if each)
            rows = max(rows, _count(connection, f"SELECT 1 FROM {('main', 'later')[kept]}.{q(name)}") or 1)
            continue
        if not columns[0]:
            continue
        listed = names(columns[0])
        sides = [
            _count(connection, f"SELECT {listed} FROM {one}.{q(name)} EXCEPT SELECT {listed} FROM {other}.{q(name)}")
            for one, other in (("main", "later"), ("later", "main"))
        ]
        rows = max(rows, *sides)
    return rows


def _count(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM ({query})").fetchone()[0])

"""What holds in any database: random tables, random contents, random backups, random choices."""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests import random_schemas, sites
from tests.postgresql_server import PostgreSQLServer
from tests.restoring import Restoring
from webapp.engine.answers import Plan, RowChange
from webapp.engine.errors import PlanBlocked, UnknownCategory

GIVEN = os.environ.get("SCHEMA_EXAMPLES", "")
FEW = int(GIVEN or "200")
"""The same examples every time, unless a number is asked for: then others each time."""

chances = st.randoms(use_true_random=False)
drawing = settings(
    max_examples=FEW,
    derandomize=not GIVEN,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
)


@drawing
@given(chance=chances)
def test_restores_keep_their_promises_on_sqlite(sqlite: str, tmp_path: Path, chance: random.Random) -> None:
    path = Path(sqlite.removeprefix("sqlite:///"))
    path.unlink(missing_ok=True)
    keep_promises(sqlite, tmp_path, chance)


@settings(drawing, max_examples=max(1, FEW // 10))
@given(chance=chances)
def test_restores_keep_their_promises_on_postgresql(
    postgresql_server: PostgreSQLServer, tmp_path: Path, chance: random.Random
) -> None:
    url = postgresql_server.new_database()
    try:
        keep_promises(url, tmp_path, chance)
    finally:
        postgresql_server.drop_database(url)


def keep_promises(url: str, folder: Path, chance: random.Random) -> None:
    schema = random_schemas.any_schema(chance)
    sites.execute(url, *random_schemas.ddl(schema, postgresql=url.startswith("postgresql")))
    ours = random_schemas.any_state(chance, schema)
    theirs = random_schemas.related(chance, schema, ours)
    if chance.random() < 0.5:
        ours, theirs = theirs, ours
    sites.write(url, ours)
    site = Restoring(url, folder)
    file = site.file(random_schemas.any_file(chance, schema, theirs))
    choices = random_schemas.any_choices(chance)
    before = sites.contents(url)
    try:
        path, plan = site.planned(file, **choices)
    except UnknownCategory:
        assert choices["categories"]
        return
    rows = {each.table: site.changes(path, each.table) for each in plan.tables}
    assert_counted(plan, rows, file, before)
    if not plan.ready:
        with pytest.raises(PlanBlocked):
            site.apply(path, plan)
        assert sites.contents(url) == before
        return
    site.apply(path, plan, confirm_removal=plan.removal)
    assert shown(sites.contents(url)) == expected(schema, shown(before), rows)
    again = site.plan(file, **choices)
    assert again.counts.changes == 0, (again.tables, again.problems)


def assert_counted(
    plan: Plan, rows: dict[str, tuple[RowChange, ...]], file: Path, before: dict[str, list[sites.Row]]
) -> None:
    """Every record has one fate, and every row of the site at most one record."""
    for each in plan.tables:
        told = Counter(row.action for row in rows[each.table])
        assert told == Counter({name: getattr(each.counts, name) for name in told})
        records = [row.place.record for row in rows[each.table] if row.place.record is not None]
        assert len(records) == len(set(records)), "a record has two fates"
        written = [row.pk for row in rows[each.table] if row.action in ("insert", "update")]
        assert len(written) == len(set(written)), "two records are one row"
        changed = [row.pk for row in rows[each.table] if row.action in ("update", "delete")]
        assert each.counts.same + len(changed) <= len(before[each.table]), "more rows than there are"
    if not plan.choices.categories:
        records = sum(each.counts.same for each in plan.tables)
        records += sum(row.place.record is not None for each in rows.values() for row in each)
        assert records == file.read_text("utf-8").count('"model"'), "a record has no fate"


def expected(
    schema: random_schemas.Schema, before: dict[str, list[dict[str, Any]]], rows: dict[str, tuple[RowChange, ...]]
) -> dict[str, list[dict[str, Any]]]:
    """What the site holds when exactly the preview has been done."""
    after: dict[str, list[dict[str, Any]]] = {}
    for name, held in before.items():
        keys = schema[name].key_names
        left = {tuple(row[key] for key in keys): row for row in held}
        for row in rows.get(name, ()):
            new = {each.column: each.after for each in row.fields}
            old = {each.column: each.before for each in row.fields}
            if row.action in ("update", "delete"):
                assert left.pop(tuple(old[key] for key in keys)) == old
            if row.action in ("insert", "update"):
                assert left.setdefault(tuple(new[key] for key in keys), new) is new
        after[name] = in_order(left.values())
    return after


def shown(contents: dict[str, list[sites.Row]]) -> dict[str, list[dict[str, Any]]]:
    """Rows with values as a preview shows them."""
    return {
        name: in_order({column: _text(value) for column, value in row.items()} for row in rows)
        for name, rows in contents.items()
    }


def in_order(rows: Any) -> list[dict[str, Any]]:
    return sorted(rows, key=repr)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return value.hex if isinstance(value, UUID) else str(int(value)) if isinstance(value, bool) else str(value)

"""What has to be saved before a plan is carried out."""

from __future__ import annotations

from pathlib import Path

from webapp.engine.databases.base import Reader
from webapp.engine.plan import open_plan, table_changes
from webapp.engine.profile import Profile
from webapp.engine.schema import Schema
from webapp.engine.snapshot import tables_of

WHOLE_ROWS = 50_000
"""A site with no more rows than this is saved whole: that costs seconds, and a whole backup answers every later question."""


def tables_at_risk(plan: Path, schema: Schema, profile: Profile, reader: Reader) -> tuple[str, ...]:
    """The tables that a plan would write to and those that they refer to, so that they can be restored by themselves.

    Of a small site all tables; none when the plan changes nothing.
    """
    connection, facts = open_plan(plan)
    connection.close()
    changed = {each.table.name for each in table_changes(facts, schema)}
    if not changed:
        return ()
    every = tables_of(schema, profile, ())
    if sum(reader.count(name) for name in every) <= WHOLE_ROWS:
        return every
    waiting = list(changed)
    while waiting:
        new = {key.target for key in schema.tables[waiting.pop()].foreign_keys} - changed
        changed |= new
        waiting += new
    return tuple(name for name in every if name in changed)
